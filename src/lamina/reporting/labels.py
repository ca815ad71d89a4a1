"""Labels of test samples or steps: their counts, scores by label, and which are confused."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from lamina.reporting.blocks import Block, Cell, Matrix, Paragraph, Table

MAX_LABELS = 20
"""A larger confusion matrix is not shown, but the pairs that are confused most."""
MAX_PAIRS = 20


@dataclass(frozen=True)
class Labelled:
    """True and predicted class indices (n,) of an output, with the names of its classes."""

    name: str
    """"" for the only output."""
    classes: list[str]
    true: np.ndarray
    predicted: np.ndarray

    @property
    def is_right(self) -> np.ndarray:
        """(n,) whether each label is right."""
        return self.true == self.predicted

    @property
    def of_output(self) -> str:
        """The name of the output, for captions."""
        return f" of {self.name}" if self.name else ""

    def counts(self) -> Table:
        """How often each label occurs among the test samples."""
        counts = np.bincount(self.true, minlength=len(self.classes)).tolist()
        total = max(sum(counts), 1)
        rows: list[list[Cell]] = [
            [label, count, f"{count / total:.1%}"]
            for label, count in zip(self.classes, counts, strict=True)
        ]
        header = ["Label", "Test samples", "Fraction"]
        return Table(f"Labels{self.of_output}", header, rows)

    def by_label(self) -> Table:
        """Precision, recall and F1 of each label."""
        columns = precision_recall_fscore_support(
            self.true,
            self.predicted,
            labels=range(len(self.classes)),
            zero_division=0,
        )
        rows: list[list[Cell]] = [
            [label, float(p), float(r), float(f), int(n)]
            for label, p, r, f, n in zip(self.classes, *columns, strict=True)
        ]
        header = ["Label", "Precision", "Recall", "F1", "True samples"]
        return Table(f"Scores by label{self.of_output}", header, rows)

    def confusion(self) -> list[Block]:
        """The confusion matrix, or of many labels the pairs that are confused most."""
        counts = confusion_matrix(
            self.true, self.predicted, labels=range(len(self.classes))
        )
        if len(self.classes) <= MAX_LABELS:
            caption = (
                f"Confusion matrix{self.of_output}: true labels in rows, predicted labels "
                f"in columns"
            )
            return [Matrix(caption, self.classes, counts.tolist())]
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[:MAX_PAIRS]
        rows: list[list[Cell]] = [
            [self.classes[i], self.classes[j], int(counts[i, j])]
            for i, j in zip(*np.unravel_index(order, counts.shape), strict=True)
            if counts[i, j]
        ]
        if not rows:
            return [Paragraph(f"No label{self.of_output} was confused with another.")]
        header = ["True label", "Predicted label", "Samples"]
        return [Table(f"Labels{self.of_output} that are confused most", header, rows)]
