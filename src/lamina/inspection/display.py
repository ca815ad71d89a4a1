"""A picture of an attribution."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from lamina.exceptions import MissingExtraError, ParameterError
from lamina.inputs import DataLike
from lamina.inspection.attribution import Attribution
from lamina.inspection.explain import explain
from lamina.numeric import is_integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

HIGHER, LOWER, NEUTRAL = "C0", "C3", "0.45"
"""The colours of values above 0, below 0, and of absolute values."""


class AttributionDisplay:
    """Bars of what each column contributed, for a table or for one row.

    It is recommended to use :meth:`from_estimator`, or to make it from the result of
    :func:`explain`, and to call :meth:`plot`.

    Parameters
    ----------
    attribution : Attribution
        The result of `explain`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the bars.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from lamina import DNNRegressor
    >>> from lamina.inspection import AttributionDisplay, explain
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> network = DNNRegressor(max_iter=5, random_state=0).fit(X, y)
    >>> display = AttributionDisplay(explain(network, X)).plot(row=3)
    >>> display.ax_.get_xlabel()
    'contribution to the prediction'
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(self, attribution: Attribution):
        self.attribution = attribution

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: DataLike,
        *,
        row: int | None = None,
        max_columns: int = 15,
        ax: "Axes | None" = None,
        **arguments: Any,
    ) -> Self:
        """Explain the rows of a table, and plot it.

        Parameters
        ----------
        estimator : fitted DNNClassifier or DNNRegressor
            The network.
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
            The rows to explain.
        row : int, default=None
            See :meth:`plot`, as for `max_columns` and `ax`.
        max_columns : int >= 1, default=15
            The number of bars.
        ax : matplotlib Axes, default=None
            Where to plot.
        **arguments : dict
            Further arguments of :func:`explain`.

        Returns
        -------
        display : AttributionDisplay
            The display, with its `attribution`.
        """
        attribution = explain(estimator, X, **arguments)
        return cls(attribution).plot(row=row, max_columns=max_columns, ax=ax)

    def plot(
        self,
        *,
        row: int | None = None,
        max_columns: int = 15,
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the columns that contributed most, the greatest on top.

        Parameters
        ----------
        row : int, default=None
            The row to plot: what each column added to its output. None plots the mean
            absolute values of all rows.
        max_columns : int >= 1, default=15
            The number of bars. If there are more columns, the last bar of a row is the
            sum of all others.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a new figure.

        Returns
        -------
        display : AttributionDisplay
            The display, with `ax_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        ParameterError
            There is no such row, or no bar.
        """
        values = self._values(row)
        if not is_integer(max_columns) or max_columns < 1:
            raise ParameterError(
                f"The argument 'max_columns' must be int >= 1. Got {max_columns!r} instead."
            )
        try:
            from matplotlib import pyplot
        except ImportError:
            raise MissingExtraError("Plotting", "matplotlib", "plot") from None
        is_row, names = row is not None, self.attribution.feature_names
        names, values = _greatest(names, values, max_columns, with_rest=is_row)
        if ax is None:
            size = 6.4, 1.4 + 0.3 * len(names)
            _, ax = pyplot.subplots(figsize=size, layout="constrained")
        colours = np.where(values > 0, HIGHER, LOWER) if is_row else NEUTRAL
        bars = ax.barh(range(len(names)), values, color=colours)
        ax.bar_label(bars, fmt="%+.3g" if is_row else "%.3g", padding=3)
        ax.margins(x=0.18)
        ax.axvline(0, color="0.2", linewidth=0.8)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        self._label(ax, row)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _values(self, row: int | None) -> np.ndarray:
        n = len(self.attribution.values)
        if row is None:
            return self.attribution.importances
        if not is_integer(row) or not -n <= row < n:
            raise ParameterError(
                f"The argument 'row' must be None or an int from {-n} to {n - 1}, a row of "
                f"the attribution. Got {row!r} instead."
            )
        return self.attribution.values[row]

    def _label(self, ax: "Axes", row: int | None) -> None:
        name = self.attribution.output_name
        if row is None:
            ax.set_xlabel(f"mean absolute contribution to the {name}")
            return
        ax.set_xlabel(f"contribution to the {name}")
        start, stop = self.attribution.base_value[row], self.attribution.output[row]
        ax.set_title(f"from {start:.4g} (baseline) to {stop:.4g}", fontsize="medium")


def _greatest(
    names: np.ndarray, values: np.ndarray, n: int, *, with_rest: bool
) -> tuple[list[str], np.ndarray]:
    """At most n columns in descending order; the last may be the sum of the others."""
    order = np.argsort(-np.abs(values), kind="stable")
    if len(order) <= n or not with_rest:
        return names[order[:n]].tolist(), values[order[:n]]
    kept, others = order[: n - 1], order[n - 1 :]
    rest = f"{len(others)} other columns"
    return [*names[kept], rest], np.append(values[kept], values[others].sum())
