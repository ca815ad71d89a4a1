"""The filters of the first layer of a convolutional network."""

from typing import TYPE_CHECKING, Self

import numpy as np
from torch import nn

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import ParameterError
from lamina.inspection.axes import grid
from lamina.inspection.layers import CONVOLUTIONAL, body_of, layer_named
from lamina.inspection.samples import MAX_LINES
from lamina.params import at_least, check_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

N_COLUMNS = 8
SIZES = {"image": (1.0, 1.15), "series": (1.6, 1.5), "audio": (1.4, 2.2)}
"""Width and height of the axes of a filter, in inches."""
TITLE = "filters of the first convolution"


class FilterDisplay:
    """The filters of the first convolution, each of them in axes of its own.

    A filter of a grey image is a picture, red where it adds and blue where it subtracts; of
    a colour image it is a colour picture, grey where it is 0. A filter of a series is a
    line for each channel, and one of a sound a picture of frequencies and time. It is
    recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    filters : ndarray of shape (n_filters, n_channels, size) or \
            (n_filters, n_channels, height, width)
        The weights, which multiply the standardised data.
    form : {"image", "series", "audio"}
        The form of data.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes around the grid.
    axes_ : ndarray of shape (n_plotted,) of matplotlib Axes
        The axes of each filter.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from lamina import CNNClassifier
    >>> from lamina.inspection import FilterDisplay
    >>> digits = load_digits()
    >>> network = CNNClassifier(form="image", n_filters=(8, 16), max_iter=1)
    >>> network = network.fit(digits.images[:200], digits.target[:200])
    >>> FilterDisplay.from_estimator(network).filters.shape
    (8, 1, 3, 3)
    """

    ax_: "Axes"
    axes_: np.ndarray
    figure_: "Figure | SubFigure"

    def __init__(self, filters: np.ndarray, *, form: str):
        self.filters, self.form = filters, form

    @classmethod
    def from_estimator(
        cls,
        estimator: NeuralEstimator,
        *,
        n_filters: int = 32,
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the filters of a fitted network.

        Parameters
        ----------
        estimator : fitted CNNClassifier, CNNRegressor, ImageCaptioner or SpeechRecognizer
            A network with convolutions, fitted on images, series or sounds.
        n_filters : int >= 1, default=32
            See :meth:`plot`, as for `ax`.
        ax : matplotlib Axes, default=None
            Where to plot.

        Returns
        -------
        display : FilterDisplay
            The display, with all `filters`.

        Raises
        ------
        ParameterError
            The network has no convolution, or reads texts, of which a filter multiplies
            embeddings and is no picture.
        """
        layer = layer_named(estimator, CONVOLUTIONAL, None, "a convolutional network")
        if estimator.form_ == "text":
            raise ParameterError(
                f"FilterDisplay takes networks fitted on images, series or sounds; this "
                f"{type(estimator).__name__} was fitted on text data."
            )
        convolution = body_of(estimator).get_submodule(layer).get_submodule("conv")
        assert isinstance(convolution, nn.Conv1d | nn.Conv2d)
        filters = convolution.weight.detach().contiguous().numpy()
        return cls(filters, form=estimator.form_).plot(n_filters=n_filters, ax=ax)

    def plot(self, *, n_filters: int = 32, ax: "Axes | None" = None) -> Self:
        """Plot the filters on a common scale.

        Parameters
        ----------
        n_filters : int >= 1, default=32
            The most filters to plot; the first ones are.
        ax : matplotlib Axes, default=None
            Where to plot, divided into a grid; None makes a new figure.

        Returns
        -------
        display : FilterDisplay
            The display, with `ax_`, `axes_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        ParameterError
            `n_filters` is not positive, or `ax` cannot be divided.
        """
        check_value("argument 'n_filters'", n_filters, at_least(1))
        shown = self.filters[:n_filters]
        largest = float(np.abs(shown).max()) or 1.0
        size = SIZES[self.form]
        self.ax_, self.axes_ = grid(ax, len(shown), N_COLUMNS, size, TITLE)
        self.figure_ = self.ax_.figure
        for i, (each, weights) in enumerate(zip(self.axes_, shown, strict=True)):
            if weights.ndim == 3:
                _draw_picture(each, weights, largest)
            else:
                _draw_sequence(each, weights, largest, is_sound=self.form == "audio")
            each.set_title(f"{i}", fontsize="x-small", pad=2)
            if i or self.form == "image":
                each.set(xticks=[], yticks=[], xlabel="", ylabel="")
        return self


def _draw_picture(ax: "Axes", weights: np.ndarray, largest: float) -> None:
    """Weights (C, h, w) as colours if C is 3, else the channels side by side."""
    if len(weights) == 3:
        ax.imshow(0.5 + 0.5 * weights.transpose(1, 2, 0) / largest)
        return
    gap = np.full((weights.shape[1], 1), np.nan)
    parts = [part for channel in weights for part in (gap, channel)]
    joined = np.concatenate(parts[1:], 1)
    ax.imshow(joined, cmap="RdBu_r", vmin=-largest, vmax=largest)


def _draw_sequence(
    ax: "Axes", weights: np.ndarray, largest: float, *, is_sound: bool
) -> None:
    """Weights (C, size) as lines, or as a picture of many channels."""
    half = weights.shape[1] // 2
    if is_sound or len(weights) > MAX_LINES:
        ax.imshow(
            weights,
            cmap="RdBu_r",
            vmin=-largest,
            vmax=largest,
            aspect="auto",
            interpolation="nearest",
            origin="lower" if is_sound else "upper",
            extent=(-half - 0.5, half + 0.5, -0.5, len(weights) - 0.5),
        )
        ax.set_ylabel("mel band" if is_sound else "channel", fontsize="x-small")
    else:
        ax.axhline(0, color="0.8", linewidth=0.8)
        ax.plot(np.arange(-half, half + 1), weights.T, linewidth=1.2)
        ax.set_ylim(-1.05 * largest, 1.05 * largest)
    ax.set_xlabel("10 ms steps" if is_sound else "step", fontsize="x-small")
    ax.tick_params(labelsize="x-small")
