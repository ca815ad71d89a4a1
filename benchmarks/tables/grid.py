"""All cells of contenders, tables and seeds: each is computed once and stored at once.

The results of a contender are in a file of its own under results/tables, so that an
interrupted run continues, and runs of several contenders do not meet in a file.
"""

import json
import os
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.runner import RESULTS, machine_line
from benchmarks.tables.process import Limits, measure

Cells = dict[str, dict]


def results_of(contender: str) -> Path:
    name = contender.replace(", ", "-").replace(" ", "-")
    return RESULTS / "tables" / f"{name}.json"


def stored(contender: str) -> Cells:
    """What is known of a contender: key of a cell -> figures."""
    path = results_of(contender)
    return json.loads(path.read_text()) if path.exists() else {}


def key_of(name: str, seed: int, part: str) -> str:
    return f"{name}/{seed}/{part}"


def keep(contender: str, key: str, figures: dict) -> None:
    """Store a cell; each is a line of the file."""
    cells = stored(contender) | {key: figures}
    path = results_of(contender)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(cells.items()))
    part = path.with_suffix(".part")
    part.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    part.replace(path)


@dataclass(frozen=True)
class Settings:
    """The part that is scored, and limits; `disturbed` says that other work runs beside."""

    part: str
    limits: Limits
    disturbed: bool


def run(
    names: list[str], contenders: list[str], seeds: list[int], settings: Settings
) -> None:
    """Compute the cells that are not stored yet, the seeds and contenders in their order."""
    note = {"threads": settings.limits.threads, "machine": machine_line()}
    note |= {"disturbed": True} if settings.disturbed else {}
    for seed, contender, name in product(seeds, contenders, names):
        key = key_of(name, seed, settings.part)
        if key in stored(contender):
            continue
        print(f"{contender}: {key} ...", end=" ", flush=True)
        cell = ["benchmarks.tables.cell", name, contender, str(seed), settings.part]
        figures = measure(cell, settings.limits, environment(contender))
        if figures is not None:
            keep(contender, key, figures | note)
            print(summary(figures), flush=True)


def environment(contender: str) -> dict[str, str]:
    """For the contender "before", the checkout whose folder src is in BEFORE."""
    if contender != "before":
        return {}
    paths = os.environ["BEFORE"], os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(paths)}


def summary(figures: dict) -> str:
    if "failed" in figures:
        return figures["failed"]
    return "score {score:.4f}, loss {loss:.4g}, {fit_s:.1f} s".format(**figures)
