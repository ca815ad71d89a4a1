"""Reports of taggers: a label for each step."""

from functools import cached_property
from itertools import chain

import numpy as np

from lamina.exceptions import DataError, MissingExtraError
from lamina.reporting.blocks import Block, Cell, Section
from lamina.reporting.calibration import calibration
from lamina.reporting.comparison import compare_labels
from lamina.reporting.intervals import Score
from lamina.reporting.labels import Labelled
from lamina.reporting.results import Results

MAX_STEPS = 60
"""Steps of a sample that are shown."""


class TaggingResults(Results):
    """Labels of the steps of each sample; a label that is no class of `fit` is wrong."""

    is_wide = True

    @cached_property
    def predicted(self) -> list[list]:
        """A label for each step of each sample."""
        return self.task.labels(self.outputs)

    @cached_property
    def classes(self) -> list:
        """The classes, and after them the other labels of the test samples."""
        known = self.estimator.classes_.tolist()
        return [*known, *sorted(set(chain.from_iterable(self.y)) - set(known))]

    @cached_property
    def labelled(self) -> Labelled:
        """All steps of all samples."""
        index = {label: i for i, label in enumerate(self.classes)}
        true, predicted = (
            np.array([index[label] for label in chain.from_iterable(rows)])
            for rows in (self.y, self.predicted)
        )
        return Labelled("", [str(c) for c in self.classes], true, predicted)

    @cached_property
    def n_wrong(self) -> np.ndarray:
        """(n, 2) the steps with a wrong label, and all steps, of each sample."""
        return np.array(
            [
                [sum(t != p for t, p in zip(true, predicted, strict=True)), len(true)]
                for true, predicted in zip(self.y, self.predicted, strict=True)
            ]
        )

    def targets(self) -> list[Block]:
        return [self.labelled.counts()]

    def scores(self) -> list[Score]:
        intervals = self.intervals
        correct = self.n_wrong[:, :1] == 0
        scores = [
            intervals.of_sums(
                "Accuracy of the steps",
                self.n_wrong,
                lambda sums: 1 - sums[0] / max(sums[1], 1),
            ),
            intervals.of_fraction(
                "Samples without a mistake", int(correct.sum()), len(self)
            ),
        ]
        entities = self._entity_f1()
        return scores if entities is None else [*scores, entities]

    def _entity_f1(self) -> Score | None:
        """The F1 of entities, where the labels mark some."""
        try:
            value = self.estimator.entity_f1(self.X, self.y)
        except (DataError, MissingExtraError):
            return None
        return Score("F1 of the entities", value, None, "none")

    def details(self) -> list[Section]:
        part = self.labelled
        marginals = self.estimator._outputs_of_plain(
            self.plain, self.estimator._marginals
        )
        p = np.concatenate(marginals)
        # The most likely labelling may have other labels than the most likely of each step.
        rows = self.random_rows(self.options.n_examples).tolist()
        confidence = p[np.arange(len(p)), part.predicted]
        return [
            Section("Confusion", [*part.confusion(), part.by_label()]),
            calibration(confidence, part.is_right, "all steps"),
            Section("Examples", [self.gallery(rows)]),
        ]

    def losses(self) -> np.ndarray:
        """The number of steps with a wrong label."""
        return self.n_wrong[:, 0].astype(float)

    def blocks_of(self, row: int) -> list[Block]:
        steps = self.plain[row] if isinstance(self.plain, list) else None
        n = len(self.y[row])
        tokens = [str(step) for step in range(n)] if steps is None else steps
        comparison = compare_labels(
            self.y[row][:MAX_STEPS], self.predicted[row][:MAX_STEPS], tokens[:MAX_STEPS]
        )
        return [comparison] if steps is not None else [self.show(row), comparison]

    def pairs_of(self, row: int) -> list[tuple[str, Cell]]:
        wrong, n = self.n_wrong[row].tolist()
        return [("wrong", f"{wrong} of {n} steps")]
