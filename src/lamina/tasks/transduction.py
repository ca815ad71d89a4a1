"""Transduction: a text of its own for each sample, written by a decoder that attends."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import BEGIN, END, Batch, Features
from lamina.codec import Codec
from lamina.nn.attention import AttentionDecoder, AttentionStepper
from lamina.nn.decoding import Hypothesis, beam_search, sample
from lamina.nn.losses import cross_entropy, minimise
from lamina.nn.model import Model
from lamina.nn.sampling import sharpened
from lamina.params import Params, at_least, fraction, not_negative, one_of
from lamina.ragged import Choices, Ragged, Sequences
from lamina.tasks.base import Task
from lamina.tasks.bleu import bleu
from lamina.tasks.targets import read_texts

CELLS_AT_ONCE = 1 << 22
"""Log-probabilities that are computed together in a step of a search."""


class TransductionParams(Params):
    """How texts are written."""

    decoder_size: Annotated[
        int, at_least(1), "Units of each of the two recurrent layers that write."
    ] = 256
    decoder_dropout: Annotated[
        float, fraction(), "Share of the decoder's features dropped in training."
    ] = 0.3
    label_smoothing: Annotated[
        float, fraction(), "Share of the target that is spread evenly over all units."
    ] = 0.1
    beam_size: Annotated[
        int,
        at_least(1),
        """Texts that are followed at once for each sample; 1 takes the most likely unit
        at each step.""",
    ] = 5
    length_penalty: Annotated[
        float,
        not_negative(),
        """Among the texts that were found, that with the greatest log-probability over
        this power of its length is taken; 0 prefers short ones.""",
    ] = 1.0
    max_length: Annotated[
        int | str,
        at_least(1),
        one_of("auto"),
        """Units that a text has at most; one that does not end by then is cut, with a
        warning. "auto" is twice the longest training target.""",
    ] = "auto"


class Transduction(Task):
    """y: a text a sample, or several that mean the same; output: texts."""

    causal: ClassVar = False
    long_range: ClassVar = True
    default_steps: ClassVar = 8_000
    largest_batch: ClassVar = 64

    def __init__(self, params: Any):
        super().__init__(params)
        self.codec = Codec(params.unit, params.max_tokens)
        self.size, self.dropout = params.decoder_size, params.decoder_dropout
        self.has_variants = params.body.forms == ("image",)

    def configure(self, params: Any) -> None:
        self.smoothing = params.label_smoothing
        self.beam_size = params.beam_size
        self.length_penalty = params.length_penalty
        self.max_length = params.max_length

    @property
    def limit(self) -> int:
        """Units of a text and its end at most."""
        given = self.max_length
        return 2 * self.longest if isinstance(given, str) else int(given) + 1

    def read(self, y: Any, X: Any) -> list:
        del X
        return read_texts(y, self.has_variants)

    def fit(self, y: Any, weight: Any, classes: Any = None) -> Self:
        del weight, classes
        texts = [text for texts in map(variants, y) for text in texts]
        self.codec.fit(texts)
        self.longest = max(len(self.codec.numbers(text)) for text in texts) + 1
        return self

    def encode(self, y: list) -> Ragged | Choices:
        texts = [text for texts in map(variants, y) for text in texts]
        rows = (torch.tensor([*self.codec.numbers(text), END]) for text in texts)
        counts = torch.tensor([len(variants(texts)) for texts in y])
        ragged = Ragged.of(rows)
        return ragged if bool((counts == 1).all()) else Choices(ragged, counts)

    def head(self, body: Any) -> AttentionDecoder:
        return AttentionDecoder(body.width, len(self.codec), self.size, self.dropout)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """Mean over the steps of each text, the weighted mean over the texts."""
        target: Sequences = batch.target
        places = target.places()
        decoded = model.head(model.body(batch), _read(target))
        share = 1 / target.lengths
        if batch.weight is not None:
            share = share * batch.weight
        texts = places // target.values.shape[1]
        weight = share[texts] * (target.n_real / len(batch))
        logits = model.head.logits(decoded.h.flatten(0, 1)[places]).float()
        numbers = target.values.flatten()[places] - END

        def criterion(output: Tensor, numbers: Any, weight: Tensor | None) -> Any:
            return cross_entropy(output, numbers, weight, self.smoothing)

        return minimise(criterion, logits, numbers, weight)

    def predict(self, model: Model, batch: Batch) -> list[str]:
        found = self.search(model, batch, self.beam_size)
        return [self.codec.text(texts[0].tokens) for texts in found]

    def search(self, model: Model, batch: Batch, width: int) -> list[list[Hypothesis]]:
        """The best texts of each sample; they begin with the batch's target, if any."""
        found = []
        for features, prefixes in self._parts(model, batch, width):
            stepper = AttentionStepper(model.head, features)
            texts = beam_search(
                stepper, width, self.limit, self.length_penalty, prefixes
            )
            found += [[_numbered(h) for h in ranked] for ranked in texts]
        return found

    def draw(self, model: Model, batch: Batch, how: dict[str, Any]) -> list[Hypothesis]:
        """A text of each sample, drawn; `how` is for `sharpened`, with a `generator`."""
        how, found = dict(how), []
        generator = how.pop("generator")
        for features, _ in self._parts(model, batch, 1):
            stepper = AttentionStepper(model.head, features)
            texts = sample(
                stepper, 1, self.limit, lambda p: sharpened(p, **how), generator
            )
            found += map(_numbered, texts)
        return found

    def likelihoods(self, model: Model, batch: Batch) -> np.ndarray:
        """(B,) natural log-likelihoods of the targets, their ends included."""
        target: Sequences = batch.target
        decoded = model.head(model.body(batch), _read(target))
        log_p = model.head.logits(decoded.h).float().log_softmax(-1)
        numbers = (target.values - END).clamp(min=0)
        log_p = log_p.gather(2, numbers[..., None])[..., 0]
        return log_p.masked_fill(~target.real(), 0.0).double().sum(1).cpu().numpy()

    def attend(self, model: Model, batch: Batch) -> list[np.ndarray]:
        """Where each target looks at each token, its end included: shares that sum to 1.

        (S, T) over the steps of a sample, (S, rows, columns) over the cells of a picture.
        """
        features = model.body(batch)
        shares = model.head(features, _read(batch.target)).shares
        if features.grid is not None:
            shares = shares.unflatten(2, features.grid)
        found = [
            s[:n] for s, n in zip(shares, batch.target.lengths.tolist(), strict=True)
        ]
        if features.lengths is not None:
            n_steps = features.lengths.tolist()
            found = [s[:, :n] for s, n in zip(found, n_steps, strict=True)]
        return [s.cpu().numpy() for s in found]

    def score(self, y: list, outputs: Any, weight: np.ndarray | None) -> float:
        """Corpus BLEU, from 0 to 1."""
        return bleu(outputs, [variants(texts) for texts in y], weight)

    def _parts(
        self, model: Model, batch: Batch, width: int
    ) -> Iterator[tuple[Features, list[list[int]] | None]]:
        """Features of as many samples as are searched at once, and how texts begin."""
        features = model.body(batch)
        n = max(1, CELLS_AT_ONCE // (width * len(self.codec)))
        begins = None if batch.target is None else _begins(batch.target)
        for i in range(0, len(batch), n):
            lengths = features.lengths
            part = replace(
                features,
                h=features.h[i : i + n],
                lengths=None if lengths is None else lengths[i : i + n],
            )
            yield part, None if begins is None else begins[i : i + n]


def variants(texts: Any) -> list[str]:
    """A text, or several that mean the same, as a list."""
    return [texts] if isinstance(texts, str) else list(texts)


def _read(target: Sequences) -> Tensor:
    """What the decoder reads: BEGIN, and each token but the last."""
    begin = torch.full_like(target.values[:, :1], BEGIN)
    return torch.cat([begin, target.values[:, :-1]], 1)


def _begins(target: Sequences) -> list[list[int]]:
    """Each target without its end, counted as decoders do."""
    rows = zip(target.values.tolist(), target.lengths.tolist(), strict=True)
    return [[number - END for number in row[: n - 1]] for row, n in rows]


def _numbered(text: Hypothesis) -> Hypothesis:
    """The same with the numbers of the codec."""
    return replace(text, tokens=[token + END for token in text.tokens])
