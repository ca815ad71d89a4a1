"""Deep learning as scikit-learn estimators."""

import typing

if typing.TYPE_CHECKING:
    from lamina.estimators.public import (
        TRUSTED_TYPES,
        CNNClassifier,
        CNNRegressor,
        DNNClassifier,
        DNNRegressor,
        Forecaster,
        ImageCaptioner,
        LanguageModel,
        RNNClassifier,
        RNNRegressor,
        SequenceTagger,
        SpeechRecognizer,
        Translator,
        load,
        save,
    )
    from lamina.reporting import report

__version__ = "0.1.0"

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
    "report",
    "save",
]

# An estimator is imported when it is first used, because `lamina.onnx` must not need torch.
# Type checkers read the imports above, and report any other name.
if not typing.TYPE_CHECKING:

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        module = "reporting" if name == "report" else "estimators.public"
        return getattr(import_module(f"lamina.{module}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
