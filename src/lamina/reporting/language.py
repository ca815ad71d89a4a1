"""Reports of language models: how likely texts are, and how a text is continued."""

from functools import cached_property
from typing import Any

import numpy as np

from lamina.exceptions import DataError
from lamina.inputs import DataLike
from lamina.reporting.blocks import (
    Block,
    Cell,
    Gallery,
    Item,
    Paragraph,
    Passage,
    Section,
)
from lamina.reporting.comparison import compare_texts
from lamina.reporting.intervals import LOWER, Score
from lamina.reporting.results import Results
from lamina.reporting.samples import shortened

MAX_PROMPT, MAX_CONTINUATION = 200, 160
"""Characters of the beginning that is continued, and of what follows."""


class LanguageResults(Results):
    """Log-likelihoods (n,) of the texts."""

    unit = "texts"
    is_wide = True

    def read(
        self, X: DataLike, y: DataLike | None, future: DataLike | None
    ) -> tuple[Any, Any]:
        if y is not None:
            raise DataError(
                "A language model takes no y_test; pass the texts as X_test."
            )
        return super().read(X, y, future)

    @cached_property
    def sums(self) -> np.ndarray:
        """(n, 3) log-likelihood, characters and units of each text, its end included."""
        codec: Any = self.estimator.codec_
        columns = (
            self.outputs,
            [len(text) + 1 for text in self.plain],
            [codec.n_units(text) for text in self.plain],
        )
        return np.stack([np.asarray(column, float) for column in columns], 1)

    def scores(self) -> list[Score]:
        of_sums = self.intervals.of_sums
        return [
            of_sums("Minus bits per character", self.sums, _score),
            of_sums(
                "Perplexity per unit",
                self.sums,
                lambda sums: float(np.exp(-sums[0] / sums[2])),
                LOWER,
            ),
        ]

    def details(self) -> list[Section]:
        rows = self.random_rows(self.options.n_examples).tolist()
        texts = [(i, self.plain[i]) for i in rows if len(self.plain[i]) > 1]
        beginnings = [text[: min(MAX_PROMPT, len(text) // 2)] for _, text in texts]
        items = []
        if texts:
            written = self.estimator.generate(
                beginnings,
                max_length=MAX_CONTINUATION,
                random_state=self.options.seed,
            )
            items = [
                _continued(*pair)
                for pair in zip(texts, beginnings, written, strict=True)
            ]
        note = Paragraph(
            "The network is given the beginning of a test text and draws what follows at "
            "temperature 1; the reference is how the text continues. Many continuations "
            "are right, so that a difference is no mistake."
        )
        return [Section("Examples", [note, Gallery(items, is_wide=True)])]

    def name(self, row: int) -> str:
        return f"Text {row}"

    def show(self, row: int) -> Block:
        return Passage(shortened(self.plain[row]))

    def losses(self) -> np.ndarray:
        """Bits per character."""
        return -self.sums[:, 0] / self.sums[:, 1] / np.log(2)

    def pairs_of(self, row: int) -> list[tuple[str, Cell]]:
        return [("bits per character", float(self.losses()[row]))]


def _score(sums: np.ndarray) -> float:
    return float(sums[0] / sums[1] / np.log(2))


def _continued(numbered: tuple[int, str], beginning: str, written: str) -> Item:
    i, text = numbered
    written = written[:MAX_CONTINUATION]
    truth = text[len(beginning) :][:MAX_CONTINUATION]
    blocks: list[Block] = [Passage(beginning), compare_texts(truth, written)]
    return Item(f"Text {i}", blocks)
