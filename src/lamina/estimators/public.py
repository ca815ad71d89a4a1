"""The public estimators, imported together: `lamina` imports this file when one is used."""

from lamina.estimators.captioner import ImageCaptioner
from lamina.estimators.convolutional import CNNClassifier, CNNRegressor
from lamina.estimators.dense import DNNClassifier, DNNRegressor
from lamina.estimators.forecaster import Forecaster
from lamina.estimators.language import LanguageModel
from lamina.estimators.recurrent import RNNClassifier, RNNRegressor
from lamina.estimators.saving import load, save, trusted_types
from lamina.estimators.speech import SpeechRecognizer
from lamina.estimators.tagger import SequenceTagger
from lamina.estimators.translator import Translator

TRUSTED_TYPES = trusted_types()
"""The classes of lamina for `skops.io.load(path, trusted=lamina.TRUSTED_TYPES)`."""

__all__ = [
    "TRUSTED_TYPES",
    "CNNClassifier",
    "CNNRegressor",
    "DNNClassifier",
    "DNNRegressor",
    "Forecaster",
    "ImageCaptioner",
    "LanguageModel",
    "RNNClassifier",
    "RNNRegressor",
    "SequenceTagger",
    "SpeechRecognizer",
    "Translator",
    "load",
    "save",
]
