"""Run one suite, or all: python -m benchmarks [SUITE [CASE ...]]."""

import sys

from benchmarks import accuracy

SUITES = {"accuracy": accuracy.main}

if __name__ == "__main__":
    asked = sys.argv[1:2] or list(SUITES)
    for name in asked:
        SUITES[name](sys.argv[2:])
