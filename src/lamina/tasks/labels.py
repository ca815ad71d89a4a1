"""Labels as users pass them -> their kind, their classes, and their class indices."""

from enum import Enum

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from lamina.exceptions import DataError
from lamina.tasks.targets import as_targets

Labels = np.ndarray | sparse.spmatrix | sparse.sparray
"""Plain targets of classifiers."""


class LabelKind(Enum):
    """The kinds of labels, in words for error messages."""

    SINGLE = "one label a sample"
    INDICATORS = "an indicator matrix"
    SEVERAL = "several labels a sample"


def read_labels(y: object) -> Labels:
    """Y as an array or a sparse indicator matrix; `DataError` unless it holds labels."""
    labels = as_targets(y)
    if sparse.issparse(labels) and labels.shape[1] == 1:
        labels = labels.toarray()
    try:
        # It casts floats to integers, of which some are too large.
        with np.errstate(invalid="ignore"):
            check_classification_targets(labels)
    except (ValueError, TypeError) as error:
        raise DataError(str(error)) from None
    return labels


def kind_of(y: Labels) -> LabelKind:
    """The kind of labels in y, an array or a sparse matrix."""
    with np.errstate(invalid="ignore"):
        kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        # scikit-learn also calls two columns of any two labels an indicator matrix.
        is_indicator = np.isin(dense(y), (0, 1)).all()
        return LabelKind.INDICATORS if is_indicator else LabelKind.SEVERAL
    is_several = kind == "multiclass-multioutput"
    return LabelKind.SEVERAL if is_several else LabelKind.SINGLE


def dense(y: Labels) -> np.ndarray:
    """Y as an array, from an array or a sparse matrix."""
    return y if isinstance(y, np.ndarray) else y.toarray()


def classes_of(y: np.ndarray, name: str) -> np.ndarray:
    """The labels (K,) of an output, sorted; `DataError` if there are fewer than two."""
    try:
        classes = np.unique(y)
    except TypeError:
        raise DataError(
            f"{name} has labels of types that cannot be compared, such as strings and numbers."
        ) from None
    if len(classes) < 2:
        raise DataError(
            f"A classifier needs at least 2 classes; {name} has only one class: "
            f"{classes.tolist()!r}."
        )
    return classes


def refuse_other_type(y: np.ndarray, classes: np.ndarray) -> None:
    """Raise `DataError` for strings where the classes are numbers, and the reverse."""
    if _are_strings(y) != _are_strings(classes):
        raise DataError(
            f"y has labels such as {y.tolist()[0]!r}, and this network was fitted on labels "
            f"such as {classes.tolist()[0]!r}; convert y to their type."
        )


def _are_strings(labels: np.ndarray) -> bool:
    is_object = labels.dtype.kind == "O" and labels.size > 0
    return labels.dtype.kind in "US" or (
        is_object and isinstance(labels.flat[0], str | bytes)
    )


def positions_of(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The class index of each label; `DataError` for a label that is no class."""
    refuse_other_type(y, classes)
    is_class = np.isin(y, classes)
    if not is_class.all():
        raise DataError(
            f"y contains labels that are not among the classes of this network: "
            f"{list(dict.fromkeys(y[~is_class].tolist()))[:10]!r}. Pass all labels as "
            f"`classes` in the first call of partial_fit, or call fit."
        )
    return np.searchsorted(classes, y)
