"""Writing on from prompts, token by token."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.codec import Codec
from lamina.nn.language import Stepper
from lamina.nn.sampling import draw, sharpened
from lamina.process import default_settings


@dataclass
class Writer:
    """One text that is being written; outputs come in, finished characters go out."""

    codec: Codec
    stop: tuple[str, ...]
    ended: bool = False
    unread: list[int] = field(default_factory=list)
    state: int = 0
    held: str = ""

    def add(self, output: int) -> str:
        """The text that is certain with this output; held back if a stop may have begun."""
        if output == 0:
            self.ended = True
            return self.rest()
        self.unread.append(output)
        self.state = self.codec.state_of([output], self.state)
        # A character may take several outputs.
        if self.state:
            return ""
        self.held += self.codec.written(self.unread)
        self.unread = []
        return self._release()

    def rest(self) -> str:
        """What is left when nothing follows."""
        self.held += self.codec.written(self.unread)
        self.unread = []
        text = self._release()
        text, self.held = text + self.held, ""
        return text

    def _release(self) -> str:
        found = [at for s in self.stop if (at := self.held.find(s)) >= 0]
        if found:
            text, self.held, self.ended = self.held[: min(found)], "", True
            return text
        n_kept = max((_overlap(self.held, s) for s in self.stop), default=0)
        n = len(self.held) - n_kept
        text, self.held = self.held[:n], self.held[n:]
        return text


@dataclass
class Generation:
    """How tokens are drawn; see `LanguageModel.generate`."""

    max_length: int
    temperature: float
    top_k: int | None
    top_p: float | None
    stop: tuple[str, ...]
    seed: int

    def pieces(
        self, stepper: Stepper, codec: Codec, prompts: list[str]
    ) -> Iterator[list[str]]:
        """What each drawn token adds to the text after each prompt."""
        generator = torch.Generator().manual_seed(self.seed)
        given = [codec.outputs(prompt) for prompt in prompts]
        writers = [Writer(codec, self.stop) for _ in prompts]
        log_p, state, n_read = _read_together(stepper, given)
        left = [self.max_length] * len(prompts)
        while any(left):
            states = np.array([writer.state for writer in writers])
            outputs = draw(
                self._probabilities(log_p, codec, states), generator
            ).tolist()
            added = [""] * len(prompts)
            for i, writer in enumerate(writers):
                if n_read < len(given[i]):  # still within the prompt
                    outputs[i] = given[i][n_read]
                elif left[i]:
                    added[i] = writer.add(outputs[i])
                    left[i] = 0 if writer.ended else left[i] - 1
                    added[i] += "" if left[i] or writer.ended else writer.rest()
            yield added
            n_read += 1
            if any(left):
                following = torch.tensor(outputs, device=log_p.device)
                log_p, state = stepper.step(following, state)

    def _probabilities(self, log_p: Tensor, codec: Codec, states: np.ndarray) -> Tensor:
        forbidden = torch.from_numpy(~codec.may_follow[states]).to(log_p.device)
        log_p = log_p.masked_fill(forbidden, -torch.inf)
        return sharpened(log_p, self.temperature, self.top_k, self.top_p)


def with_defaults(pieces: Iterator[list[str]]) -> Iterator[list[str]]:
    """The same pieces, each drawn in the default settings; between them are the user's."""
    while True:
        with default_settings():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _read_together(stepper: Stepper, given: list[list[int]]) -> tuple[Tensor, Any, int]:
    """Log-probabilities and state after as many outputs as every prompt has."""
    log_p, state = stepper.start(len(given))
    n_read = min(map(len, given))
    if n_read:
        outputs = torch.tensor([row[:n_read] for row in given], device=log_p.device)
        log_p, state = stepper.read(outputs, state)
    return log_p, state, n_read


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of the text that may be the beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
