"""Contenders side by side, mean ranks, and wins beyond noise."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from benchmarks.tables import sets
from benchmarks.tables.grid import Cells, key_of, stored
from benchmarks.tables.scores import difference

N_ERRORS = 2.0
"""A difference of more standard errors than this is beyond noise."""


@dataclass(frozen=True)
class Results:
    """The cells of a part, of those tables and contenders of which all seeds are stored."""

    cells: dict[str, Cells]
    seeds: list[int]
    part: str

    def of(self, contender: str, name: str) -> list[dict] | None:
        """A cell for each seed, or None if one is missing."""
        cells = self.cells[contender]
        keys = [key_of(name, seed, self.part) for seed in self.seeds]
        return [cells[key] for key in keys] if all(k in cells for k in keys) else None

    def mean(self, contender: str, name: str, what: str) -> float:
        """NaN if a cell is missing, or has no such figure, for example if the fit failed."""
        cells = self.of(contender, name) or [{}]
        return float(np.mean([cell.get(what, np.nan) for cell in cells]))

    def complete(self, names: list[str]) -> list[str]:
        return [n for n in names if all(self.of(c, n) for c in self.cells)]

    def ranks(self, names: list[str], what: str, sign: float) -> np.ndarray:
        """Ranks (tables, contenders) from 1; what failed comes last."""
        rows = [[self.mean(c, n, what) for c in self.cells] for n in names]
        values = np.nan_to_num(sign * np.array(rows), nan=np.inf)
        return (
            rankdata(values, axis=1) if len(names) else np.empty((0, len(self.cells)))
        )


def stored_results(contenders: list[str], seeds: list[int], part: str) -> Results:
    return Results({c: stored(c) for c in contenders}, seeds, part)


def show(results: Results, names: list[str]) -> None:
    """Print all tables of a comparison; the first contender is compared with the others."""
    for name in names:
        if any(results.of(contender, name) for contender in results.cells):
            table_of(results, name)
    complete = results.complete(names)
    if missing := [name for name in names if name not in complete]:
        print(f"\nnot in the ranks, because cells are missing: {', '.join(missing)}")
    ranks_of(results, complete)
    cells = (results.of(c, name) or () for c in results.cells for name in names)
    if any("disturbed" in cell for seeds in cells for cell in seeds):
        print("\nOther work ran beside these fits: their seconds are no measurement.")


def table_of(results: Results, name: str) -> None:
    """Means over the seeds of each contender on a table."""
    kinds = ("accuracy", "log loss") if sets.has_classes(name) else ("R^2", "RMSE")
    heads = (*kinds, "ECE", "fit s", "CPU s", "predict s", "MB")
    print(f"\n{name:24}" + "".join(f"{head:>11}" for head in heads))
    for contender in results.cells:
        cells = results.of(contender, name)
        if cells is None:
            continue
        failures = {cell["failed"] for cell in cells if "failed" in cell}
        figures = ("score", "loss", "ece", "fit_s", "fit_cpu_s", "predict_s", "peak_mb")
        values = (results.mean(contender, name, figure) for figure in figures)
        line = "".join(f"{value:11.4g}" for value in values)
        print(f"  {contender:22}" + (f" {'; '.join(failures)}" if failures else line))


def ranks_of(results: Results, complete: list[str]) -> None:
    """Mean ranks and, of the first contender against each other one, wins, ties, losses."""
    first = next(iter(results.cells))
    choosing, final = (
        [name for name in complete if sets.TABLES[name].half == half]
        for half in ("choosing", "final")
    )
    selections = {"all": complete, "choosing": choosing, "final": final}
    for selection, names in selections.items():
        if not names:
            continue
        classes = [name for name in names if sets.has_classes(name)]
        by_score = results.ranks(names, "score", -1.0).mean(0)
        by_loss = results.ranks(classes, "loss", 1.0)
        print(
            f"\nmean ranks, {selection}: {len(names)} tables, {len(classes)} with classes"
        )
        print(f"  {'':22}{'score':>8}{'log loss':>10}   {first}: wins, ties, losses")
        for i, contender in enumerate(results.cells):
            loss = by_loss[:, i].mean() if classes else np.nan
            line = f"  {contender:22}{by_score[i]:8.2f}{loss:10.2f}"
            if contender != first:
                line += f"   {outcomes(results, first, contender, names)}"
            print(line)


def outcomes(results: Results, first: str, other: str, names: list[str]) -> str:
    """Wins, ties and losses of the first in score, and in log loss, beyond noise."""
    classes = [name for name in names if sets.has_classes(name)]
    texts = []
    for what, tables, sign in (("score", names, 1.0), ("loss", classes, -1.0)):
        signs = [sign * compared(results, first, other, n, what) for n in tables]
        counts = (sum(s > 0 for s in signs), signs.count(0), sum(s < 0 for s in signs))
        texts.append("{}, {}, {}".format(*counts))
    return f"score {texts[0]}; log loss {texts[1]}"


def compared(results: Results, first: str, other: str, name: str, what: str) -> int:
    """1 if the figure of the first is higher beyond noise, -1 if lower, otherwise 0.

    A failed fit has the lowest score and the highest loss.
    """
    cells = results.of(first, name), results.of(other, name)
    lost = [any("failed" in cell for cell in side) for side in cells]
    if any(lost):
        return (lost[1] - lost[0]) * (1 if what == "score" else -1)
    groups = [[cell[f"{what}_groups"] for cell in side] for side in cells]
    mean, error = difference(*groups)
    return int(np.sign(mean)) if abs(mean) > N_ERRORS * error else 0
