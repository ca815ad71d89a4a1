"""How much score is lost when rows to predict differ from the training rows.

Default lamina beside HistGradientBoosting, on tables for choosing and their validation
parts. SEEDS (default 3) is the number of splits. The pipeline of HistGradientBoosting selects
columns by name; alone it refuses shuffled ones, as estimators of scikit-learn do.
"""

import os
from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.runner import store
from benchmarks.tables import scores, sets
from benchmarks.tables.contenders import CONTENDERS, Problem

SEEDS = range(int(os.environ.get("SEEDS", "3")))
NAMES = ("lamina", "HistGradientBoosting")
CASES = (
    *("cancer", "credit", "churn", "income", "adult"),
    *("ozone", "diabetes", "ames", "vocabulary", "diamonds"),
)
RATE = 0.3
HUGE = 1e9
N_CONSTANT = 5

Change = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def missing(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """30 % of the cells are missing."""
    return X.mask(rng.random(X.shape) < RATE)


def unknown(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """30 % of the categories are ones that training rows lack."""
    changed = {}
    for name in X.select_dtypes("category"):
        column = X[name].cat.add_categories(["never seen"])
        changed[name] = column.mask(rng.random(len(X)) < RATE, "never seen")
    return X.assign(**changed)


def huge(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One number of each row is 1e9."""
    X, numbers = X.copy(), X.select_dtypes("number").columns
    columns = rng.integers(len(numbers), size=len(X))
    for i, name in enumerate(numbers):
        X[name] = X[name].mask(columns == i, HUGE)
    return X


def shuffled(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The columns are in another order."""
    return X[rng.permutation(X.columns)]


def constant(name: str) -> Change:
    """A column has the value of the first row in all rows."""

    def change(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        first = X[name].iloc[[0] * len(X)]
        return X.assign(**{name: first.set_axis(X.index)})

    return change


CHANGES: dict[str, Change] = {
    "missing": missing,
    "unknown": unknown,
    "huge": huge,
    "shuffled": shuffled,
}


def main(names: list[str]) -> None:
    """Print and store the loss of score in these cases, or in all."""
    heads = (*CHANGES, "constant")
    print(f"{'':34}{'score':>9}" + "".join(f"{head:>10}" for head in heads))
    for case in names or CASES:
        figures = {name: mean_losses(case, name) for name in NAMES}
        for name, values in figures.items():
            cells = "".join(f"{values.get(head, np.nan):10.4f}" for head in heads)
            print(f"{case:12}{name:22}{values['score']:9.4f}{cells}", flush=True)
            for head in heads:
                if error := values.get(f"{head}, refused"):
                    print(f"{'':12}{head}: {error}")
        store("robustness", case, figures, seeds=len(SEEDS))


def mean_losses(case: str, contender: str) -> dict[str, float | str]:
    """The score, the loss of each change as a mean over the seeds, and what was refused."""
    runs = [losses(case, contender, seed) for seed in SEEDS]
    figures = {}
    for key, value in runs[0].items():
        is_text = isinstance(value, str)
        figures[key] = value if is_text else float(np.mean([r[key] for r in runs]))
    return figures


def losses(case: str, contender: str, seed: int) -> dict[str, float | str]:
    """One fit: its score, and the loss of score by each change."""
    (X, y), (X_test, y_test) = sets.load(case, seed, "validation")
    has_classes = sets.has_classes(case)
    model = CONTENDERS[contender](Problem.of(X, has_classes, seed))(X, y)
    score_of = scores.of_classes if has_classes else scores.of_numbers
    predict = model.predict_proba if has_classes else model.predict
    score = score_of(y_test, predict(X_test))["score"]
    rng = np.random.default_rng(seed)
    drawn = rng.choice(X.columns, min(N_CONSTANT, X.shape[1]), replace=False)
    changes = [*CHANGES.items(), *(("constant", constant(name)) for name in drawn)]
    lost: dict[str, list[float]] = {}
    refused: dict[str, str] = {}
    for name, change in changes:
        try:
            outputs = predict(change(X_test, rng))
        except Exception as error:  # a refusal is a result
            refused[f"{name}, refused"] = f"{type(error).__name__}: {error}"
        else:
            after = score_of(y_test, outputs)["score"]
            lost.setdefault(name, []).append(score - after)
    means = {name: float(np.mean(values)) for name, values in lost.items()}
    return {"score": score} | means | refused
