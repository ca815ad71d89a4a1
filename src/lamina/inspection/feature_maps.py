"""What the filters of a convolutional layer respond to in a sample."""

from typing import TYPE_CHECKING, Self

import numpy as np

from lamina.estimators.base import NeuralEstimator
from lamina.inputs import DataLike
from lamina.inspection.axes import grid
from lamina.inspection.layers import CONVOLUTIONAL, layer_named, run_layer
from lamina.inspection.samples import Sample, samples_of, single
from lamina.params import at_least, check_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

N_COLUMNS = 6


class FeatureMapDisplay:
    """A sample, and the outputs of a convolutional layer for it.

    The feature maps of an image are pictures; those of a series, a sound or a text are the
    rows of one heat map. It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    maps : ndarray of shape (n_maps, height, width) or (n_maps, n_steps)
        The outputs of the layer.
    sample : Sample, default=None
        The sample, which is drawn first.
    layer : str, default=None
        The name of the layer, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes around the grid.
    axes_ : ndarray of matplotlib Axes
        The axes of the sample, if there is one, and then those of the maps.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from lamina import CNNClassifier
    >>> from lamina.inspection import FeatureMapDisplay
    >>> digits = load_digits()
    >>> network = CNNClassifier(form="image", n_filters=(8, 16), max_iter=1)
    >>> network = network.fit(digits.images[:200], digits.target[:200])
    >>> display = FeatureMapDisplay.from_estimator(
    ...     network, digits.images[0], layer="stages.1"
    ... )
    >>> display.maps.shape
    (16, 4, 4)
    """

    ax_: "Axes"
    axes_: np.ndarray
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        maps: np.ndarray,
        *,
        sample: Sample | None = None,
        layer: str | None = None,
    ):
        self.maps, self.sample, self.layer = maps, sample, layer

    @classmethod
    def from_estimator(
        cls,
        estimator: NeuralEstimator,
        sample: DataLike,
        *,
        layer: str | None = None,
        n_maps: int = 17,
        ax: "Axes | None" = None,
    ) -> Self:
        """Compute the outputs of a layer for one sample, and plot them.

        Parameters
        ----------
        estimator : fitted CNNClassifier, CNNRegressor, ImageCaptioner or SpeechRecognizer
            A network with convolutions.
        sample : ndarray, path or str
            One sample of the form that `fit` saw.
        layer : str, default=None
            The layer: "stem", "stages.0", "stages.1" and so on of a CNN, "first" and
            "second" of a speech network. None takes the first one.
        n_maps : int >= 1, default=17
            See :meth:`plot`, as for `ax`.
        ax : matplotlib Axes, default=None
            Where to plot.

        Returns
        -------
        display : FeatureMapDisplay
            The display, with all `maps`.

        Raises
        ------
        ParameterError
            The network has no convolution, or no layer of this name.
        """
        layer = layer_named(estimator, CONVOLUTIONAL, layer, "a convolutional network")
        _, _, maps = run_layer(estimator, sample, layer)
        (drawn,) = samples_of(estimator, single(sample), [0])
        display = cls(maps.numpy(), sample=drawn, layer=layer)
        return display.plot(n_maps=n_maps, ax=ax)

    def plot(self, *, n_maps: int = 17, ax: "Axes | None" = None) -> Self:
        """Plot the maps that vary most over the sample, in the order of the filters.

        Parameters
        ----------
        n_maps : int >= 1, default=17
            The most maps of an image to plot. All steps of a sequence are plotted.
        ax : matplotlib Axes, default=None
            Where to plot, divided into a grid; None makes a new figure.

        Returns
        -------
        display : FeatureMapDisplay
            The display, with `ax_`, `axes_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        ParameterError
            `n_maps` is not positive, or `ax` cannot be divided.
        """
        check_value("argument 'n_maps'", n_maps, at_least(1))
        title = "feature maps" + (f" of {self.layer}" if self.layer else "")
        if self.maps.ndim == 3:
            self._plot_pictures(n_maps, ax, title)
        else:
            self._plot_steps(ax, title)
        self.figure_ = self.ax_.figure
        return self

    def _plot_pictures(self, n_maps: int, ax: "Axes | None", title: str) -> None:
        spread = self.maps.std(axis=(1, 2))
        shown = np.sort(np.argsort(-spread, kind="stable")[:n_maps])
        n_before = int(self.sample is not None)
        n = n_before + len(shown)
        self.ax_, self.axes_ = grid(ax, n, N_COLUMNS, (1.3, 1.5), title)
        if self.sample is not None:
            self.sample.draw(self.axes_[0])
            self.axes_[0].set_title("sample", fontsize="small", pad=2)
        for each, i in zip(self.axes_[n_before:], shown, strict=True):
            each.imshow(self.maps[i], cmap="viridis")
            each.set_title(f"{i}", fontsize="small", pad=2)
            each.set(xticks=[], yticks=[])

    def _plot_steps(self, ax: "Axes | None", title: str) -> None:
        n = 1 + int(self.sample is not None)
        self.ax_, self.axes_ = grid(ax, n, 1, (7.0, 2.4), title)
        if self.sample is not None:
            self.sample.draw(self.axes_[0])
        below = self.axes_[-1]
        below.imshow(self.maps, aspect="auto", cmap="viridis", interpolation="nearest")
        below.set(xlabel="step of the layer", ylabel="filter")
