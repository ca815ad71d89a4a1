"""Dense networks of one member with default regularisation, optimizer and schedule.

Layers, batches and epochs are those of the suite "dense". lamina's defaults have dropout,
decoupled weight decay, clipping and a schedule, MLPClassifier's an L2 penalty.
"""

from dataclasses import replace
from functools import partial

from benchmarks import dense
from benchmarks.contenders import lamina, mlp_widths, scikit_learn
from benchmarks.problem import PLAIN, Problem
from benchmarks.runner import run_suite


def problem(name: str) -> Problem:
    equal = dense.CASES[name]()
    return replace(equal, ours=partial(ours, equal))


def ours(equal: Problem):
    from lamina import DNNClassifier

    return DNNClassifier(
        hidden_layer_sizes=mlp_widths(equal),
        batch_size=equal.batch_size,
        max_iter=equal.n_epochs,
        n_iter_no_change=10_000,
        **PLAIN,
    )


CASES = {name: partial(problem, name) for name in dense.SHAPES}
CONTENDERS = {
    "lamina": lamina,
    "scikit-learn": partial(scikit_learn, tol=1e-4, alpha=1e-4),
}


def main(names: list[str]) -> None:
    run_suite("defaults", names or list(CASES), list(CONTENDERS), {})
