"""Generation of texts from prompts, unit by unit."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lamina.batch import State
from lamina.codec import Codec
from lamina.nn.language import Stepper
from lamina.nn.sampling import draw, sharpened
from lamina.process import default_settings


@dataclass
class Writer:
    """One text that is generated: takes outputs, and gives complete characters."""

    codec: Codec
    stop: tuple[str, ...]
    finished: bool = False
    unread: list[int] = field(default_factory=list)
    """Outputs of an incomplete character."""
    state: int = 0
    """The state of the text; see `Codec.states_after`."""
    held: str = ""
    """Text that is not given yet, because it may be the beginning of a stop."""

    def add(self, output: int) -> str:
        """The text that this output completes, without the beginning of a possible stop."""
        if output == 0:
            self.finished = True
            return self.rest()
        self.unread.append(output)
        self.state = self.codec.state_of([output], self.state)
        # A character may take several outputs.
        if self.state:
            return ""
        self.held += self.codec.text_of_outputs(self.unread)
        self.unread = []
        return self._release()

    def rest(self) -> str:
        """The remaining text, at the end."""
        self.held += self.codec.text_of_outputs(self.unread)
        self.unread = []
        text = self._release()
        text, self.held = text + self.held, ""
        return text

    def _release(self) -> str:
        stops = [i for s in self.stop if (i := self.held.find(s)) >= 0]
        if stops:
            text, self.held, self.finished = self.held[: min(stops)], "", True
            return text
        n_kept = max((_overlap(self.held, s) for s in self.stop), default=0)
        n = len(self.held) - n_kept
        text, self.held = self.held[:n], self.held[n:]
        return text


@dataclass
class Generation:
    """How units are drawn; see `LanguageModel.generate`."""

    max_length: int
    temperature: float
    top_k: int | None
    top_p: float | None
    stop: tuple[str, ...]
    seed: int

    def pieces(
        self, stepper: Stepper, codec: Codec, prompts: list[str]
    ) -> Iterator[list[str]]:
        """The text that each draw adds after each prompt."""
        generator = torch.Generator().manual_seed(self.seed)
        given = [codec.outputs(prompt) for prompt in prompts]
        writers = [Writer(codec, self.stop) for _ in prompts]
        log_p, state, n_read = _read_together(stepper, given)
        remaining = [self.max_length] * len(prompts)
        while any(remaining):
            states = np.array([writer.state for writer in writers])
            outputs = draw(
                self._probabilities(log_p, codec, states), generator
            ).tolist()
            added = [""] * len(prompts)
            for i, writer in enumerate(writers):
                if n_read < len(given[i]):  # still within the prompt
                    outputs[i] = given[i][n_read]
                elif remaining[i]:
                    added[i] = writer.add(outputs[i])
                    remaining[i] = 0 if writer.finished else remaining[i] - 1
                    added[i] += "" if remaining[i] or writer.finished else writer.rest()
            yield added
            n_read += 1
            if any(remaining):
                following = torch.tensor(outputs, device=log_p.device)
                log_p, state = stepper.step(following, state)

    def _probabilities(self, log_p: Tensor, codec: Codec, states: np.ndarray) -> Tensor:
        """The probabilities (N, K) to draw from, 0 where a unit may not follow."""
        forbidden = torch.from_numpy(~codec.may_follow[states]).to(log_p.device)
        log_p = log_p.masked_fill(forbidden, -torch.inf)
        return sharpened(log_p, self.temperature, self.top_k, self.top_p)


def with_defaults(pieces: Iterator[list[str]]) -> Iterator[list[str]]:
    """The same pieces, each computed in the default settings of `process`."""
    while True:
        with default_settings():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _read_together(
    stepper: Stepper, given: list[list[int]]
) -> tuple[Tensor, State, int]:
    """Log-probabilities and state after the outputs of the shortest prompt, and these."""
    log_p, state = stepper.start(len(given))
    n_read = min(map(len, given))
    if n_read:
        outputs = torch.tensor([row[:n_read] for row in given], device=log_p.device)
        log_p, state = stepper.read(outputs, state)
    return log_p, state, n_read


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of the text that is a beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
