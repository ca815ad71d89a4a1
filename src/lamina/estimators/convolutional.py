"""Convolutional networks for images, series, text and sound."""

from lamina.bodies.convolutional import ConvolutionalBody, ConvolutionalParams
from lamina.encoders.audio import AudioParams
from lamina.encoders.choose import InputParams
from lamina.encoders.image import ImageParams
from lamina.encoders.series import SeriesParams
from lamina.encoders.text import TextParams
from lamina.estimators.classifier import Classifier
from lamina.estimators.regressor import Regressor


class GridParams(
    ConvolutionalParams, InputParams, SeriesParams, ImageParams, TextParams, AudioParams
):
    """A convolutional network, and the forms of data that it takes."""


class CNNClassifier(Classifier, GridParams):
    """Convolutional network for classifying images and sequences.

    X is images: an array (samples, height, width, channels), grey ones (samples, height,
    width), a list of files or of PIL images, read as they are needed; or series: an array
    (samples, steps, channels), a 2-D array (samples, steps), a list of arrays of unequal
    length; or texts, sound files or waveforms (with `sampling_rate`).
    y holds labels of any type, an indicator matrix, or several columns of labels.

    {parameters}

    {attributes}

    See Also
    --------
    RNNClassifier : Reads a sequence step by step.
    CNNRegressor : Predicts numbers.

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


class CNNRegressor(Regressor, GridParams):
    """Convolutional network for predicting numbers from images and sequences.

    X is images: an array (samples, height, width, channels), grey ones (samples, height,
    width), a list of files or of PIL images, read as they are needed; or series: an array
    (samples, steps, channels), a 2-D array (samples, steps), a list of arrays of unequal
    length; or texts, sound files or waveforms (with `sampling_rate`).
    y has one column or several, and is standardised while training.

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
