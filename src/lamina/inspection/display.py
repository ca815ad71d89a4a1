"""Pictures of an attribution."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from lamina.estimators.base import NeuralEstimator
from lamina.inputs import DataLike
from lamina.inspection.attribution import Attribution
from lamina.inspection.axes import pyplot
from lamina.inspection.bars import draw_importances, draw_row
from lamina.inspection.explain import explain
from lamina.inspection.maps import (
    draw_image,
    draw_mean_image,
    draw_series,
    draw_spectrogram,
)
from lamina.inspection.words import draw_words
from lamina.params import at_least, check_value, none

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

Draw = Callable[[Attribution, int, int, "Axes | None"], "Axes"]
DRAWINGS: dict[str, Draw] = {
    "table": draw_row,
    "series": draw_series,
    "image": draw_image,
    "audio": draw_spectrogram,
    "text": draw_words,
}
"""For each form of data, what draws a sample."""


class AttributionDisplay:
    """Pictures of what the parts of samples contributed.

    A row of a table is drawn as bars, a text as coloured words, a series as lines over the
    colours of its steps, an image and a spectrogram under the colours of its pixels, or
    frames and mel bands.

    It is recommended to use :meth:`from_estimator`, or to make it from the result of
    :func:`explain`, and to call :meth:`plot`.

    Parameters
    ----------
    attribution : Attribution
        The result of `explain`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the picture.
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
        estimator: NeuralEstimator,
        X: DataLike,
        *,
        row: int | None = None,
        max_columns: int = 15,
        ax: "Axes | None" = None,
        **arguments: Any,
    ) -> Self:
        """Explain samples, and plot one or all of them.

        Parameters
        ----------
        estimator : fitted classifier or regressor
            The network.
        X : array-like, frame, sparse matrix or list of n_samples samples
            The samples to explain.
        row : int, default=None
            See :meth:`plot`, as for `max_columns` and `ax`.
        max_columns : int >= 1, default=15
            The number of bars, or of channels.
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
        """Plot one sample, or the importances of all.

        Parameters
        ----------
        row : int, default=None
            The sample to plot: what each part of it added to its output. None plots the
            mean absolute values of all samples, as bars of the columns, channels, mel bands
            or words, and as a map of the pixels of images.
        max_columns : int >= 1, default=15
            The number of bars, and of the channels of a series. If a table has more columns,
            the last bar of a row is the sum of all others.
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
        self._check(row, max_columns)
        pyplot()
        attribution = self.attribution
        if row is not None:
            ax = DRAWINGS[attribution.form](attribution, row, max_columns, ax)
            start, stop = attribution.base_value[row], attribution.output[row]
            ax.set_title(
                f"from {start:.4g} (baseline) to {stop:.4g}", fontsize="medium"
            )
        elif attribution.feature_names is None:
            ax = draw_mean_image(attribution, ax)
        else:
            ax = draw_importances(attribution, max_columns, ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _check(self, row: int | None, max_columns: int) -> None:
        n = len(self.attribution.values)
        check_value("argument 'row'", row, at_least(-n, most=n - 1), none())
        check_value("argument 'max_columns'", max_columns, at_least(1))
