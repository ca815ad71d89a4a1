"""The linear path of tables: whether there is one, and its weights.

The weights are those of a ridge regression of the encoded targets, with the penalty whose
errors are least for rows that are left out in turn. A task turns what it predicts for such
rows into outputs, so that it counts as much as it is worth for rows that were not seen.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import entr
from sklearn.linear_model import RidgeCV
from torch import Tensor

from lamina.bodies.dense import DenseBody, DenseParams
from lamina.encoders.base import Encoder
from lamina.estimators.data import Data
from lamina.nn.heads import SampleHead
from lamina.nn.model import Model
from lamina.params import refuse_unused
from lamina.process import one_blas_thread
from lamina.tasks.base import PooledTask, Task
from lamina.training.loader import Loader

if TYPE_CHECKING:
    from lamina.estimators.fitting import Fitting

MIN_ROWS, MAX_ROWS = 20, 10_000
"""Rows from which there is a linear path, and of how many it is computed at most."""
MAX_VALUES = 4_000_000
"""Values of these rows at most, of which least squares take a few seconds."""
MAX_INPUTS, MAX_OUTPUTS = 4_000, 100
"""Columns and outputs up to which there is a linear path."""
PENALTIES = np.logspace(-7, 2, 10)
"""The penalties of the squared weights, for each row."""
COLLINEAR = 0.1
"""The effective rank of the columns, as a fraction of their number, below which layers alone
learn too slowly. It is .005 to .02 of spectra, .05 of 750 features of speech, and .18 to .98
of 25 other tables."""


def choose_linear_path(fitting: "Fitting", data: Data) -> None:
    """Tell the task of how many columns a new network has a linear path."""
    task, spec, params = fitting.task, fitting.encoder.spec, fitting.params
    is_dense = isinstance(params, DenseParams)
    if fitting.resumes or not is_dense or params.linear_path == "none":
        return
    assert isinstance(task, PooledTask)
    because = _hindrance(fitting, len(data))
    if params.linear_path == "linear":
        refuse_unused(params, "linear_path", because)
    elif because is not None or not _are_collinear(fitting.encoder, data):
        return
    task.n_linear = spec.n_channels


def _hindrance(fitting: "Fitting", n_rows: int) -> str | None:
    """Why there can be no linear path; None if there can be one."""
    task, n_columns = fitting.task, fitting.encoder.spec.n_channels
    assert isinstance(task, PooledTask)
    if fitting.form != "table":
        return f"{fitting.form} data"
    if not issubclass(fitting.params.body, DenseBody):
        return f"body={fitting.params.body.__name__}"
    if fitting.single_epoch:
        return "partial_fit, whose first rows may not be like the next ones"
    if not task.takes_linear_path:
        return f"loss={fitting.params.loss!r} and these targets"
    if not 0 < n_columns <= MAX_INPUTS or task.n_outputs > MAX_OUTPUTS:
        return f"{n_columns} columns and {task.n_outputs} outputs"
    return f"{n_rows} rows" if n_rows < MIN_ROWS else None


def _are_collinear(encoder: Encoder, data: Data) -> bool:
    """Whether the effective rank of the columns is far below their number."""
    rows = _spread(len(data), encoder.spec.n_channels)
    plain = data.take(rows.numpy()).X
    x = encoder.encode(plain).take(torch.arange(len(rows))).x.double().numpy()
    x -= x.mean(0)
    deviations = x.std(0)
    x = x[:, deviations > 0] / deviations[deviations > 0]
    if x.shape[1] < 1 / COLLINEAR:
        return False
    with one_blas_thread():
        products = x @ x.T if len(x) < x.shape[1] else x.T @ x
        fractions = np.linalg.eigvalsh(products).clip(0) / np.trace(products)
    effective_rank = np.exp(entr(fractions).sum())
    return bool(effective_rank < COLLINEAR * x.shape[1])


def _spread(n: int, n_columns: int) -> Tensor:
    """Rows from all over the table, as many as are computed of."""
    n_used = min(n, MAX_ROWS, MAX_VALUES // n_columns)
    return torch.arange(n_used) * n // n_used


def fit_linear_path(model: Model, task: Task, loader: Loader) -> None:
    """Compute the weights of the linear path of a new network, if it has one."""
    if not isinstance(model.head, SampleHead) or model.head.linear is None:
        return
    assert isinstance(task, PooledTask) and loader.target is not None
    path = model.head.linear
    rows = _spread(len(loader.samples), len(path.low))
    x, target = loader.samples.take(rows).x, loader.target[rows]
    weight = None if loader.weight is None else loader.weight[rows].double().numpy()
    with one_blas_thread():
        outputs = _outputs(x.double().numpy(), target, weight, task)
    if outputs is not None:
        path.start(x, *map(torch.from_numpy, outputs))


def _outputs(
    x: np.ndarray, target: Tensor, weight: np.ndarray | None, task: PooledTask
) -> tuple[np.ndarray, np.ndarray] | None:
    """Weights (C, K) and biases (K,) of the outputs; None without all classes."""
    y = task.linear_targets(target)
    if y is None:
        return None
    rows, weight = _distinct(np.hstack([x, y]), weight)
    x, y, target = x[rows], y[rows], target[rows]
    alphas = len(x) * PENALTIES
    # With a scoring the predictions for rows left out are stored, and not their errors.
    ridge = RidgeCV(alphas, scoring="neg_mean_squared_error", store_cv_results=True)
    ridge.fit(x, y, weight)
    chosen = ridge.cv_results_[..., np.searchsorted(alphas, ridge.alpha_)]
    factors, bias = task.linear_outputs(chosen.reshape(y.shape), target, weight)
    of_scores, intercept = np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
    return of_scores.T @ factors, intercept @ factors + bias


def _distinct(
    values: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """One row of all that are equal, to be left out together, and their weights of mean 1."""
    _, rows, groups = np.unique(values, axis=0, return_index=True, return_inverse=True)
    sums = np.bincount(groups.ravel(), weight)
    return rows, sums / sums.mean()
