"""Where a network looks while it writes."""

from typing import Any

import numpy as np
import torch

from lamina.exceptions import MissingExtraError


def plot_attention(estimator: Any, sample: Any, text: str | None = None) -> Any:
    """Draw the attention of a Translator or an ImageCaptioner to a sample.

    Parameters
    ----------
    estimator : fitted Translator or ImageCaptioner
        The network.
    sample : str, ndarray or image file
        What it reads or looks at, a single sample.
    text : str, default=None
        What it writes; None takes what it predicts.

    Returns
    -------
    figure : matplotlib Figure
        For a sentence a matrix with a row for each unit written and a column for each
        unit read; for a picture a copy of it for each unit, bright where it looks.

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
        raise MissingExtraError("Drawing", "matplotlib", "plot") from None
    X = sample[None] if isinstance(sample, np.ndarray) else [sample]
    text = estimator.predict(X)[0] if text is None else text
    (shares,) = estimator.attention(X, [text])
    codec = estimator.task_.codec
    written = [*codec.pieces(codec.token_ids(text)), "<end>"]
    if shares.ndim == 3:
        return _heat(pyplot, _picture(estimator, X), written, shares)
    encoder = estimator.encoder_
    (text,) = encoder.read([sample])
    read = [*encoder.codec.pieces(encoder.codec.token_ids(text)), "<end>"]
    return _matrix(pyplot, read, written, shares)


def _matrix(
    pyplot: Any, read: list[str], written: list[str], shares: np.ndarray
) -> Any:
    size = 2 + 0.32 * len(read), 1.5 + 0.3 * len(written)
    figure, ax = pyplot.subplots(figsize=size, layout="constrained")
    ax.imshow(shares, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(len(read)), read, rotation=90)
    ax.set_yticks(range(len(written)), written)
    ax.xaxis.tick_top()
    return figure


def _heat(
    pyplot: Any, picture: np.ndarray, written: list[str], shares: np.ndarray
) -> Any:
    n = len(written)
    figure, axes = pyplot.subplots(
        1, n, figsize=(1.6 * n, 2), squeeze=False, layout="constrained"
    )
    height, width = picture.shape[:2]
    for ax, unit, share in zip(axes[0], written, shares, strict=True):
        ax.imshow(picture, cmap="gray", extent=(0, width, height, 0))
        ax.imshow(
            share / share.max(),
            cmap="inferno",
            alpha=0.6,
            extent=(0, width, height, 0),
            interpolation="bilinear",
        )
        ax.set_title(unit.strip() or repr(unit), fontsize=9)
        ax.axis("off")
    return figure


def _picture(estimator: Any, X: Any) -> np.ndarray:
    """The picture as the network gets it, (H, W, 1 or 3) from 0 to 1."""
    encoder = estimator.encoder_
    encoded = encoder.encode(encoder.read(X)).take(torch.zeros(1, dtype=torch.int64))
    picture = encoded.x[0].permute(1, 2, 0).float().numpy()
    low, high = picture.min(), picture.max()
    picture = (picture - low) / max(high - low, 1e-9)
    return picture[..., :3] if picture.shape[2] >= 3 else picture[..., :1]
