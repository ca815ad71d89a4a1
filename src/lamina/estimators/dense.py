"""Dense networks for tables and texts."""

from lamina.bodies.dense import DenseBody, DenseParams
from lamina.encoders.base import Encoder
from lamina.encoders.choose import ENCODERS
from lamina.encoders.tables.reader import TableParams
from lamina.encoders.texts.encoder import BagEncoder
from lamina.estimators.classifier import Classifier
from lamina.estimators.regressor import Regressor

DENSE_ENCODERS: dict[str, type[Encoder]] = {**ENCODERS, "text": BagEncoder}


class DenseInputParams(TableParams):
    """The forms of data that a dense network takes."""


class DNNClassifier(DenseInputParams, Classifier, DenseParams):
    """Dense network (multi-layer perceptron) for classifying the rows of a table, or texts.

    X is an array, a sparse matrix, a frame of pandas, polars or another library, nested
    lists or a torch tensor. Numbers are scaled here; strings and categories, booleans,
    dates and missing values need no preparation, and a category that `fit` did not see
    counts as unknown. Outliers do not change the scale of the other values. A number beyond
    those of `fit` counts as the nearest of them (with `numeric_embedding="none"` it is clipped
    at 6 standard deviations, and at 200 in a column that had a long tail or outliers in
    `fit`). By default the number of epochs is found on held-out rows, and the network is then
    fitted on all. A list of texts is read as bags of n-grams: tokens, pairs of tokens, and 3
    to 5 characters of a token, and so is a column of texts in a frame. y holds labels of any
    type, an indicator matrix of several labels, or several columns of labels.

    {parameters}

    {attributes}

    See Also
    --------
    DNNRegressor : Predicts real values.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = DNNClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> bool(network.score(X, y) > 0.9)
    True
    >>> texts = ["good film", "bad story", "a good story", "what a bad film"] * 5
    >>> network = DNNClassifier(random_state=0).fit(texts, [1, 0, 1, 0] * 5)
    >>> network.predict(["good", "so bad"]).tolist()
    [1, 0]
    """

    body = DenseBody
    encoders = DENSE_ENCODERS


class DNNRegressor(DenseInputParams, Regressor, DenseParams):
    """Dense network (multi-layer perceptron) for predicting real values from a table or texts.

    X is read as by :class:`DNNClassifier`; y has one column or several, and is
    standardised while training. Predictions do not lie far outside its range; see `loss`.
    A target over several orders of magnitude is best learnt as its logarithm, by
    scikit-learn's `TransformedTargetRegressor`, or with `loss="gamma"`.

    {parameters}

    {attributes}

    See Also
    --------
    DNNClassifier : Predicts labels.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from lamina import DNNRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = DNNRegressor(max_iter=20, random_state=0).fit(X, y)
    >>> bool(network.score(X, y) > 0.4)
    True
    >>> network = DNNRegressor(loss="quantile", quantiles=(0.1, 0.9), max_iter=5)
    >>> network.fit(X, y).predict(X[:3]).shape
    (3, 2)
    >>> import numpy as np
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> network = DNNRegressor(max_iter=5, random_state=0)
    >>> of_logs = TransformedTargetRegressor(network, func=np.log, inverse_func=np.exp)
    >>> bool((of_logs.fit(X, y).predict(X) > 0).all())
    True
    """

    body = DenseBody
    encoders = DENSE_ENCODERS
