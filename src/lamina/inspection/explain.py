"""Explanations: what each column of a sample contributed to an output."""

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import AttributionWarning, ParameterError
from lamina.inputs import DataLike
from lamina.inspection.attribution import Attribution
from lamina.inspection.gradients import TOLERANCE, Lines, integrated_gradients
from lamina.inspection.tables import TableLines
from lamina.inspection.targets import target_of
from lamina.nn.model import Model
from lamina.numeric import is_integer

LINES: dict[str, Callable[[Any, DataLike | None], Lines]] = {"table": TableLines}
"""For each form of data that can be explained, the lines from baselines to samples."""
METHODS = {"integrated_gradients": integrated_gradients}


def explain(  # noqa: PLR0913
    estimator: BaseEstimator,
    X: DataLike,
    *,
    method: Literal["integrated_gradients"] = "integrated_gradients",
    baseline: DataLike | None = None,
    n_steps: int | Literal["auto"] = "auto",
    target: Any = None,
) -> Attribution:
    """Explain outputs of a fitted network by the columns of a table.

    Integrated gradients (Sundararajan et al. 2017): the gradient of the output is summed
    up along a straight line from a baseline to each row. The line is straight in the
    scaled numbers, the one-hot categories and the embeddings of other categories. All that
    a column becomes (an indicator of missing values, the parts of a date) counts for it.

    Parameters
    ----------
    estimator : fitted DNNClassifier or DNNRegressor
        The network; the combined output of its members is explained.
    X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        The rows to explain.
    method : {"integrated_gradients"}, default="integrated_gradients"
        How outputs are explained.
    baseline : array-like, sparse matrix or frame with the columns of X, default=None
        Rows to compare with; the values are means over them (expected gradients), in a
        time that is proportional to their number. None compares with a single average
        row: numbers at their mean (median, where outliers dominate), not missing, and
        categories weighted by their frequency in `fit`.
    n_steps : int >= 1 or "auto", default="auto"
        Steps of the lines. "auto" starts with 32, and doubles them up to 2,048 for rows
        whose values do not sum up to the output.
    target : label, int or tuple, default=None
        The output to explain: of a classifier a label, of several outputs
        `(output, label)`; of a regressor the position of the output. None takes the
        second of two labels, the predicted one of more labels, and a single output.

    Returns
    -------
    attribution : Attribution
        `values` of shape (n_samples, n_features), with `base_value`, `output`,
        `feature_names` and `importances`. The unit is that of `predict` for a regressor, and
        of `decision_function` for a classifier: the log odds of a label if there are two,
        the logit of a label if there are more.

    Raises
    ------
    ParameterError
        An argument is not allowed, or the estimator is not fitted on a table.
    DataError
        X or the baseline does not have the columns that `fit` saw.

    Warns
    -----
    AttributionWarning
        The values of a row and the base value differ from the output by more than a
        thousandth of the sum of the absolute values: it takes more steps.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.inspection import explain
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> network = DNNClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> attribution = explain(network, X, target=0)
    >>> attribution.values.shape
    (150, 4)
    >>> attribution.feature_names[attribution.importances.argmax()]
    'petal length (cm)'
    """
    _check(estimator, method, n_steps)
    chosen = target_of(estimator, target)
    lines = LINES[estimator.form_](estimator, baseline)
    steps = None if n_steps == "auto" else int(n_steps)

    def query(model: Model, batch: Batch) -> np.ndarray:
        def output(h: Tensor) -> Tensor:
            features = lines.features(model.body, h)
            return estimator.task_.predicted(model.head(features)).reshape(len(h), -1)

        return METHODS[method](output, chosen, lines, batch, steps).numpy()

    result = estimator._outputs(X, query)
    _warn_of_gaps(result[:, -1])
    return Attribution(
        values=result[:, :-3],
        base_value=result[:, -3],
        output=result[:, -2],
        feature_names=lines.feature_names,
        output_name=chosen.name,
    )


def _check(estimator: BaseEstimator, method: str, n_steps: Any) -> None:
    check_is_fitted(estimator)
    form = getattr(estimator, "form_", None)
    if form not in LINES:
        fitted = "" if form is None else f" fitted on {form} data"
        raise ParameterError(
            f"explain takes estimators of lamina that are fitted on {', '.join(LINES)} data; "
            f"this is a {type(estimator).__name__}{fitted}."
        )
    if method not in METHODS:
        raise ParameterError(
            f"The argument 'method' must be one of {list(METHODS)}. Got {method!r} instead."
        )
    if n_steps != "auto" and not (is_integer(n_steps) and n_steps >= 1):
        raise ParameterError(
            f"The argument 'n_steps' must be int >= 1 or 'auto'. Got {n_steps!r} instead."
        )


def _warn_of_gaps(gaps: np.ndarray) -> None:
    if (gaps > 0).any():
        row = int(gaps.argmax())
        warnings.warn(
            f"The values of {(gaps > 0).sum()} row(s), such as row {row}, and base_value do "
            f"not sum up to the output: the difference is more than {TOLERANCE:g} of the sum "
            f"of the absolute values. Raise n_steps, or pass n_steps='auto'.",
            AttributionWarning,
            stacklevel=3,
        )
