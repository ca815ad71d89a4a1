"""Transduction: a text of its own for each sample, written by a decoder that attends."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import BEGIN, END, Batch, to_outputs
from lamina.codec import Codec
from lamina.exceptions import DataError
from lamina.nn.attention import AttentionDecoder, AttentionStepper
from lamina.nn.decoding import Constrained, Hypothesis, beam_search, sample
from lamina.nn.losses import cross_entropy, minimise
from lamina.nn.model import Model
from lamina.params import Params, Rule, Use, at_least, fraction, not_negative, one_of
from lamina.ragged import AlternativeTargets, Ragged, Sequences
from lamina.tasks.base import Task
from lamina.tasks.similarity import bleu, chrf
from lamina.texts import items, read_texts, shown, text_of

CELLS_AT_ONCE = 1 << 22
"""Log-probabilities that are computed together in a step of a search."""


def moderate_power() -> Rule:
    """A power that lengths can be raised to."""
    positive = not_negative()
    return Rule("float in [0, 100]", lambda v: positive.accepts(v) and v <= 100)


class TransductionParams(Params):
    """How texts are written."""

    decoder_size: Annotated[
        int,
        at_least(1),
        Use.FROZEN,
        "Units of each of the two recurrent layers that write.",
    ] = 256
    decoder_dropout: Annotated[
        float,
        fraction(),
        Use.FROZEN,
        "Fraction of the decoder's features dropped in training.",
    ] = 0.3
    label_smoothing: Annotated[
        float,
        fraction(),
        "Fraction of the target that is spread evenly over all units.",
    ] = 0.1
    beam_size: Annotated[
        int,
        at_least(1),
        Use.AT_ONCE,
        """Texts that are followed at once for each sample; 1 takes the most likely unit
        at each step.""",
    ] = 5
    length_penalty: Annotated[
        float,
        moderate_power(),
        Use.AT_ONCE,
        """Among the texts that were found, that with the greatest log-probability over
        this power of its length is taken; 0 prefers short ones.""",
    ] = 1.0
    max_length: Annotated[
        int | str,
        at_least(1),
        one_of("auto"),
        Use.AT_ONCE,
        """Units that a text has at most; one that does not end by then is cut, with a
        warning. "auto" is twice the longest training target.""",
    ] = "auto"


class Transduction(Task):
    """y: a text a sample; output: texts."""

    causal: ClassVar = False
    long_range: ClassVar = True
    default_steps: ClassVar = 8_000
    largest_batch: ClassVar = 64
    requires_y: ClassVar = True
    takes_alternatives: ClassVar = False
    """Whether a sample may have a list of texts, each of which is right."""

    def __init__(self, params: Any):
        super().__init__(params)
        self.codec = Codec(params.unit, params.max_tokens)
        self.size = params.decoder_size

    def configure(self, params: Any) -> None:
        self.dropout, self.smoothing = params.decoder_dropout, params.label_smoothing

    def configure_prediction(self, params: Any) -> None:
        self.max_length = params.max_length
        self.beam_size = params.beam_size
        self.length_penalty = params.length_penalty

    @property
    def limit(self) -> int:
        """Units that a text has at most, its end included."""
        is_auto = isinstance(self.max_length, str)
        return 2 * self.codec.longest if is_auto else int(self.max_length) + 1

    def read(self, y: Any, X: Any) -> list:
        """The text of each sample, or a list of texts that are right."""
        targets = [self._read_target(item, i) for i, item in enumerate(items(y, "y"))]
        if len(targets) != len(X):
            raise DataError(f"There are {len(targets)} texts for {len(X)} samples.")
        return targets

    def read_prefix(self, prefix: Any) -> list[str]:
        """How the text of each sample has to begin; no longer than a text may be."""
        texts = self.codec.checked(read_texts(prefix, "prefix"), "prefix")
        for i, text in enumerate(texts):
            n_units = len(self.codec.numbers(text))
            if n_units > self.limit - 1:
                raise DataError(
                    f"The prefix of sample {i}, {shown(text)}, has {n_units} units, and a "
                    f"text has at most {self.limit - 1}; raise max_length."
                )
        return texts

    def fit(self, y: list, weight: Any, classes: Any = None) -> Self:
        del weight, classes
        texts = [text for texts in map(variants, y) for text in texts]
        self.codec.warn_of_unspaced(texts)
        self.codec.fit(texts)
        return self

    def _read_target(self, item: Any, i: int) -> str | list[str]:
        where = f"The target of sample {i}"
        is_list = isinstance(item, list | tuple | np.ndarray) and np.ndim(item) == 1
        is_list = is_list and self.takes_alternatives
        if is_list and not len(item):
            raise DataError(f"{where} is an empty list; it needs at least one text.")
        texts = [text_of(text, where) for text in (item if is_list else [item])]
        for text in texts:
            self.codec.check(text, where)
        return texts if is_list else texts[0]

    def encode(self, y: list) -> Ragged | AlternativeTargets:
        texts = [text for texts in map(variants, y) for text in texts]
        rows = (torch.tensor([*self.codec.numbers(text), END]) for text in texts)
        counts = torch.tensor([len(variants(texts)) for texts in y])
        ragged = Ragged.of(rows)
        return (
            ragged if bool((counts == 1).all()) else AlternativeTargets(ragged, counts)
        )

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
        outputs = to_outputs(target.values.flatten()[places])

        def criterion(logits: Tensor, outputs: Any, weight: Tensor | None) -> Any:
            return cross_entropy(logits, outputs, weight, self.smoothing)

        return minimise(criterion, logits, outputs, weight)

    def predict(self, model: Model, batch: Batch) -> list[str]:
        found = self.search(model, batch)
        return [self.codec.written(ranked[0].tokens) for ranked in found]

    def search(
        self, model: Model, batch: Batch, n_best: int = 1
    ) -> list[list[Hypothesis]]:
        """The best texts of each sample; they begin with the batch's target, if any."""
        found = []
        width = max(self.beam_size, n_best)
        for decoder in self._decoders(model, batch, width):
            found += beam_search(decoder, width, self.limit, self.length_penalty)
        return found

    def draw(
        self,
        model: Model,
        batch: Batch,
        probabilities: Callable[[Tensor], Tensor],
        generator: torch.Generator,
    ) -> list[Hypothesis]:
        """A text of each sample, drawn from what `probabilities` makes of logits."""
        found = []
        for decoder in self._decoders(model, batch, 1):
            found += sample(decoder, 1, self.limit, probabilities, generator)
        return found

    def likelihoods(self, model: Model, batch: Batch) -> np.ndarray:
        """(B,) natural log-likelihoods of the targets, their ends included."""
        target: Sequences = batch.target
        decoded = model.head(model.body(batch), _read(target))
        log_p = model.head.logits(decoded.h).float().log_softmax(-1)
        outputs = to_outputs(target.values).clamp(min=0)
        log_p = log_p.gather(2, outputs[..., None])[..., 0]
        return log_p.masked_fill(~target.mask(), 0.0).double().sum(1).cpu().numpy()

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
        """Mean chrF of the texts, from 0 to 1."""
        return chrf(outputs, [variants(texts) for texts in y], weight)

    def bleu(self, y: list, outputs: Any, weight: np.ndarray | None) -> float:
        """Corpus BLEU, from 0 to 1."""
        return bleu(outputs, [variants(texts) for texts in y], weight)

    def _decoders(
        self, model: Model, batch: Batch, width: int
    ) -> Iterator[Constrained]:
        """What writes the texts of as many samples as are searched at once."""
        features = model.body(batch)
        n = max(1, CELLS_AT_ONCE // (width * len(self.codec)))
        begins = None if batch.target is None else _begins(batch.target)
        rules = self.codec.may_follow, self.codec.states_after
        for i in range(0, len(batch), n):
            lengths = features.lengths
            part = replace(
                features,
                h=features.h[i : i + n],
                lengths=None if lengths is None else lengths[i : i + n],
            )
            stepper = AttentionStepper(model.head, part)
            yield Constrained(stepper, *rules, begins and begins[i : i + n])


class Captioning(Transduction):
    """y: a text a sample, or several that mean the same; output: texts."""

    takes_alternatives: ClassVar = True


def variants(texts: Any) -> list[str]:
    """A text, or several that mean the same, as a list."""
    return [texts] if isinstance(texts, str) else list(texts)


def _read(target: Sequences) -> Tensor:
    """What the decoder reads: BEGIN, and each token but the last."""
    begin = torch.full_like(target.values[:, :1], BEGIN)
    return torch.cat([begin, target.values[:, :-1]], 1)


def _begins(target: Sequences) -> list[list[int]]:
    """The outputs of each target without its end."""
    rows = zip(to_outputs(target.values).tolist(), target.lengths.tolist(), strict=True)
    return [row[: n - 1] for row, n in rows]
