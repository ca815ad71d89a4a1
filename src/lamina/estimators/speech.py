"""Speech recognition: transcripts of recordings."""

from collections.abc import Iterator
from itertools import groupby

import numpy as np
import torch
from numpy.typing import ArrayLike

from lamina.bodies.speech import SpeechBody, SpeechBodyParams
from lamina.codec import CodecParams
from lamina.encoders.audio.encoder import AudioParams, Recordings
from lamina.estimators.data import read_targets, read_weight
from lamina.estimators.sequence import SequenceEstimator
from lamina.exceptions import data_errors
from lamina.inputs import DataLike
from lamina.nn.spectrogram import HOP
from lamina.process import default_settings
from lamina.tasks.errors import error_rate
from lamina.tasks.transcription import Transcription, TranscriptionParams, strided


class Recognizer(SequenceEstimator, TranscriptionParams):
    """Abstract speech recogniser; a public class names its body."""

    task = Transcription

    def predict(self, X: DataLike) -> list[str]:
        """The text of each recording.

        Parameters
        ----------
        X : list of n_samples recordings
            Paths or contents of sound files, or waveforms.

        Returns
        -------
        texts : list of n_samples str
            "" for a recording without speech.
        """
        return self._outputs(X)

    def score_samples(self, X: DataLike, y: DataLike) -> np.ndarray:
        """The log-likelihood of each of these texts, given its recording.

        Parameters
        ----------
        X : list of n_samples recordings
            Paths or contents of sound files, or waveforms.
        y : list of n_samples str
            A text for each recording.

        Returns
        -------
        log_p : ndarray of shape (n_samples,)
            The natural logarithm of the probability of all alignments; -inf for a text with
            more units than its recording has steps. A text with a character that `fit` did
            not see is refused.
        """
        plain: Recordings = self._plain(X)
        texts = self._texts(y, plain)
        with default_settings():
            n_steps = torch.from_numpy(plain.n_steps())
            fits = self.task_.fits(texts, strided(n_steps, self.network_.body.stride))
        kept = [text if fit else "" for text, fit in zip(texts, fits, strict=True)]
        log_p = self._outputs_of_plain(plain, self.task_.likelihoods, kept)
        return np.where(fits.numpy(), log_p, -np.inf)

    def timestamps(
        self, X: DataLike, y: DataLike | None = None
    ) -> list[list[tuple[str, float, float]]]:
        """The start and end of each word.

        Parameters
        ----------
        X : list of n_samples recordings
            Paths or contents of sound files, or waveforms.
        y : list of n_samples str, default=None
            The texts; None takes those of `predict`.

        Returns
        -------
        words : list of n_samples lists of (word, start, end)
            In seconds, by the most likely alignment of the text; multiples of 10 ms times
            `stride`, and at most the length of the recording. A network trained by CTC
            tends to give a unit in one or few steps, not for as long as it sounds.
        """
        plain: Recordings = self._plain(X)
        texts = None if y is None else self._texts(y, plain)
        spans = self._outputs_of_plain(plain, self.task_.spans, texts)
        seconds = HOP * self.network_.body.stride
        return [
            list(_words(characters, seconds, end))
            for characters, end in zip(spans, plain.seconds().tolist(), strict=True)
        ]

    def word_error_rate(
        self, X: DataLike, y: DataLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Words inserted, deleted or substituted, divided by the number of true words.

        Parameters
        ----------
        X : list of n_samples recordings
            Paths or contents of sound files, or waveforms.
        y : list of n_samples str
            The true texts.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each recording.

        Returns
        -------
        rate : float
            0 is the best; it may be greater than 1. `score` is 1 - word error rate.
        """
        return self._errors("words", X, y, sample_weight)

    def character_error_rate(
        self, X: DataLike, y: DataLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Characters inserted, deleted or substituted, divided by those of the true texts.

        Parameters
        ----------
        X : list of n_samples recordings
            Paths or contents of sound files, or waveforms.
        y : list of n_samples str
            The true texts.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each recording.

        Returns
        -------
        rate : float
            0 is the best; it may be greater than 1.
        """
        return self._errors("characters", X, y, sample_weight)

    def _errors(
        self, unit: str, X: DataLike, y: DataLike, sample_weight: ArrayLike | None
    ) -> float:
        plain = self._plain(X)
        with data_errors("y"):
            texts = read_targets(type(self).__name__, self.task_, y, plain)
        weight = read_weight(sample_weight, len(plain))
        return error_rate(unit, texts, self._outputs_of_plain(plain), weight)

    def _texts(self, y: DataLike, plain: Recordings) -> list[str]:
        """The texts, checked to have no characters that `fit` did not see."""
        with data_errors("y"):
            texts = read_targets(type(self).__name__, self.task_, y, plain)
        self.task_.refuse_unknown(texts)
        return texts


def _words(
    characters: list[tuple[str, int, int]], seconds: float, end: float
) -> Iterator[tuple[str, float, float]]:
    """(word, start, end) of each run of characters without spaces."""
    for is_space, run in groupby(characters, lambda c: c[0].isspace()):
        if not is_space:
            letters, starts, ends = zip(*run, strict=True)
            yield "".join(letters), min(starts) * seconds, min(max(ends) * seconds, end)


class SpeechRecognizer(CodecParams, AudioParams, Recognizer, SpeechBodyParams):
    """Convolutional and recurrent network that transcribes speech.

    X is a list of sound files (paths, or their contents as bytes), or of waveforms
    (samples,) or (samples, channels) with `sampling_rate`; channels are averaged and files
    resampled. The level of a recording has no effect (see `normalize_level`). y holds the
    texts, "" for recordings without speech. The network gives the probabilities of the
    units, and of none, at each step, and learns from texts without alignments
    (connectionist temporal classification, Graves et al. 2006). Characters that `fit` did
    not see are never transcribed; in `score` they count as errors. A text that needs more
    steps than its recording has is refused before training. `score` is 1 - word error rate
    (needs the package jiwer).

    {parameters}

    {attributes}

    See Also
    --------
    RNNClassifier : Predicts a single label for each recording.
    LanguageModel : Gives the likelihoods of texts, for the parameter `language_model`.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import SpeechRecognizer
    >>> t = np.arange(800) / 8000
    >>> low, high = (0.3 * np.sin(2 * np.pi * pitch * t) for pitch in (300, 1500))
    >>> X = [low, high, np.concatenate([low, high]), np.concatenate([high, low])] * 10
    >>> y = ["u", "i", "ui", "iu"] * 10
    >>> network = SpeechRecognizer(sampling_rate=8000, hidden_size=32, random_state=0)
    >>> network.fit(X, y).predict(X[:4])
    ['u', 'i', 'ui', 'iu']
    """

    body = SpeechBody
