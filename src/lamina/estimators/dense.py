"""Dense networks for tables."""

from lamina.bodies.dense import DenseBody, DenseParams
from lamina.encoders.tables.reader import TableParams
from lamina.estimators.classifier import Classifier
from lamina.estimators.regressor import Regressor


class DNNClassifier(TableParams, Classifier, DenseParams):
    """Dense network (multi-layer perceptron) for classifying the rows of a table.

    X is an array, a sparse matrix, a frame of pandas, polars or another library, nested
    lists or a torch tensor. Numbers are scaled here; strings and categories, booleans,
    dates and missing values need no preparation, and a category that `fit` did not see
    counts as unknown. Outliers do not change the scale of the other values. A number beyond
    those of `fit` counts as the nearest of them (with `numeric_embedding="none"` it is clipped
    at 6 standard deviations, and at 200 in a column that had a long tail or outliers in
    `fit`). By default the number of epochs is found on held-out rows, and the network is then
    fitted on all. y holds labels of any type, an indicator matrix of several
    labels, or several columns of labels.

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
    """

    body = DenseBody


class DNNRegressor(TableParams, Regressor, DenseParams):
    """Dense network (multi-layer perceptron) for predicting real values from a table.

    X is read as by :class:`DNNClassifier`; y has one column or several, and is
    standardised while training.

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
    """

    body = DenseBody
