"""Recurrent networks for series, text and sound."""

from lamina.bodies.recurrent import RecurrentParams, RNNBody
from lamina.encoders.audio.encoder import AudioParams
from lamina.encoders.choose import InputParams
from lamina.encoders.series.encoder import SeriesParams
from lamina.encoders.texts.encoder import TextParams
from lamina.estimators.classifier import Classifier
from lamina.estimators.regressor import Regressor


class SequenceInputParams(AudioParams, TextParams, SeriesParams, InputParams):
    """The forms of data that a recurrent network takes."""


class RNNClassifier(SequenceInputParams, Classifier, RecurrentParams):
    """Recurrent network (LSTM, GRU or plain RNN) for classifying sequences.

    X is a list of arrays (steps, channels) of equal or unequal length, an array (samples,
    steps, channels), a 2-D array (samples, steps) of univariate series, a list of texts or
    of lists of tokens, or a list of sound files or waveforms (with `sampling_rate`).
    y holds labels of any type, an indicator matrix, or several columns of labels.

    {parameters}

    {attributes}

    See Also
    --------
    CNNClassifier : Learns local features.
    RNNRegressor : Predicts real values.

    Examples
    --------
    >>> from lamina import RNNClassifier
    >>> X = [[0, 1, 0, 1], [1, 0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 0, 0]] * 10
    >>> y = ["alternates", "alternates", "pairs", "pairs"] * 10
    >>> network = RNNClassifier(hidden_size=16, random_state=0).fit(X, y)
    >>> network.predict([[1, 0, 1, 0], [0, 0, 0, 1, 1]]).tolist()
    ['alternates', 'pairs']
    """

    body = RNNBody


class RNNRegressor(SequenceInputParams, Regressor, RecurrentParams):
    """Recurrent network (LSTM, GRU or plain RNN) for predicting real values from sequences.

    X is a list of arrays (steps, channels) of equal or unequal length, an array (samples,
    steps, channels), a 2-D array (samples, steps) of univariate series, a list of texts or
    of lists of tokens, or a list of sound files or waveforms (with `sampling_rate`).
    y has one column or several, and is standardised while training. Predictions do not
    lie far outside its range; see `loss`.

    {parameters}

    {attributes}

    See Also
    --------
    RNNClassifier : Predicts labels.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import RNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(100, 12))
    >>> network = RNNRegressor(hidden_size=16, max_iter=40, random_state=0)
    >>> bool(network.fit(X, X.max(axis=1)).score(X, X.max(axis=1)) > 0.5)
    True
    """

    body = RNNBody
