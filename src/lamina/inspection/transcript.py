"""A transcript over the spectrogram of its recording."""

from typing import TYPE_CHECKING

import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lamina.exceptions import MissingExtraError
from lamina.inputs import DataLike
from lamina.nn.spectrogram import HOP

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_transcript(
    estimator: BaseEstimator,
    sample: DataLike,
    text: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Plot the spectrogram of a recording, and over it when each word was said.

    Parameters
    ----------
    estimator : fitted SpeechRecognizer
        The network.
    sample : path or waveform
        One recording.
    text : str, default=None
        What was said; None takes what the network predicts.
    ax : matplotlib Axes, default=None
        Where to plot; None makes a new figure.

    Returns
    -------
    ax : matplotlib Axes
        Seconds on the horizontal axis, mel bands on the vertical one; brighter is louder.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import SpeechRecognizer
    >>> from lamina.inspection import plot_transcript
    >>> X = [np.sin(np.arange(800) * pitch) for pitch in (0.2, 0.9)] * 10
    >>> network = SpeechRecognizer(sampling_rate=8000, hidden_size=8, max_iter=2)
    >>> network = network.fit(X, ["a", "b"] * 10)
    >>> plot_transcript(network, X[0], "a").get_title()
    'a'
    """
    check_is_fitted(estimator)
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError("Plotting", "matplotlib", "plot") from None
    (stamps,) = estimator.timestamps([sample], None if text is None else [text])
    title: str = estimator.predict([sample])[0] if text is None else text
    x = (
        estimator.encoder_.encode(estimator.encoder_.read([sample]))
        .take(torch.tensor([0]))
        .x[0]
        .numpy()
    )
    if ax is None:
        _, ax = pyplot.subplots(figsize=(10, 3), layout="constrained")
    ax.imshow(
        x.T,
        origin="lower",
        aspect="auto",
        extent=(0, len(x) * HOP, 0, x.shape[1]),
        cmap="magma",
    )
    for said, start, end in stamps:
        ax.axvspan(start, end, ymin=0.9, color="white", alpha=0.8, linewidth=0)
        ax.axvline(start, color="white", linewidth=0.8)
        ax.text(start, x.shape[1], f" {said}", va="bottom", ha="left", clip_on=False)
    ax.set_xlabel("seconds")
    ax.set_ylabel("mel band")
    ax.set_title(title, pad=20)
    return ax
