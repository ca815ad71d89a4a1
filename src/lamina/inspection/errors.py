"""The worst mistakes of a network, drawn as the samples that they are."""

from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.classifier import Classifier
from lamina.estimators.kinds import fitted
from lamina.estimators.regressor import Regressor
from lamina.exceptions import DataError, ParameterError, data_errors
from lamina.inputs import DataLike
from lamina.inspection.axes import fonts_of_texts, grid
from lamina.inspection.samples import Sample, samples_of
from lamina.params import at_least, check_value
from lamina.tasks.labels import LabelKind, Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

Titles = Callable[[int], str]
MAX_LABEL = 26
"""Characters of a label in a title."""


class ErrorsDisplay:
    """The samples with the largest errors, the worst first.

    For a classifier the error is 1 minus the probability of the true label; for a regressor
    it is the absolute residual. It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    samples : list of n_errors Sample
        What is drawn.
    titles : list of n_errors str
        What was true and what was predicted.
    errors : ndarray of shape (n_errors,)
        The error of each sample.
    rows : ndarray of shape (n_errors,)
        The row of each sample in X.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes around the grid.
    axes_ : ndarray of shape (n_errors,) of matplotlib Axes
        The axes of each sample.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from lamina import CNNClassifier
    >>> from lamina.inspection import ErrorsDisplay
    >>> digits = load_digits()
    >>> X, y = digits.images, digits.target
    >>> network = CNNClassifier(form="image", n_filters=8, max_iter=2)
    >>> network = network.fit(X[:300], y[:300])
    >>> display = ErrorsDisplay.from_estimator(network, X[300:400], y[300:400])
    >>> display.rows.shape
    (12,)
    """

    ax_: "Axes"
    axes_: np.ndarray
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        titles: Sequence[str],
        errors: np.ndarray,
        rows: np.ndarray,
    ):
        self.samples, self.titles = samples, titles
        self.errors, self.rows = errors, rows

    @classmethod
    def from_estimator(  # noqa: PLR0913
        cls,
        estimator: NeuralEstimator,
        X: DataLike,
        y: DataLike,
        *,
        n_errors: int = 12,
        n_columns: int = 4,
        ax: "Axes | None" = None,
    ) -> Self:
        """Predict samples, and plot those with the largest errors.

        Parameters
        ----------
        estimator : fitted classifier or regressor
            Any one of lamina, on any form of data.
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true labels or values. With several labels the probability is that of all
            of them; with several values the residual is the root of the mean squared one,
            each in standard deviations of y.
        n_errors : int >= 1, default=12
            The most samples to plot.
        n_columns : int >= 1, default=4
            See :meth:`plot`, as for `ax`.
        ax : matplotlib Axes, default=None
            Where to plot.

        Returns
        -------
        display : ErrorsDisplay
            The display, with `errors` and `rows`.

        Raises
        ------
        ParameterError
            The estimator is no classifier or regressor, or predicts several quantiles; or
            `n_errors` is not positive.
        DataError
            X or y cannot be read.
        """
        check_value("argument 'n_errors'", n_errors, at_least(1))
        takes = "ErrorsDisplay takes a fitted classifier or regressor of lamina"
        network = fitted(estimator, (Classifier, Regressor), takes)
        with data_errors("y"):
            targets = network.task_.read(y, X)
        predicted = network.predict(X)
        if targets.shape[0] != len(predicted):
            raise DataError(
                f"X has {len(predicted)} samples and y has {targets.shape[0]} targets; "
                f"pass a target for each sample."
            )
        if isinstance(network, Classifier):
            errors, texts = _label_errors(network, X, targets, predicted)
        else:
            errors, texts = _residuals(network, targets, predicted)
        rows = np.argsort(-errors, kind="stable")[:n_errors]
        display = cls(
            samples_of(network, X, rows.tolist()),
            titles=[texts(i) for i in rows.tolist()],
            errors=errors[rows],
            rows=rows,
        )
        return display.plot(n_columns=n_columns, ax=ax)

    def plot(self, *, n_columns: int = 4, ax: "Axes | None" = None) -> Self:
        """Plot the samples, each with what was true and what was predicted.

        Parameters
        ----------
        n_columns : int >= 1, default=4
            The number of columns of the grid.
        ax : matplotlib Axes, default=None
            Where to plot, divided into a grid; None makes a new figure.

        Returns
        -------
        display : ErrorsDisplay
            The display, with `ax_`, `axes_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        ParameterError
            `n_columns` is not positive, or `ax` cannot be divided.
        """
        check_value("argument 'n_columns'", n_columns, at_least(1))
        size = max(sample.size for sample in self.samples)
        self.ax_, self.axes_ = grid(ax, len(self.samples), n_columns, size)
        self.figure_ = self.ax_.figure
        for each, sample, title in zip(
            self.axes_, self.samples, self.titles, strict=True
        ):
            sample.draw(each)
            each.tick_params(labelsize="x-small")
            each.set_title(
                title, fontsize="small", family=fonts_of_texts(), parse_math=False
            )
        for each in self.axes_[:-n_columns]:
            each.set_xlabel("")
        for i, each in enumerate(self.axes_):
            if i % n_columns:
                each.set_ylabel("")
        return self


def _label_errors(
    estimator: Classifier, X: DataLike, y: Labels, predicted: np.ndarray
) -> tuple[np.ndarray, Titles]:
    """1 minus the probability (n,) of the true labels, and the titles by row."""
    task = estimator.task_
    p = estimator.predict_proba(X)
    if task.kind is LabelKind.SINGLE:
        p = [p]
    elif task.kind is LabelKind.INDICATORS:
        p = [np.stack([1 - column, column], 1) for column in p.T]
    outputs = task.outputs_of(y)
    rows = np.arange(len(predicted))
    each = [of[rows, positions] for of, (_, positions) in zip(p, outputs, strict=True)]
    of_truth = np.prod(each, axis=0)
    of_predicted = np.prod([of.max(1) for of in p], axis=0)
    truth = np.stack([classes[positions] for classes, positions in outputs], 1)

    def title(i: int) -> str:
        return (
            f"true {_named(truth[i])} ({of_truth[i]:.2g})\n"
            f"predicted {_named(np.atleast_1d(predicted[i]))} ({of_predicted[i]:.2g})"
        )

    return 1 - of_truth, title


def _residuals(
    estimator: Regressor, y: np.ndarray, predicted: np.ndarray
) -> tuple[np.ndarray, Titles]:
    """The absolute residuals (n,), and the titles by row."""
    if predicted.shape != y.shape:
        raise ParameterError(
            f"ErrorsDisplay takes predictions of the shape of y, {y.shape}; this "
            f"{type(estimator).__name__} predicts several quantiles, {predicted.shape}."
        )
    residuals = predicted - y
    if y.ndim == 1:
        errors = np.abs(residuals)
    else:
        scales = np.where(y.std(0) > 0, y.std(0), 1.0)
        errors = np.sqrt(((residuals / scales) ** 2).mean(1))

    def title(i: int) -> str:
        return f"true {_values(y[i])}\npredicted {_values(predicted[i])}"

    return errors, title


def _named(labels: np.ndarray) -> str:
    return shorten(", ".join(map(str, labels.tolist())), MAX_LABEL, placeholder="...")


def _values(values: ArrayLike) -> str:
    text = ", ".join(f"{v:.4g}" for v in np.atleast_1d(values))
    return shorten(text, MAX_LABEL, placeholder="...")
