"""What the user passes -> checked data; scikit-learn's own checks wherever X is 2-D."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    check_consistent_length,
    validate_data,
)

from lamina.encoders.choose import choose, encoder_for, plain, refuse_ragged
from lamina.encoders.columns import is_frame, kinds_of
from lamina.exceptions import DataError

A_FEW = 4096
"""Numbers of a table that is looked through in less time than checks would take."""


@dataclass
class Data:
    """Samples with their targets and, where given, their weights."""

    X: Any
    y: Any
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return _num_samples(self.X)

    def take(self, rows: np.ndarray) -> "Data":
        """The samples of these row numbers."""
        weight = None if self.weight is None else self.weight[rows]
        y = None if self.y is None else _safe_indexing(self.y, rows)
        return Data(_safe_indexing(self.X, rows), y, weight)

    def without_zero_weights(self) -> "Data":
        """A sample of weight 0 is absent; negative weights have no meaning here."""
        if self.weight is None:
            return self
        if (self.weight < 0).any():
            i = int((self.weight < 0).argmax())
            raise DataError(f"sample_weight[{i}] is {self.weight[i]}; it must be >= 0.")
        present = np.flatnonzero(self.weight)
        return self if len(present) == len(self) else self.take(present)


def read_samples(estimator: Any, X: Any, *, reset: bool) -> tuple[str, Any]:
    """The form of X and X in that form's plain type; `reset` at the start of a fit."""
    if X is None:
        raise DataError("X is None; pass the samples.")
    accepted = tuple(f for f in estimator.body.forms if f in estimator.encoders)
    if len(accepted) == 1 and hasattr(estimator.encoders[accepted[0]], "read"):
        return accepted[0], _read_plain(estimator, X, accepted[0], reset)
    if not reset and hasattr(estimator.encoder_, "read"):
        return estimator.form_, estimator.encoder_.read(X)
    X = plain(X, accepted)
    if isinstance(X, list):
        if not X:
            raise DataError(
                "Found array with 0 sample(s): X is an empty list, a minimum of 1 is "
                "required."
            )
        if accepted == ("table",):
            refuse_ragged(X, estimator)
    form = choose(X, accepted, estimator) if reset else estimator.form_
    if hasattr(estimator.encoders[form], "read"):
        return form, _read_plain(estimator, X, form, reset)
    if form == "audio" and isinstance(X, np.ndarray):
        X = list(X)
    if isinstance(X, list):
        return form, X
    if form in ("table", "series") and np.ndim(X) != 3:
        return form, _read_matrix(estimator, X, form, reset)
    return form, _read_stack(X, form)


def _read_plain(estimator: Any, X: Any, form: str, reset: bool) -> Any:
    if reset:
        estimator._reader = encoder_for(form, estimator)
        return estimator._reader.read(X)
    return estimator.encoder_.read(X)


def read_weight(sample_weight: Any, X: Any) -> np.ndarray | None:
    """Sample weights as floats, one a sample."""
    if sample_weight is None:
        return None
    return _check_sample_weight(sample_weight, X, dtype=np.float64)


def same_length(X: Any, y: Any) -> None:
    """Raise unless there is one target for each sample."""
    check_consistent_length(X, y)


def _read_matrix(estimator: Any, X: Any, form: str, reset: bool) -> Any:
    is_table = form == "table"
    if is_table and not reset and _is_plain(estimator, X):
        return X
    if is_table and _holds_categories(estimator, X, reset):
        if np.ndim(X) == 2 and not X.shape[0]:
            raise DataError(f"Found array with 0 sample(s) (shape={X.shape}).")
        return validate_data(estimator, X, reset=reset, skip_check_array=True)
    fixed = is_table or reset or estimator.encoder_.fixed_steps is not None
    return validate_data(
        estimator if fixed else type(estimator)(),
        X,
        reset=reset or not fixed,
        accept_sparse="csr" if is_table else False,
        ensure_all_finite="allow-nan" if is_table else True,
        dtype="numeric",
    )


def _is_plain(estimator: Any, X: Any) -> bool:
    """Whether X is a few rows of an array that would pass all checks as it is.

    To find that out in general takes longer than a small network computes.
    """
    return (
        type(X) is np.ndarray
        and X.dtype in (np.float32, np.float64)
        and 0 < X.size <= A_FEW
        and X.shape[1:] == (estimator.n_features_in_,)
        and not hasattr(estimator, "feature_names_in_")
        and estimator.encoder_.kinds is None
        and not np.isinf(X).any()
    )


def _holds_categories(estimator: Any, X: Any, reset: bool) -> bool:
    """Whether some column is not numbers; if so the columns are read one by one."""
    if sparse.issparse(X):
        return False
    if not reset:
        return estimator.encoder_.kinds is not None
    if not is_frame(X) and (X.ndim != 2 or not _has_strings(X)):
        return False
    kinds = kinds_of(X)
    return kinds is not None and set(kinds) != {"number"}


def _has_strings(X: np.ndarray) -> bool:
    return X.dtype.kind in "US" or (
        X.dtype == object and any(isinstance(v, str) for v in X.flat)
    )


def _read_stack(X: np.ndarray, form: str) -> np.ndarray:
    """Arrays of three or four dimensions: at least one sample, and nothing empty."""
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "fiub":
        raise DataError(
            f"X holds {getattr(X, 'dtype', type(X).__name__)!s}; an array of {form} "
            f"samples holds numbers."
        )
    wanted = {"series": (3,), "image": (3, 4)}.get(form, ())
    if X.ndim not in wanted:
        raise DataError(f"X has {X.ndim} dimensions, which is not {form} data.")
    if 0 in X.shape:
        raise DataError(
            f"Found array with 0 sample(s) or empty ones (shape={X.shape})."
        )
    return X
