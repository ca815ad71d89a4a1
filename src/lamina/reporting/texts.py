"""Reports of networks that write a text for each sample."""

from functools import cached_property

import numpy as np

from lamina.reporting.blocks import Block, Cell, Facts, Section
from lamina.reporting.comparison import compare_texts
from lamina.reporting.data import extent
from lamina.reporting.intervals import LOWER, Score
from lamina.reporting.results import Results
from lamina.reporting.samples import shortened
from lamina.tasks.errors import error_counts, rate_of
from lamina.tasks.similarity import bleu_counts, bleu_of, sentence_chrf
from lamina.tasks.transduction import variants


class TextResults(Results):
    """Abstract: reference texts, one or several for each sample, and written texts."""

    is_wide = True

    @cached_property
    def references(self) -> list[list[str]]:
        """The reference texts of each sample."""
        return [variants(texts) for texts in self.y]

    def targets(self) -> list[Block]:
        texts = [text for texts in self.references for text in texts]
        characters = extent(np.array([len(text) for text in texts]))
        words = extent(np.array([len(text.split()) for text in texts]))
        return [
            Facts(
                [
                    ("Reference texts", len(texts)),
                    ("Words of a text", words),
                    ("Characters of a text", characters),
                ]
            )
        ]

    def exact(self) -> Score:
        """The fraction of texts that equal a reference."""
        pairs = zip(self.outputs, self.references, strict=True)
        n_right = sum(text in true for text, true in pairs)
        return self.intervals.of_fraction("Texts without a mistake", n_right, len(self))

    def details(self) -> list[Section]:
        rows = self.random_rows(self.options.n_examples).tolist()
        return [Section("Examples", [self.gallery(rows)])]

    def blocks_of(self, row: int) -> list[Block]:
        reference, *_ = self.references[row]
        texts = shortened(reference), shortened(self.outputs[row])
        return [self.show(row), compare_texts(*texts)]


class TransductionResults(TextResults):
    """Translations and captions."""

    @cached_property
    def chrf(self) -> np.ndarray:
        """(n,) the similarity of each text to its reference."""
        return sentence_chrf(self.outputs, self.references)

    def scores(self) -> list[Score]:
        counts = bleu_counts(self.outputs, self.references)
        return [
            self.intervals.of_mean("chrF, mean of the texts", self.chrf),
            self.intervals.of_sums("BLEU of the corpus", counts, bleu_of),
            self.exact(),
        ]

    def losses(self) -> np.ndarray:
        """1 - chrF."""
        return 1 - self.chrf

    def pairs_of(self, row: int) -> list[tuple[str, Cell]]:
        return [("chrF", float(self.chrf[row]))]


class TranscriptionResults(TextResults):
    """Transcripts of speech."""

    @cached_property
    def words(self) -> np.ndarray:
        """(n, 2) wrong words, and words of the reference."""
        return error_counts("words", self.y, self.outputs)

    def scores(self) -> list[Score]:
        characters = error_counts("characters", self.y, self.outputs)
        of_sums = self.intervals.of_sums
        return [
            of_sums("1 - word error rate", self.words, lambda s: 1 - rate_of(s)),
            of_sums("Word error rate", self.words, rate_of, LOWER),
            of_sums("Character error rate", characters, rate_of, LOWER),
            self.exact(),
        ]

    def losses(self) -> np.ndarray:
        """The number of words that are wrong."""
        return self.words[:, 0]

    def pairs_of(self, row: int) -> list[tuple[str, Cell]]:
        wrong, n = self.words[row].astype(int).tolist()
        return [("wrong", f"{wrong} of {n} words")]
