"""Deep learning as scikit-learn estimators."""

from lamina.estimators.convolutional import CNNClassifier, CNNRegressor
from lamina.estimators.dense import DNNClassifier, DNNRegressor
from lamina.estimators.language import LanguageModel
from lamina.estimators.recurrent import RNNClassifier, RNNRegressor

__version__ = "0.1.0"

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "DNNClassifier",
    "DNNRegressor",
    "LanguageModel",
    "RNNClassifier",
    "RNNRegressor",
]
