"""Deep learning as scikit-learn estimators."""

from lamina.estimators.convolutional import CNNClassifier, CNNRegressor
from lamina.estimators.dense import DNNClassifier, DNNRegressor
from lamina.estimators.recurrent import RNNClassifier, RNNRegressor
from lamina.estimators.tagger import SequenceTagger

__version__ = "0.1.0"

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "DNNClassifier",
    "DNNRegressor",
    "RNNClassifier",
    "RNNRegressor",
    "SequenceTagger",
]
