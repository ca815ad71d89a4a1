"""The attention weights of a network that writes texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from lamina.encoders.texts.sentences import SentenceEncoder
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.kinds import fitted
from lamina.estimators.transducer import Transducer
from lamina.inputs import DataLike
from lamina.inspection.axes import (
    fonts_of_texts,
    grid,
    label_steps,
    new_axes,
    visible,
)
from lamina.inspection.samples import Image, samples_of, single

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

N_COLUMNS = 6
END = "<end>"


class AttentionDisplay:
    """What a network attended to at each unit of the text that it wrote.

    For a sentence a matrix with a row for each unit written and a column for each unit
    read; for an image a copy of it for each unit, bright where the weights are large. It is
    recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    weights : ndarray of shape (n_units, n_steps) or (n_units, rows, columns)
        The attention weights of the steps of a sentence, or of the cells of an image.
    written : list of n_units str
        The units written.
    read : list of n_steps str, default=None
        The units of the sentence.
    image : Image, default=None
        The image.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the matrix, or those around the images.
    axes_ : ndarray of matplotlib Axes
        The axes of the matrix, or of each image.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from lamina import Translator
    >>> from lamina.inspection import AttentionDisplay
    >>> network = Translator(unit="char", max_iter=2).fit(
    ...     ["ab", "ba"] * 8, ["c", "d"] * 8
    ... )
    >>> display = AttentionDisplay.from_estimator(network, "ab", text="c")
    >>> display.weights.shape
    (2, 3)
    """

    ax_: "Axes"
    axes_: np.ndarray
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        weights: np.ndarray,
        *,
        written: Sequence[str],
        read: Sequence[str] | None = None,
        image: Image | None = None,
    ):
        self.weights, self.written = weights, written
        self.read, self.image = read, image

    @classmethod
    def from_estimator(
        cls,
        estimator: NeuralEstimator,
        sample: DataLike,
        *,
        text: str | None = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Compute the attention weights for one sample, and plot them.

        Parameters
        ----------
        estimator : fitted Translator or ImageCaptioner
            The network.
        sample : str, ndarray or image file
            One sample.
        text : str, default=None
            The text that it writes; None takes the predicted one.
        ax : matplotlib Axes, default=None
            Where to plot.

        Returns
        -------
        display : AttentionDisplay
            The display, with its `weights`.

        Raises
        ------
        ParameterError
            The estimator has no attention.
        """
        takes = "AttentionDisplay takes a fitted Translator or ImageCaptioner"
        network = fitted(estimator, Transducer, takes)
        X = single(sample)
        text = network.predict(X)[0] if text is None else text
        (weights,) = network.attention(X, [text])
        codec = network.task_.codec
        written = [*codec.pieces(codec.token_ids(text)), END]
        read, image = None, None
        if weights.ndim == 3:
            (image,) = samples_of(network, X, [0])
            assert isinstance(image, Image)
        else:
            assert isinstance(network.encoder_, SentenceEncoder)
            codec, (sentence,) = network.encoder_.codec, network.encoder_.read(X)
            read = [*codec.pieces(codec.token_ids(sentence)), END]
        return cls(weights, written=written, read=read, image=image).plot(ax=ax)

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Plot the matrix, or the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; images divide it into a grid. None makes a new figure.

        Returns
        -------
        display : AttentionDisplay
            The display, with `ax_`, `axes_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        ParameterError
            `ax` cannot be divided into a grid.
        """
        if self.weights.ndim == 3:
            self._plot_images(ax)
        else:
            self._plot_matrix(ax)
        self.figure_ = self.ax_.figure
        return self

    def _plot_matrix(self, ax: "Axes | None") -> None:
        n_written, n_read = self.weights.shape
        ax = self.ax_ = new_axes(ax, (2.2 + 0.32 * n_read, 1.5 + 0.3 * n_written))
        self.axes_ = np.array([ax])
        image = ax.imshow(self.weights, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        label_steps(
            ax, list(map(str, range(n_read))) if self.read is None else self.read
        )
        written = [visible(unit) for unit in self.written]
        style = {"family": fonts_of_texts(), "parse_math": False}
        ax.set_yticks(range(n_written), written, **style)
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.set(xlabel="read", ylabel="written")
        ax.figure.colorbar(image, ax=ax, label="attention weight", pad=0.02)

    def _plot_images(self, ax: "Axes | None") -> None:
        rows, columns = self.weights.shape[1:]
        size = 1.7, 0.4 + 1.6 * min(rows / columns, 2.0)
        self.ax_, self.axes_ = grid(ax, len(self.written), N_COLUMNS, size)
        for each, unit, cells in zip(
            self.axes_, self.written, self.weights, strict=True
        ):
            height, width = cells.shape
            if self.image is not None:
                self.image.draw(each)
                height, width = self.image.pixels.shape[:2]
            each.imshow(
                cells,
                cmap="inferno",
                # Cells without weight leave the image as it is.
                alpha=0.8 * cells / max(cells.max(), 1e-12),
                vmin=0,
                extent=(-0.5, width - 0.5, height - 0.5, -0.5),
                interpolation="bilinear",
            )
            each.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
            each.set(xticks=[], yticks=[])
            each.set_title(
                visible(unit), fontsize=9, family=fonts_of_texts(), parse_math=False
            )
