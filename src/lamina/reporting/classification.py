"""Reports of classifiers: one label, several indicators, or several outputs."""

from functools import cached_property

import numpy as np
from sklearn.metrics import (
    brier_score_loss,
    f1_score,
    recall_score,
    roc_auc_score,
)

from lamina.reporting.blocks import Block, Cell, Paragraph, Section, Table
from lamina.reporting.calibration import calibration
from lamina.reporting.intervals import LOWER, Score
from lamina.reporting.labels import Labelled
from lamina.reporting.results import Results

MAX_OUTPUTS = 6
"""Outputs whose labels are shown one by one."""


class ClassificationResults(Results):
    """Labels and their probabilities."""

    @cached_property
    def probabilities(self) -> list[np.ndarray]:
        """(n, K) of each output."""
        p = self.task.probabilities(self.outputs)
        if isinstance(p, list):
            return p
        if len(self.parts) > 1:  # indicators: the probability of 1
            return [np.stack([1 - column, column], 1) for column in p.T]
        return [p]

    @cached_property
    def parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each output its classes (K,), and the true class indices (n,)."""
        return self.task.outputs_of(self.y)

    @cached_property
    def labelled(self) -> list[Labelled]:
        """The true and the predicted labels of each output."""
        is_single = len(self.parts) == 1
        return [
            Labelled(
                "" if is_single else f"output {i}",
                [str(label) for label in classes],
                true,
                p.argmax(1),
            )
            for i, ((classes, true), p) in enumerate(
                zip(self.parts, self.probabilities, strict=True)
            )
        ]

    def targets(self) -> list[Block]:
        tables: list[Block] = [part.counts() for part in self.labelled[:MAX_OUTPUTS]]
        return tables + self._note_of_outputs()

    def scores(self) -> list[Score]:
        intervals, parts = self.intervals, self.labelled
        right = np.all([part.is_right for part in parts], axis=0)
        if len(parts) > 1:
            name = "All labels right"
            return [
                intervals.of_fraction(name, int(right.sum()), len(right)),
                self._log_loss(),
            ]
        (part,), (p,) = parts, self.probabilities
        true, predicted = part.true, part.predicted
        scores = [
            intervals.of_fraction("Accuracy", int(right.sum()), len(right)),
            intervals.of_rows(
                "Balanced accuracy",
                lambda rows: _balanced_accuracy(true[rows], predicted[rows]),
            ),
            intervals.of_rows(
                "F1, mean of the labels",
                lambda rows: f1_score(
                    true[rows], predicted[rows], average="macro", zero_division=0
                ),
            ),
            intervals.of_rows(
                "ROC AUC" if p.shape[1] == 2 else "ROC AUC, one against the rest",
                lambda rows: _roc_auc(true[rows], p[rows]),
            ),
            self._log_loss(),
        ]
        if p.shape[1] == 2:
            brier = lambda rows: brier_score_loss(true[rows], p[rows, 1])  # noqa: E731
            scores.append(intervals.of_rows("Brier score", brier, LOWER))
        return scores

    def _log_loss(self) -> Score:
        return self.intervals.of_mean("Log loss", self.losses(), LOWER)

    def details(self) -> list[Section]:
        blocks: list[Block] = []
        if len(self.labelled) > 1:
            blocks.append(self._by_output())
        for part in self.labelled[:MAX_OUTPUTS]:
            blocks += [*part.confusion(), part.by_label()]
        sections = [Section("Confusion", blocks + self._note_of_outputs())]
        confidence = np.concatenate([p.max(1) for p in self.probabilities])
        is_right = np.concatenate([part.is_right for part in self.labelled])
        what = "all test samples" if len(self.parts) == 1 else "all outputs together"
        return [*sections, calibration(confidence, is_right, what)]

    def _by_output(self) -> Table:
        rows: list[list[Cell]] = []
        for part in self.labelled:
            n_right, n = int(part.is_right.sum()), len(part.true)
            score = self.intervals.of_fraction("", n_right, n)
            rows.append([part.name, score.value, *(score.interval or ())])
        return Table("Accuracy of each output", ["Output", "Value", "From", "To"], rows)

    def _note_of_outputs(self) -> list[Block]:
        n_more = len(self.labelled) - MAX_OUTPUTS
        return [] if n_more <= 0 else [Paragraph(f"And {n_more} further outputs.")]

    def losses(self) -> np.ndarray:
        """Minus the mean log-probability of the true labels."""
        log_p = self.task.log_probabilities(self.outputs)
        if not isinstance(log_p, list):
            if len(self.parts) > 1:
                log_p = [np.log(np.maximum(p, 1e-300)) for p in self.probabilities]
            else:
                log_p = [log_p]
        rows = np.arange(len(self))
        return -np.mean(
            [p[rows, true] for p, (_, true) in zip(log_p, self.parts, strict=True)], 0
        )

    def mistakes(self) -> list[int]:
        """Of the samples with a wrong label, those whose true labels are least likely."""
        wrong = ~np.all([part.is_right for part in self.labelled], axis=0)
        order = np.argsort(np.where(wrong, -self.losses(), np.inf), kind="stable")
        return order[: int(wrong.sum())][: self.options.n_examples].tolist()

    def pairs_of(self, row: int) -> list[tuple[str, Cell]]:
        pairs: list[tuple[str, Cell]] = []
        for part, p in zip(self.labelled, self.probabilities, strict=True):
            true, predicted = part.true[row], part.predicted[row]
            if true != predicted or not part.name:
                name = f"{part.name}, " if part.name else ""
                pairs += [
                    (f"{name}true", f"{part.classes[true]} ({p[row, true]:.1%})"),
                    (
                        f"{name}predicted",
                        f"{part.classes[predicted]} ({p[row, predicted]:.1%})",
                    ),
                ]
        return pairs[: 2 * MAX_OUTPUTS]


def _balanced_accuracy(true: np.ndarray, predicted: np.ndarray) -> float:
    # Not balanced_accuracy_score, which warns of labels that are only predicted.
    labels = np.unique(true)
    return float(recall_score(true, predicted, labels=labels, average="macro"))


def _roc_auc(true: np.ndarray, p: np.ndarray) -> float:
    """NaN where a label does not occur, so that the area is not defined."""
    n_classes = p.shape[1]
    if len(np.unique(true)) < n_classes:
        return np.nan
    if n_classes == 2:
        return float(roc_auc_score(true, p[:, 1]))
    return float(roc_auc_score(true, p, multi_class="ovr"))
