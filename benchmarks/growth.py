"""Seconds and peak memory of fits and predictions by rows and by columns.

Default lamina beside HistGradientBoosting on numbers of two classes, each fit in a process of
its own: python -m benchmarks growth [CASE ...]. As a process: ROWS COLUMNS NAME.
"""

import json
import sys
import warnings

import numpy as np
import pandas as pd

from benchmarks.runner import store
from benchmarks.tables.cell import fitted
from benchmarks.tables.contenders import CONTENDERS, Problem
from benchmarks.tables.process import Limits, measure

NAMES = ("lamina", "HistGradientBoosting")
SHAPES = (
    *((10**n, 20) for n in (3, 4, 5, 6)),
    *((10_000, 10**n) for n in (1, 2, 3)),
)
CASES = {f"{rows:,} x {columns:,}": (rows, columns) for rows, columns in SHAPES}
N_TEST = 10_000


def main(names: list[str]) -> None:
    """Measure these cases, or all."""
    limits = Limits()
    print(
        f"{'rows x columns':18}{'':22}{'fit s':>9}{'predict s':>11}{'MB':>8}{'score':>8}"
    )
    for case in names or CASES:
        shape = [str(n) for n in CASES[case]]
        figures = {}
        for name in NAMES:
            result = measure(["benchmarks.growth", *shape, name], limits)
            if result is not None:
                figures[name] = result
                print(f"{case:18}{name:22}{line(result)}", flush=True)
        store("growth", case, figures, threads=limits.threads)


def line(figures: dict) -> str:
    if "failed" in figures:
        return f" {figures['failed']}"
    return "{fit_s:9.2f}{predict_s:11.3f}{peak_mb:8d}{score:8.4f}".format(**figures)


def measured_fit(n_rows: int, n_columns: int, contender: str) -> dict:
    """A fit, and predictions of 10,000 rows."""
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((n_rows + N_TEST, n_columns), dtype=np.float32)
    logits = 2 * numbers[:, 0] * numbers[:, 1] + numbers[:, 2:6].sum(1)
    y = (logits + rng.logistic(size=len(logits)) > 0).astype(np.int64)
    X = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(n_columns)])
    train, test = ((X.iloc[r], y[r]) for r in (slice(n_rows), slice(n_rows, None)))
    fit = CONTENDERS[contender](Problem.of(train[0], has_classes=True, seed=0))
    return fitted(fit, True, train, test)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    # Output of libraries must not mix with the result.
    out, sys.stdout = sys.stdout, sys.stderr
    rows, columns, name = sys.argv[1:]
    print(json.dumps(measured_fit(int(rows), int(columns), name)), file=out)
