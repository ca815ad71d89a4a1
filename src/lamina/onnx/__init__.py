"""Predictions without torch: `Predictor` reads what `to_onnx` of an estimator wrote."""

from lamina.onnx.predictor import Predictor

__all__ = ["Predictor"]
