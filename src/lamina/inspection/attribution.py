"""How much each part of the samples contributed to outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np


class Words(NamedTuple):
    """A text, and where its words are."""

    text: str
    """In Unicode's normal form C; tokens that were passed as a list are joined by spaces."""
    words: list[str]
    """As the network reads them: lower-cased, or characters."""
    offsets: np.ndarray
    """(n_words, 2) the characters of the text at which each word starts and stops."""


class Spectrogram(NamedTuple):
    """The frames of a recording."""

    levels: np.ndarray
    """(n_frames, n_mels), in dB."""
    times: np.ndarray
    """(n_frames,) when each frame starts, in seconds."""
    frequencies: np.ndarray
    """(n_mels,) the centre of each mel band, in Hz."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each part of the samples contributed to an output: the result of `explain`.

    With integrated gradients the sum of `values[i]` and `base_value[i]` is `output[i]`, up to
    a thousandth of the sum of the absolute values.

    Attributes
    ----------
    form : str
        The form of data: "table", "series", "image", "audio" or "text".
    method : str
        How the values were computed: a key of the methods of `explain`, never "auto".
    values : ndarray or list of n_samples ndarrays
        What was added to the output of each sample, in the units of the output. Of tables
        (n_samples, n_features); of images (n_samples, height, width), or (n_samples, height,
        width, channels) where there are several. The other forms have a list: of series
        arrays (steps, channels), of recordings (frames, mel bands), of texts (words,).
    base_value : ndarray of shape (n_samples,)
        The output at the baseline.
    output : ndarray of shape (n_samples,)
        The output that is explained.
    output_name : str
        What the output is, such as "logit of 'b'" or "prediction".
    feature_names : ndarray or None
        The columns of a table ("x0", "x1" and so on where they have no names), the channels of
        series, the centres of mel bands, or the distinct words of texts. None for images.
    samples : list, ndarray or None
        What pictures show of the samples: arrays (steps, channels) of series, pixels
        (n_samples, height, width, channels), a `Spectrogram` of each recording, the `Words`
        of each text. None for tables.
    """

    form: str
    method: str
    values: Any
    base_value: np.ndarray
    output: np.ndarray
    output_name: str
    feature_names: np.ndarray | None = None
    samples: Sequence[Any] | np.ndarray | None = None

    @property
    def importances(self) -> np.ndarray:
        """The mean over the samples of the absolute values of each of `feature_names`.

        Those of a sample are added up over its steps or frames, and over the places of a
        word. Of images there is a value for each pixel and channel.
        """
        if self.feature_names is None:
            return np.abs(self.values).mean(0)
        if self.form == "text":
            return self._of_words()
        sums = [
            np.abs(values).reshape(-1, len(self.feature_names)).sum(0)
            for values in self.values
        ]
        return np.mean(sums, 0)

    def _of_words(self) -> np.ndarray:
        assert self.samples is not None and self.feature_names is not None
        words = np.concatenate([sample.words for sample in self.samples])
        values = np.abs(np.concatenate(self.values))
        places = np.searchsorted(self.feature_names, words)
        n_words = len(self.feature_names)
        return np.bincount(places, values, n_words) / len(self.samples)
