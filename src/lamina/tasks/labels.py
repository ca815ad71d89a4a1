"""Labels as users hold them -> their kind, their classes, and positions among these."""

from enum import Enum
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from lamina.exceptions import DataError
from lamina.tasks.targets import as_targets


class LabelKind(Enum):
    """What y says of a sample, in words."""

    SINGLE = "one label a sample"
    INDICATORS = "an indicator matrix"
    SEVERAL = "several labels a sample"


def read_labels(y: Any) -> Any:
    """Y as an array or an indicator matrix; anything but labels is refused."""
    y = as_targets(y)
    if sparse.issparse(y) and y.shape[1] == 1:
        y = y.toarray()
    try:
        check_classification_targets(y)
    except (ValueError, TypeError) as error:
        raise DataError(str(error)) from None
    return y


def kind_of(y: Any) -> LabelKind:
    """Which kind of labels these are."""
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        # Two labels of any other name are no indicators.
        is_indicator = np.isin(dense(y), (0, 1)).all()
        return LabelKind.INDICATORS if is_indicator else LabelKind.SEVERAL
    is_several = kind == "multiclass-multioutput"
    return LabelKind.SEVERAL if is_several else LabelKind.SINGLE


def dense(y: Any) -> np.ndarray:
    """Y as an array, also where it is a sparse matrix."""
    return y.toarray() if sparse.issparse(y) else np.asarray(y)


def classes_of(y: np.ndarray, name: str) -> np.ndarray:
    """The labels (K,) of an output, sorted; `DataError` unless there are two."""
    try:
        classes = np.unique(y)
    except TypeError:
        raise DataError(
            f"{name} has labels of types that have no order among them."
        ) from None
    if len(classes) < 2:
        raise DataError(
            f"A classifier needs at least 2 classes; {name} has only one class: "
            f"{classes.tolist()!r}."
        )
    return classes


def refuse_other_type(y: np.ndarray, classes: np.ndarray) -> None:
    """Raise `DataError` for texts where the labels are numbers, and the reverse."""
    if _are_texts(y) != _are_texts(classes):
        raise DataError(
            f"y has labels such as {y.tolist()[0]!r}, and this network was fitted on labels "
            f"such as {classes.tolist()[0]!r}; convert y to their type."
        )


def _are_texts(labels: np.ndarray) -> bool:
    is_object = labels.dtype.kind == "O" and labels.size > 0
    return labels.dtype.kind in "US" or (
        is_object and isinstance(labels.flat[0], str | bytes)
    )


def positions_of(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The position of each label among the classes; `DataError` for any other."""
    refuse_other_type(y, classes)
    known = np.isin(y, classes)
    if not known.all():
        raise DataError(
            f"y contains labels that are not among the classes of this network: "
            f"{list(dict.fromkeys(y[~known].tolist()))[:10]!r}. Pass all labels as "
            f"`classes` in the first call of partial_fit, or call fit."
        )
    return np.searchsorted(classes, y)
