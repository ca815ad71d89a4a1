"""The names of columns and channels: learnt in `fit`, and compared later.

The messages are scikit-learn's, as its estimator checks require.
"""

import warnings
from collections.abc import Hashable, Sequence

import numpy as np

from lamina.exceptions import DataError
from lamina.params import Rule


def column_name() -> Rule:
    """The label of a column, or of a level of pandas' index."""
    return Rule(
        "str, int or tuple",
        lambda v: isinstance(v, str | int | tuple) and not isinstance(v, bool),
    )


def column_names() -> Rule:
    """Labels of columns."""
    return Rule(
        "list or tuple of labels",
        lambda v: (
            isinstance(v, list | tuple)
            and all(isinstance(c, str | int | tuple) for c in v)
        ),
    )


MAX_LISTED = 5
"""Names that a message lists at most."""


def text_names(names: Sequence[Hashable] | None) -> np.ndarray | None:
    """The names as an array, for `feature_names_in_`; None unless all are strings."""
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return np.array(names, dtype=object)


def refuse_duplicates(names: Sequence[Hashable]) -> None:
    """Raise `DataError` where two columns have the same name."""
    seen: set[Hashable] = set()
    for name in names:
        if name in seen:
            raise DataError(
                f"Two columns of X have the name {name!r}; rename one of them."
            )
        seen.add(name)


def check_names(
    owner: str,
    seen: Sequence[Hashable] | None,
    names: Sequence[Hashable] | None,
    n: int,
    n_seen: int,
) -> None:
    """Raise unless `n` columns of these names are those that `fit` saw."""
    if seen is not None and names is not None:
        if tuple(seen) != tuple(names):
            raise DataError(_difference(list(seen), list(names)))
        return
    if n != n_seen:
        raise DataError(
            f"X has {n} features, but {owner} is expecting {n_seen} features as input."
        )
    if text_names(seen) is not None:
        warnings.warn(
            f"X does not have valid feature names, but {owner} was fitted with feature names",
            UserWarning,
            stacklevel=5,
        )
    elif text_names(names) is not None:
        warnings.warn(
            f"X has feature names, but {owner} was fitted without feature names",
            UserWarning,
            stacklevel=5,
        )


def _difference(seen: list, names: list) -> str:
    message = "The feature names should match those that were passed during fit.\n"
    new = [name for name in names if name not in seen]
    gone = [name for name in seen if name not in names]
    if new:
        message += "Feature names unseen at fit time:\n" + _listed(new)
    if gone:
        message += "Feature names seen at fit time, yet now missing:\n" + _listed(gone)
    if not new and not gone:
        message += "Feature names must be in the same order as they were in fit.\n"
    return message


def _listed(names: list) -> str:
    more = "- ...\n" if len(names) > MAX_LISTED else ""
    listed = sorted(map(str, names))[:MAX_LISTED]
    return "".join(f"- {name}\n" for name in listed) + more
