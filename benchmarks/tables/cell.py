"""One fit in a process of its own: python -m benchmarks.tables.cell TABLE NAME SEED PART.

Prints the scores, seconds and memory as JSON, or why the fit failed.
"""

import json
import sys
import time
import warnings
from functools import partial

from benchmarks.tables import scores, sets
from benchmarks.tables.contenders import CONTENDERS, Fit, Problem
from benchmarks.tables.sources import Rows
from benchmarks.worker import measured


def cell(name: str, contender: str, seed: int, part: sets.Part) -> dict:
    """The figures of a contender on a table."""
    train, test = sets.load(name, seed, part)
    has_classes = sets.has_classes(name)
    problem = Problem.of(train[0], has_classes, seed)
    return fitted(CONTENDERS[contender](problem), has_classes, train, test)


def fitted(fit: Fit, has_classes: bool, train: Rows, test: Rows) -> dict:
    """Scores and costs of a fit and of its predictions, or the error of either."""
    X_test, y_test = test
    try:
        before = time.process_time()
        model, cost = measured(partial(fit, *train))
        cpu = time.process_time() - before
        predict = model.predict_proba if has_classes else model.predict
        outputs, cost_predict = measured(partial(predict, X_test))
    except Exception as error:  # any failure of a contender is a result
        return {"failed": f"{type(error).__name__}: {error}"[:200]}
    score = scores.of_classes if has_classes else scores.of_numbers
    return score(y_test, outputs) | {
        "fit_s": round(cost["seconds"], 3),
        "fit_cpu_s": round(cpu, 3),
        "predict_s": round(cost_predict["seconds"], 4),
        "peak_mb": round(max(cost["peak_mb"], cost_predict["peak_mb"])),
    }


def main() -> None:
    warnings.simplefilter("ignore")
    name, contender, seed, part = sys.argv[1:]
    # Output of libraries must not mix with the result.
    out, sys.stdout = sys.stdout, sys.stderr
    figures = cell(name, contender, int(seed), part)
    print(json.dumps(figures), file=out)


if __name__ == "__main__":
    main()
