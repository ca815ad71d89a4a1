"""Transcription: the text of a recording, without knowing when each unit was said."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from lamina.batch import END, Batch
from lamina.codec import Codec
from lamina.exceptions import DataError, ParameterError
from lamina.nn.ctc import (
    align,
    best_path,
    prefix_search,
    steps_needed,
    text_losses,
)
from lamina.nn.language import Stepper
from lamina.nn.losses import weighted_mean
from lamina.nn.model import Model
from lamina.params import Params, Rule, at_least, none, not_negative, refuse_unused
from lamina.ragged import Ragged, Sequences
from lamina.tasks.base import Task
from lamina.tasks.errors import error_rate
from lamina.tasks.targets import read_texts

NEGLIGIBLE = -9.0
"""Units with a smaller log-probability at a step are not tried there."""


def judge_of_texts() -> Rule:
    """A model of what is likely to be said."""
    return Rule("LanguageModel", lambda v: hasattr(v, "generate"))


class TranscriptionParams(Params):
    """How transcripts are found."""

    beam_size: Annotated[
        int,
        at_least(1),
        """Beginnings of a text that are followed at once; 1 takes the most likely unit
        of each step, which is much faster and rarely worse without a language model.""",
    ] = 1
    language_model: Annotated[
        Any,
        judge_of_texts(),
        none(),
        """A fitted LanguageModel with unit="char" that says what texts are likely. For
        `clone` and grid search wrap it in `sklearn.frozen.FrozenEstimator`.""",
    ] = None
    language_weight: Annotated[
        float,
        not_negative(),
        "How much the language model counts, beside 1 for what is heard.",
    ] = 0.5


class Transcription(Task):
    """y: a text a recording; output: texts."""

    causal: ClassVar = False
    long_range: ClassVar = False
    default_steps: ClassVar = None
    largest_batch: ClassVar = 16

    def __init__(self, params: Any):
        self.codec = Codec(params.unit, params.max_tokens)
        super().__init__(params)

    def configure(self, params: Any) -> None:
        self.beam_size = params.beam_size
        self.weight = params.language_weight
        self.language_model = params.language_model
        self.fusion: Fusion | None = None
        if params.language_model is not None:
            if params.unit != "char":
                refuse_unused(params, "language_model", f"unit={params.unit!r}")
            _refuse_units(params.language_model)
        elif params.language_weight != TranscriptionParams.language_weight:
            refuse_unused(params, "language_weight", "language_model=None")

    def read(self, y: Any, X: Any) -> list[str]:
        del X
        return read_texts(y)

    def fit(self, y: Any, weight: Any, classes: Any = None) -> Self:
        del weight, classes
        self.codec.fit(y)
        return self

    @property
    def speech(self) -> "Fusion | None":
        """What a language model says of the units, if there is one."""
        if self.fusion is None and self.language_model is not None:
            self.fusion = Fusion(self.language_model, self.codec)
        return self.fusion

    def encode(self, y: list[str]) -> Ragged:
        """Numbers of the units from 1 on; 0 is the blank."""
        numbers = (torch.tensor(self.codec.numbers(text)).long() - END for text in y)
        return Ragged.of(numbers)

    def head(self, body: Any) -> "StepHead":
        return StepHead(body.width, len(self.codec) - END)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """Of each text per unit, the weighted mean over the texts."""
        log_p, lengths = _listen(model, batch)
        target: Sequences = batch.target
        self._refuse_too_long(target, lengths)
        losses = text_losses(log_p, lengths, target.values, target.lengths)
        return weighted_mean(losses / target.lengths.clamp(min=1), batch.weight)

    def predict(self, model: Model, batch: Batch) -> list[str]:
        return [self._text(steps) for steps in _each(model, batch)]

    def likelihoods(self, model: Model, batch: Batch) -> np.ndarray:
        """(B,) natural log-likelihoods of the targets; -inf for those that are too long."""
        log_p, lengths = _listen(model, batch)
        target: Sequences = batch.target
        losses = text_losses(log_p, lengths, target.values, target.lengths)
        return -losses.double().cpu().numpy()

    def spans(self, model: Model, batch: Batch) -> list[list[tuple[str, int, int]]]:
        """Each character of each target, its first step, and the one after its last."""
        target: Sequences = batch.target
        found = []
        rows = zip(target.values.tolist(), target.lengths.tolist(), strict=True)
        for steps, (row, n) in zip(_each(model, batch), rows, strict=True):
            spans = zip(row[:n], align(steps, row[:n]), strict=True)
            found.append(
                [
                    (character, *span)
                    for unit, span in spans
                    for character in self.codec.text([unit + END])
                ]
            )
        return found

    def score(self, y: list[str], outputs: Any, weight: np.ndarray | None) -> float:
        """1 - word error rate."""
        return 1.0 - error_rate("words", y, outputs, weight)

    def _text(self, log_p: np.ndarray) -> str:
        if self.beam_size == 1 and self.speech is None:
            units = best_path(log_p)
        else:
            follow = None if self.speech is None else self.speech.following
            found = prefix_search(
                log_p, self.beam_size, follow, self.weight, NEGLIGIBLE
            )
            units = list(found[0][0])
        return self.codec.text([unit + END for unit in units])

    def _refuse_too_long(self, target: Sequences, lengths: Tensor) -> None:
        needed = steps_needed(target.values, target.lengths)
        for i in (needed > lengths).nonzero()[:, 0].tolist():
            units = target.values[i, : target.lengths[i]] + END
            raise DataError(
                f"The text {self.codec.text(units.tolist())!r} needs {int(needed[i])} "
                f"steps, and its recording has {int(lengths[i])} after the convolutions; "
                f"choose a smaller stride or larger units, or leave it out."
            )


class StepHead(nn.Module):
    """h (B, T, D) -> log-probabilities (B, T, K) of the blank and the units."""

    def __init__(self, width: int, n_classes: int):
        super().__init__()
        self.out = nn.Linear(width, n_classes)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Any) -> Tensor:
        return self.out(features.h).float().log_softmax(-1)


class Fusion:
    """What a language model says of the units of a codec (shallow fusion)."""

    def __init__(self, model: Any, codec: Codec):
        check_is_fitted(model)
        self.codec, self.model = codec, model
        self.known: dict[tuple[int, ...], tuple[np.ndarray, Any]] = {}
        texts = [codec.text([n]) for n in range(END + 1, len(codec))]
        numbers = model.encoder_.codec.numbers
        # What comes first of a unit, if it is more than the model takes in one step.
        self.spelled = [[], *([n - END for n in numbers(text)] for text in texts)]

    def following(self, text: tuple[int, ...]) -> np.ndarray:
        """(K,) log-probabilities of each unit after a text, and at 0 of its end."""
        log_p, _ = self._after(text)
        first = [spelled[0] if spelled else 0 for spelled in self.spelled]
        return log_p[first]

    def _after(self, text: tuple[int, ...]) -> tuple[np.ndarray, Any]:
        if text not in self.known:
            if len(self.known) > MOST_KNOWN:
                self.known.clear()
            stepper = Stepper(self.model.network_)
            if text:
                _, state = self._after(text[:-1])
                tokens = torch.tensor([self.spelled[text[-1]]])
                log_p, state = stepper.read(tokens, state)
            else:
                log_p, state = stepper.start(1)
            self.known[text] = log_p[0].numpy(), state
        return self.known[text]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"known": {}}


MOST_KNOWN = 20_000
"""Texts whose continuations are remembered."""


def _refuse_units(language_model: Any) -> None:
    """Words and byte pairs begin before it is known which they are."""
    if language_model.unit != "char":
        raise ParameterError(
            f"The parameter 'language_model' has unit={language_model.unit!r}; what is "
            f'heard is written in characters, so fit a LanguageModel(unit="char").'
        )


def _listen(model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
    """Log-probabilities (B, T, K), and how many steps of each sample are real."""
    features = model.body(batch)
    lengths = features.lengths
    if lengths is None:
        lengths = torch.full((len(batch),), features.h.shape[1])
    return model.head(features), lengths


def _each(model: Model, batch: Batch) -> Iterator[np.ndarray]:
    """(T, K) of each sample, without padding."""
    log_p, lengths = _listen(model, batch)
    for steps, n in zip(log_p.cpu().numpy(), lengths.tolist(), strict=True):
        yield steps[:n]
