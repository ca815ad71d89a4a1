"""Log loss on noisy tables beside logistic regression and MLPClassifier with early stopping.

Takes the options of the suite "tables". A ratio is the log loss of lamina over the lower one
of the others, means over the seeds; at most 1.05 is asked for.
"""

import numpy as np

from benchmarks.tables import command, sets
from benchmarks.tables.report import Results

OTHERS = ("linear", "MLP, early stopping")
MAX_RATIO = 1.05


def main(arguments: list[str]) -> None:
    names = ["--contenders", "lamina", *OTHERS]
    results = command.run(["--half", "noisy", *names, *arguments])
    print(f"\n{'log loss: ours over the better of the others':46}{'ratio':>7}")
    for name in results.complete(sets.names(["noisy"])):
        ratio = ratio_of(results, name)
        verdict = "" if ratio <= MAX_RATIO else f"   above {MAX_RATIO}"
        print(f"  {name:44}{ratio:7.3f}{verdict}")


def ratio_of(results: Results, name: str) -> float:
    ours = results.mean("lamina", name, "loss")
    return ours / float(np.min([results.mean(c, name, "loss") for c in OTHERS]))
