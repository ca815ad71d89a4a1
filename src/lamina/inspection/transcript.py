"""A transcript over the spectrogram of its recording."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.kinds import fitted
from lamina.estimators.speech import Recognizer
from lamina.inputs import DataLike
from lamina.inspection.axes import fonts_of_texts, new_axes
from lamina.inspection.samples import Sound, samples_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class TranscriptDisplay:
    """The spectrogram of a recording, and over it when each word was said.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    sound : Sound
        The recording.
    words : list of (word, start, end)
        In seconds, as `SpeechRecognizer.timestamps` gives them.
    text : str, default=None
        The text, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Seconds on the horizontal axis, kHz on the vertical one; brighter is louder.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import SpeechRecognizer
    >>> from lamina.inspection import TranscriptDisplay
    >>> X = [np.sin(np.arange(800) * pitch) for pitch in (0.2, 0.9)] * 10
    >>> network = SpeechRecognizer(sampling_rate=8000, hidden_size=8, max_iter=2)
    >>> network = network.fit(X, ["a", "b"] * 10)
    >>> display = TranscriptDisplay.from_estimator(network, X[0], text="a")
    >>> display.ax_.get_title()
    'a'
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        sound: Sound,
        words: Sequence[tuple[str, float, float]],
        *,
        text: str | None = None,
    ):
        self.sound, self.words, self.text = sound, words, text

    @classmethod
    def from_estimator(
        cls,
        estimator: NeuralEstimator,
        sample: DataLike,
        *,
        text: str | None = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Align a transcript with its recording, and plot both.

        Parameters
        ----------
        estimator : fitted SpeechRecognizer
            The network.
        sample : path or waveform
            One recording.
        text : str, default=None
            What was said; None takes what the network predicts.
        ax : matplotlib Axes, default=None
            Where to plot.

        Returns
        -------
        display : TranscriptDisplay
            The display, with its `words`.

        Raises
        ------
        ParameterError
            The estimator is no speech recogniser.
        """
        takes = "TranscriptDisplay takes a fitted SpeechRecognizer"
        network = fitted(estimator, Recognizer, takes)
        X = [sample]
        text = network.predict(X)[0] if text is None else text
        (words,) = network.timestamps(X, [text])
        (sound,) = samples_of(network, X, [0])
        assert isinstance(sound, Sound)
        return cls(sound, words, text=text).plot(ax=ax)

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Plot the spectrogram and the words.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; None makes a new figure.

        Returns
        -------
        display : TranscriptDisplay
            The display, with `ax_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        ax = self.ax_ = new_axes(ax, (10, 3))
        self.figure_ = ax.figure
        self.sound.draw(ax)
        words = {"family": fonts_of_texts(), "parse_math": False}
        n_mels = self.sound.log_power.shape[1]
        for word, start, end in self.words:
            ax.axvspan(start, end, ymin=0.93, color="white", alpha=0.85, linewidth=0)
            ax.axvline(start, color="white", linewidth=0.8)
            ax.text(start, n_mels, word, va="bottom", ha="left", **words)
        if self.text is not None:
            ax.set_title(self.text, pad=20, fontsize="medium", **words)
        return self
