"""The attention weights of a network that writes texts."""

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.base import BaseEstimator

from lamina.exceptions import MissingExtraError
from lamina.inputs import DataLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_attention(
    estimator: BaseEstimator, sample: DataLike, text: str | None = None
) -> "Figure":
    """Plot the attention weights of a Translator or an ImageCaptioner.

    Parameters
    ----------
    estimator : fitted Translator or ImageCaptioner
        The network.
    sample : str, ndarray or image file
        A single sample.
    text : str, default=None
        The text that it writes; None takes the predicted one.

    Returns
    -------
    figure : matplotlib Figure
        For a sentence a matrix with a row for each unit written and a column for each
        unit read; for an image a copy of it for each unit, bright where the weights are
        large.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> from lamina import Translator
    >>> from lamina.inspection import plot_attention
    >>> network = Translator(unit="char", max_iter=2).fit(
    ...     ["ab", "ba"] * 8, ["c", "d"] * 8
    ... )
    >>> len(plot_attention(network, "ab", "c").axes)
    1
    """
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError("Plotting", "matplotlib", "plot") from None
    X = sample[None] if isinstance(sample, np.ndarray) else [sample]
    text = estimator.predict(X)[0] if text is None else text
    (weights,) = estimator.attention(X, [text])
    codec = estimator.task_.codec
    written = [*codec.pieces(codec.token_ids(text)), "<end>"]
    if weights.ndim == 3:
        return _heat_maps(pyplot, _image(estimator, X), written, weights)
    encoder = estimator.encoder_
    (text,) = encoder.read([sample])
    read = [*encoder.codec.pieces(encoder.codec.token_ids(text)), "<end>"]
    return _matrix(pyplot, read, written, weights)


def _matrix(
    pyplot: ModuleType, read: list[str], written: list[str], weights: np.ndarray
) -> "Figure":
    size = 2 + 0.32 * len(read), 1.5 + 0.3 * len(written)
    figure, ax = pyplot.subplots(figsize=size, layout="constrained")
    ax.imshow(weights, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(len(read)), read, rotation=90)
    ax.set_yticks(range(len(written)), written)
    ax.xaxis.tick_top()
    return figure


def _heat_maps(
    pyplot: ModuleType, image: np.ndarray, written: list[str], weights: np.ndarray
) -> "Figure":
    n = len(written)
    figure, axes = pyplot.subplots(
        1, n, figsize=(1.6 * n, 2), squeeze=False, layout="constrained"
    )
    height, width = image.shape[:2]
    for ax, unit, cells in zip(axes[0], written, weights, strict=True):
        ax.imshow(image, cmap="gray", extent=(0, width, height, 0))
        ax.imshow(
            cells / cells.max(),
            cmap="inferno",
            alpha=0.6,
            extent=(0, width, height, 0),
            interpolation="bilinear",
        )
        ax.set_title(unit.strip() or repr(unit), fontsize=9)
        ax.axis("off")
    return figure


def _image(estimator: BaseEstimator, X: DataLike) -> np.ndarray:
    """The image as the network gets it, (H, W, 1 or 3) from 0 to 1."""
    encoder = estimator.encoder_
    encoded = encoder.encode(encoder.read(X)).take(torch.zeros(1, dtype=torch.int64))
    image = encoded.x[0].permute(1, 2, 0).float().numpy()
    low, high = image.min(), image.max()
    image = (image - low) / max(high - low, 1e-9)
    return image[..., :3] if image.shape[2] >= 3 else image[..., :1]
