"""Run one suite, or all short ones: python -m benchmarks [SUITE [CASE ...]].

The suites "tables", "noisy", "robustness" and "growth" take hours, and run only by name.
"""

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
    "serving",
)

if __name__ == "__main__":
    for name in sys.argv[1:2] or SUITES:
        importlib.import_module(f"benchmarks.{name}").main(sys.argv[2:])
