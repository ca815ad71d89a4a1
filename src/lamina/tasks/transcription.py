"""Transcription: the text of a recording, learnt without alignments (CTC)."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from lamina.batch import END, Batch, to_outputs, to_token_ids
from lamina.codec import LOST, Codec
from lamina.exceptions import DataError
from lamina.frozen import estimator_of, unfrozen
from lamina.nn.body import Body
from lamina.nn.ctc import (
    align,
    best_path,
    prefix_search,
    steps_needed,
    text_losses,
)
from lamina.nn.decoding import MAX_BEAM
from lamina.nn.heads import LogSoftmaxHead
from lamina.nn.losses import weighted_mean
from lamina.nn.model import Model
from lamina.params import (
    Params,
    Use,
    at_least,
    not_negative,
    refuse_unused,
)
from lamina.ragged import Ragged, Sequences
from lamina.tasks.base import Classes, Task
from lamina.tasks.errors import error_rate
from lamina.tasks.fusion import Fusion, TextModel, check_language_model
from lamina.texts import read_texts, shown

TEXTS_PER_BLOCK = 1024
"""Texts that are padded and examined together."""
MIN_LOG_P = -9.0
"""The search tries no unit with a smaller log-probability at a step."""


class TranscriptionParams(Params):
    """How transcripts are searched for."""

    beam_size: Annotated[
        int,
        at_least(1, most=MAX_BEAM),
        Use.AT_ONCE,
        """Prefixes of the text that the search keeps; 1 takes the most likely unit of each
        step, which is much faster and rarely worse without a language model.""",
    ] = 1
    language_model: Annotated[
        BaseEstimator | None,
        estimator_of(TextModel, "LanguageModel"),
        Use.AT_ONCE,
        """A fitted LanguageModel with unit="char", whose log-probabilities are added in the
        search. For `clone` and grid search wrap it in `sklearn.frozen.FrozenEstimator`.""",
    ] = None
    language_weight: Annotated[
        float,
        not_negative(),
        Use.AT_ONCE,
        "Weight of the log-probabilities of the language model, relative to the sound.",
    ] = 0.5


class Transcription(Task):
    """y: a text for each recording; outputs: texts."""

    causal: ClassVar = False
    long_range: ClassVar = False
    default_steps: ClassVar = None
    largest_batch: ClassVar = 16
    fusion: Fusion | None = None
    """The language model that was used last, with its cache."""

    def __init__(self, params: Any):
        self.unit = params.unit
        self.codec = Codec(params.unit, params.max_tokens)
        super().__init__(params)

    def to_state(self) -> dict[str, Any]:
        return vars(self) | {"fusion": None}

    def configure_prediction(self, params: TranscriptionParams) -> None:
        self.beam_size = params.beam_size
        self.language_weight = params.language_weight
        self.language_model = unfrozen(params.language_model)
        if self.language_model is None:
            if self.language_weight != TranscriptionParams.language_weight:
                refuse_unused(params, "language_weight", "language_model=None")
            return
        if self.unit != "char":
            refuse_unused(params, "language_model", f"unit={self.unit!r}")
        check_language_model(self.language_model)

    def read(self, y: object, X: object) -> list[str]:
        del X
        return self.codec.checked(read_texts(y, "y"), "y")

    def fit(
        self, y: list[str], weight: np.ndarray | None, classes: Classes | None = None
    ) -> Self:
        del weight, classes
        self.codec.warn_of_unspaced(y)
        self.codec.fit(y)
        self.characters = frozenset().union(*y)
        """Characters of the texts of `fit`; no others are transcribed."""
        digits = [to_outputs(i) for i in self.codec.digits if i is not None]
        self.digits = torch.tensor(digits, dtype=torch.long)
        """The units that spell other characters."""
        return self

    def check_fit(self, target: Ragged, samples: Any, body: Body) -> None:
        """Refuse texts with too many units for the steps of their recordings."""
        lengths = samples.lengths
        if lengths is None:
            n_steps = samples.take(torch.tensor([0])).x.shape[1]
            lengths = torch.full((len(target),), n_steps)
        lengths = strided(lengths, body.stride)
        needed = _steps_needed(target)
        numbers = (
            range(len(target))
            if samples.sample_numbers is None
            else samples.sample_numbers
        )
        for i in self._rows_with_digits(target):
            self._refuse_unknown(self._text_of(target, i), numbers[i])
        for i in (needed > lengths).nonzero()[:, 0].tolist():
            raise DataError(
                f"The text of sample {numbers[i]}, {shown(self._text_of(target, i))}, "
                f"needs {int(needed[i])} steps, and its recording has {int(lengths[i])} "
                f"after the strided convolutions. Choose a smaller stride or larger units, "
                f"or leave it out."
            )

    def fits(self, y: list[str], lengths: Tensor) -> Tensor:
        """(n,), whether each text needs at most `lengths` (n,) steps of features."""
        return _steps_needed(self.encode(y)) <= lengths

    def refuse_unknown(self, y: list[str]) -> None:
        """Raise for characters that `fit` did not see."""
        for i, text in enumerate(y):
            self._refuse_unknown(text, i)

    def encode(self, y: list[str]) -> Ragged:
        """The classes of the units, from 1 on; 0 is the blank."""
        return Ragged.of(torch.tensor(self.codec.outputs(text)).long() for text in y)

    def head(self, body: Body) -> LogSoftmaxHead:
        return LogSoftmaxHead(body.width, len(self.codec) - END)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The weighted mean over the texts of minus the log-likelihood per unit."""
        log_p, lengths = _log_p(model, batch)
        target: Sequences = batch.target
        losses = text_losses(log_p, lengths, target.values, target.lengths)
        return weighted_mean(losses / target.lengths.clamp(min=1), batch.weight)

    def predict(self, model: Model, batch: Batch) -> list[str]:
        return [self._text(log_p) for log_p in _each(model, batch)]

    def likelihoods(self, model: Model, batch: Batch) -> np.ndarray:
        """(B,) natural log-likelihoods of the targets; -inf for those that are too long."""
        log_p, lengths = _log_p(model, batch)
        target: Sequences = batch.target
        losses = text_losses(log_p, lengths, target.values, target.lengths)
        return -losses.double().cpu().numpy()

    def spans(self, model: Model, batch: Batch) -> list[list[tuple[str, int, int]]]:
        """(character, first step, last step + 1) of all characters of each text.

        The texts are the targets of the batch, or the transcripts if there are none.
        """
        spans, target = [], batch.target
        for row, log_p in enumerate(_each(model, batch)):
            if target is None:
                units = self._units(log_p)
            else:
                units = target.values[row, : target.lengths[row]].tolist()
            spans.append(list(self._characters(units, align(log_p, units))))
        return spans

    def score(
        self, y: list[str], outputs: list[str], weight: np.ndarray | None
    ) -> float:
        """1 - word error rate."""
        return 1.0 - error_rate("words", y, outputs, weight)

    def _units(self, log_p: np.ndarray) -> list[int]:
        """The units of the transcript, for log-probabilities (T, K)."""
        if len(self.digits):
            log_p = log_p.copy()
            log_p[:, self.digits.numpy()] = -np.inf
        fusion = self._fusion_with(self.language_model)
        if self.beam_size == 1 and fusion is None:
            return best_path(log_p)
        follow = None if fusion is None else fusion.following
        texts = prefix_search(
            log_p, self.beam_size, follow, self.language_weight, MIN_LOG_P
        )
        return list(texts[0][0])

    def _fusion_with(self, model: TextModel | None) -> Fusion | None:
        if model is None:
            self.fusion = None
        elif self.fusion is None or not self.fusion.is_of(model):
            self.fusion = Fusion(model, self.codec)
        return self.fusion

    def _text(self, log_p: np.ndarray) -> str:
        return self.codec.text(map(to_token_ids, self._units(log_p)))

    def _characters(
        self, units: list[int], spans: list[tuple[int, int]]
    ) -> Iterator[tuple[str, int, int]]:
        """(character, start, end) for units and their spans.

        A character of several bytes may have several units.
        """
        pending: list[int] = []
        start = end = 0
        for unit, (first, end) in zip(units, spans, strict=True):
            start = start if pending else first
            pending.append(to_token_ids(unit))
            text = self.codec.text(pending)
            if not text.endswith(LOST):
                yield from ((character, start, end) for character in text)
                pending = []
        yield from ((character, start, end) for character in self.codec.text(pending))

    def _refuse_unknown(self, text: str, i: int) -> None:
        unknown = [character for character in text if character not in self.characters]
        if unknown:
            raise DataError(
                f"The text of sample {i}, {shown(text)}, has the character "
                f"{unknown[0]!r}, which no text of fit has; replace it or leave the "
                f"sample out."
            )

    def _rows_with_digits(self, target: Ragged) -> list[int]:
        """Indices of texts with characters that `fit` did not see."""
        index = torch.isin(target.flat, self.digits).nonzero()[:, 0]
        return torch.searchsorted(target.lengths.cumsum(0), index, right=True).tolist()

    def _text_of(self, target: Ragged, i: int) -> str:
        units = target[torch.tensor([i])].values[0, : int(target.lengths[i])]
        return self.codec.text(to_token_ids(units).tolist())


def strided(lengths: Tensor, stride: int) -> Tensor:
    """Steps of the features, for steps of the input and the stride of the body."""
    return (lengths + stride - 1) // stride


def _steps_needed(target: Ragged) -> Tensor:
    """(n,) the fewest steps with which each text is possible."""
    blocks = (target[rows] for rows in torch.arange(len(target)).split(TEXTS_PER_BLOCK))
    return torch.cat([steps_needed(texts.values, texts.lengths) for texts in blocks])


def _log_p(model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
    """Log-probabilities (B, T, K), and the lengths (B,)."""
    features = model.body(batch)
    lengths = features.lengths
    if lengths is None:
        n_steps = features.h.shape[1]
        lengths = torch.full((len(batch),), n_steps, device=features.h.device)
    return model.head(features), lengths


def _each(model: Model, batch: Batch) -> Iterator[np.ndarray]:
    """Log-probabilities (T, K) of each sample, without padding."""
    log_p, lengths = _log_p(model, batch)
    for steps, n in zip(log_p.cpu().numpy(), lengths.tolist(), strict=True):
        yield steps[:n]
