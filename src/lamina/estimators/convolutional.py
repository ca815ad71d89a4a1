"""Convolutional networks for images, series, text and sound."""

from lamina.bodies.convolutional import ConvolutionalBody, ConvolutionalParams
from lamina.encoders.audio.encoder import AudioParams
from lamina.encoders.choose import InputParams
from lamina.encoders.images.encoder import ImageParams
from lamina.encoders.series.encoder import SeriesParams
from lamina.encoders.texts.encoder import TextParams
from lamina.estimators.classifier import Classifier
from lamina.estimators.regressor import Regressor


class GridInputParams(AudioParams, TextParams, SeriesParams, ImageParams, InputParams):
    """The forms of data that a convolutional network takes."""


class CNNClassifier(GridInputParams, Classifier, ConvolutionalParams):
    """Convolutional network for classifying images and sequences.

    X is images: an array (samples, height, width, channels), or (samples, height, width) if
    grey, a list of files or of PIL images, read when they are needed; or series: an array
    (samples, steps, channels), a 2-D array (samples, steps), a list of arrays of unequal
    length; or texts, sound files or waveforms (with `sampling_rate`).
    y holds labels of any type, an indicator matrix, or several columns of labels.

    {parameters}

    {attributes}

    See Also
    --------
    RNNClassifier : Reads a sequence step by step.
    CNNRegressor : Predicts real values.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from lamina import CNNClassifier
    >>> digits = load_digits()
    >>> images, labels = digits.images[:300], digits.target[:300]
    >>> network = CNNClassifier(max_iter=10, random_state=0).fit(images, labels)
    >>> bool(network.score(digits.images[300:600], digits.target[300:600]) > 0.8)
    True
    """

    body = ConvolutionalBody


class CNNRegressor(GridInputParams, Regressor, ConvolutionalParams):
    """Convolutional network for predicting real values from images and sequences.

    X is images: an array (samples, height, width, channels), or (samples, height, width) if
    grey, a list of files or of PIL images, read when they are needed; or series: an array
    (samples, steps, channels), a 2-D array (samples, steps), a list of arrays of unequal
    length; or texts, sound files or waveforms (with `sampling_rate`).
    y has one column or several, and is standardised while training. Predictions do not
    lie far outside its range; see `loss`.

    {parameters}

    {attributes}

    See Also
    --------
    CNNClassifier : Predicts labels.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import CNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(100, 12))
    >>> network = CNNRegressor(n_filters=(16, 32), max_iter=40, random_state=0)
    >>> bool(network.fit(X, X.max(axis=1)).score(X, X.max(axis=1)) > 0.5)
    True
    """

    body = ConvolutionalBody
