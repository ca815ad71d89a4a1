"""Transcription: the text of a recording, without knowing when each unit was said."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import END, Batch
from lamina.codec import LOST, Codec
from lamina.exceptions import DataError
from lamina.nn.ctc import (
    align,
    best_path,
    prefix_search,
    steps_needed,
    text_losses,
)
from lamina.nn.heads import LogSoftmaxHead
from lamina.nn.losses import weighted_mean
from lamina.nn.model import Model
from lamina.params import (
    Params,
    Rule,
    Use,
    at_least,
    none,
    not_negative,
    refuse_unused,
)
from lamina.ragged import Ragged, Sequences
from lamina.tasks.base import Task
from lamina.tasks.errors import error_rate
from lamina.tasks.fusion import Fusion, check_language_model
from lamina.texts import read_texts

TEXTS_PER_BLOCK = 1024
"""Texts that are padded to the longest of them together."""
LONGEST = 60
"""Characters of a text that a message shows."""
NEGLIGIBLE = -9.0
"""Units with a smaller log-probability at a step are not tried there."""


def is_language_model() -> Rule:
    """A model of what is likely to be said."""
    return Rule("LanguageModel", lambda v: hasattr(v, "generate"))


class TranscriptionParams(Params):
    """How transcripts are found."""

    beam_size: Annotated[
        int,
        at_least(1),
        Use.AT_ONCE,
        """Beginnings of a text that are followed at once; 1 takes the most likely unit
        of each step, which is much faster and rarely worse without a language model.""",
    ] = 1
    language_model: Annotated[
        Any,
        is_language_model(),
        none(),
        Use.AT_ONCE,
        """A fitted LanguageModel with unit="char" that says what texts are likely. For
        `clone` and grid search wrap it in `sklearn.frozen.FrozenEstimator`.""",
    ] = None
    language_weight: Annotated[
        float,
        not_negative(),
        Use.AT_ONCE,
        "How much the language model counts, beside 1 for what is heard.",
    ] = 0.5


class Transcription(Task):
    """y: a text a recording; output: texts."""

    causal: ClassVar = False
    long_range: ClassVar = False
    default_steps: ClassVar = None
    largest_batch: ClassVar = 16
    fusion: Fusion | None = None
    """The language model that was used last, and what it said."""

    def __init__(self, params: Any):
        self.unit = params.unit
        self.codec = Codec(params.unit, params.max_tokens)
        super().__init__(params)

    def configure_prediction(self, params: Any) -> None:
        self.beam_size = params.beam_size
        self.language_weight = params.language_weight
        self.language_model = params.language_model
        if self.language_model is None:
            if self.language_weight != TranscriptionParams.language_weight:
                refuse_unused(params, "language_weight", "language_model=None")
            return
        if self.unit != "char":
            refuse_unused(params, "language_model", f"unit={self.unit!r}")
        check_language_model(self.language_model)

    def read(self, y: Any, X: Any) -> list[str]:
        del X
        return self.codec.checked(read_texts(y, "y"), "y")

    def fit(self, y: Any, weight: Any, classes: Any = None) -> Self:
        del weight, classes
        self.codec.warn_of_unspaced(y)
        self.codec.fit(y)
        self.letters = frozenset().union(*y)
        """Characters of the texts of `fit`; no others can be heard."""
        digits = (n for n in self.codec.digits if n is not None)
        self.digits = torch.tensor([n - END for n in digits], dtype=torch.long)
        """Classes that spell characters which `fit` did not see."""
        return self

    def check_fit(self, target: Ragged, samples: Any, body: Any) -> None:
        lengths = samples.lengths
        if lengths is None:
            n_steps = samples.take(torch.tensor([0])).x.shape[1]
            lengths = torch.full((len(target),), n_steps)
        lengths = strided(lengths, body.stride)
        needed = _steps_needed(target)
        numbers = range(len(target)) if samples.numbers is None else samples.numbers
        for i in self._rows_with_digits(target):
            self._refuse_letters(self._text_of(target, i), numbers[i])
        for i in (needed > lengths).nonzero()[:, 0].tolist():
            raise DataError(
                f"The text of sample {numbers[i]}, {_brief(self._text_of(target, i))}, "
                f"needs {int(needed[i])} steps, and its recording has {int(lengths[i])} "
                f"after the strided convolutions. Choose a smaller stride or larger units, "
                f"or leave it out."
            )

    def fits(self, y: list[str], lengths: Tensor) -> Tensor:
        """(n,) whether each text fits into so many steps of features."""
        return _steps_needed(self.encode(y)) <= lengths

    def refuse_unknown(self, y: list[str]) -> None:
        """Raise for characters that `fit` did not see."""
        for i, text in enumerate(y):
            self._refuse_letters(text, i)

    def encode(self, y: list[str]) -> Ragged:
        """Numbers of the units from 1 on; 0 is the blank."""
        numbers = (torch.tensor(self.codec.numbers(text)).long() - END for text in y)
        return Ragged.of(numbers)

    def head(self, body: Any) -> LogSoftmaxHead:
        return LogSoftmaxHead(body.width, len(self.codec) - END)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """Of each text per unit, the weighted mean over the texts."""
        log_p, lengths = _listen(model, batch)
        target: Sequences = batch.target
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
        """Each character of a text, its first step, and the one after its last.

        The texts are the targets of the batch, or what is heard if there are none.
        """
        found, target = [], batch.target
        for row, log_p in enumerate(_each(model, batch)):
            if target is None:
                units = self._units(log_p)
            else:
                units = target.values[row, : target.lengths[row]].tolist()
            found.append(list(self._characters(units, align(log_p, units))))
        return found

    def score(self, y: list[str], outputs: Any, weight: np.ndarray | None) -> float:
        """1 - word error rate."""
        return 1.0 - error_rate("words", y, outputs, weight)

    def _units(self, log_p: np.ndarray) -> list[int]:
        """The classes of the text that is heard in (T, K)."""
        if len(self.digits):
            log_p = log_p.copy()
            log_p[:, self.digits.numpy()] = -np.inf
        fusion = self._fusion_with(self.language_model)
        if self.beam_size == 1 and fusion is None:
            return best_path(log_p)
        follow = None if fusion is None else fusion.following
        found = prefix_search(
            log_p, self.beam_size, follow, self.language_weight, NEGLIGIBLE
        )
        return list(found[0][0])

    def _fusion_with(self, model: Any) -> Fusion | None:
        if model is None:
            self.fusion = None
        elif self.fusion is None or not self.fusion.is_of(model):
            self.fusion = Fusion(model, self.codec)
        return self.fusion

    def _text(self, log_p: np.ndarray) -> str:
        return self.codec.text([unit + END for unit in self._units(log_p)])

    def _characters(
        self, units: list[int], spans: list[tuple[int, int]]
    ) -> Iterator[tuple[str, int, int]]:
        """Characters of units and their spans; one of several bytes may take several."""
        pending: list[int] = []
        start = end = 0
        for unit, (first, end) in zip(units, spans, strict=True):
            start = start if pending else first
            pending.append(unit + END)
            text = self.codec.text(pending)
            if not text.endswith(LOST):
                yield from ((character, start, end) for character in text)
                pending = []
        yield from ((character, start, end) for character in self.codec.text(pending))

    def _refuse_letters(self, text: str, number: int) -> None:
        unknown = [character for character in text if character not in self.letters]
        if unknown:
            raise DataError(
                f"The text of sample {number}, {_brief(text)}, has the character "
                f"{unknown[0]!r}, which no text of fit has; replace it or leave the "
                f"sample out."
            )

    def _rows_with_digits(self, target: Ragged) -> list[int]:
        """Texts with characters that `fit` did not see."""
        places = torch.isin(target.flat, self.digits).nonzero()[:, 0]
        return torch.searchsorted(target.lengths.cumsum(0), places, right=True).tolist()

    def _text_of(self, target: Ragged, i: int) -> str:
        units = target[torch.tensor([i])].values[0, : int(target.lengths[i])] + END
        return self.codec.text(units.tolist())


def strided(lengths: Tensor, stride: int) -> Tensor:
    """Steps that are left where `stride` of them become one."""
    return (lengths + stride - 1) // stride


def _steps_needed(target: Ragged) -> Tensor:
    """(n,) the fewest steps that each text takes."""
    blocks = (target[rows] for rows in torch.arange(len(target)).split(TEXTS_PER_BLOCK))
    return torch.cat([steps_needed(texts.values, texts.lengths) for texts in blocks])


def _listen(model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
    """Log-probabilities (B, T, K), and how many steps of each sample are real."""
    features = model.body(batch)
    lengths = features.lengths
    if lengths is None:
        n_steps = features.h.shape[1]
        lengths = torch.full((len(batch),), n_steps, device=features.h.device)
    return model.head(features), lengths


def _each(model: Model, batch: Batch) -> Iterator[np.ndarray]:
    """(T, K) of each sample, without padding."""
    log_p, lengths = _listen(model, batch)
    for steps, n in zip(log_p.cpu().numpy(), lengths.tolist(), strict=True):
        yield steps[:n]


def _brief(text: str) -> str:
    """A text in quotes, cut if it is long."""
    return repr(text if len(text) <= LONGEST else text[:LONGEST] + "...")
