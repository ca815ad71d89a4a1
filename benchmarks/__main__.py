"""Run one suite, or all: python -m benchmarks [SUITE [CASE ...]]."""

import importlib
import sys

SUITES = (
    "dense",
    "defaults",
    "busy",
    "conv",
    "recurrent",
    "predict",
    "fit",
    "saving",
    "scaling",
    "accuracy",
    "sequences",
    "texts",
    "onnx",
)

if __name__ == "__main__":
    for name in sys.argv[1:2] or SUITES:
        importlib.import_module(f"benchmarks.{name}").main(sys.argv[2:])
