"""What was said, over the sound."""

from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted

from lamina.exceptions import MissingExtraError
from lamina.nn.spectrogram import HOP


def plot_transcript(
    estimator: Any,
    sample: Any,
    text: str | None = None,
    ax: Any = None,
) -> Any:
    """Draw what a recogniser is given, and over it when each word was said.

    Parameters
    ----------
    estimator : fitted SpeechRecognizer
        The network that listens.
    sample : path or waveform
        One recording.
    text : str, default=None
        What was said; None takes what the network predicts.
    ax : matplotlib Axes, default=None
        Where to draw; None makes a new figure.

    Returns
    -------
    ax : matplotlib Axes
        Time runs to the right, in seconds; bands of pitch lie above one another, and what
        is louder than usual is brighter.

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
        raise MissingExtraError("Drawing", "matplotlib", "plot") from None
    (stamps,) = estimator.timestamps([sample], None if text is None else [text])
    if text is None:
        (text,) = estimator.predict([sample])
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
    ax.set_ylabel("band of pitch")
    ax.set_title(text, pad=20)
    return ax
