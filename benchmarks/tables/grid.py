"""All cells of contenders, tables and seeds: each is computed once and stored at once.

The results of a contender are in a file of its own under results/tables, so that an
interrupted run continues, and runs of several contenders do not meet in a file.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from resource import RLIMIT_CPU, setrlimit

from benchmarks.runner import RESULTS, machine_line

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
    """How cells are computed: `limit_s` are seconds of processor time of a process.

    Processor time, since other work may run beside; `disturbed` says that it did.
    """

    part: str
    threads: int
    limit_s: int
    disturbed: bool


def run(
    names: list[str], contenders: list[str], seeds: list[int], settings: Settings
) -> None:
    """Compute the cells that are not stored yet, the seeds and contenders in their order."""
    note = {"threads": settings.threads, "machine": machine_line()}
    note |= {"disturbed": True} if settings.disturbed else {}
    for seed, contender, name in product(seeds, contenders, names):
        key = key_of(name, seed, settings.part)
        if key in stored(contender):
            continue
        print(f"{contender}: {key} ...", end=" ", flush=True)
        figures = measure(contender, name, seed, settings)
        if figures is not None:
            keep(contender, key, figures | note)
            print(summary(figures), flush=True)


def measure(contender: str, name: str, seed: int, settings: Settings) -> dict | None:
    """The figures of a cell, or None if its data or its library is not available."""
    limit = settings.limit_s
    arguments = [name, contender, str(seed), settings.part]
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.tables.cell", *arguments],
        env=os.environ | dict(environment(contender, settings.threads)),
        preexec_fn=partial(setrlimit, RLIMIT_CPU, (limit, limit + 5)),
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode == 0:
        return json.loads(process.stdout)
    if process.returncode < 0:  # a signal: of the limit, or for want of memory
        reason = signal.Signals(-process.returncode).name
        return {"failed": f"{reason}, with a limit of {limit} s of processor time"}
    print(f"not available: {process.stderr.strip().splitlines()[-1]}", flush=True)
    return None


def environment(contender: str, threads: int) -> Iterator[tuple[str, str]]:
    """The number of threads, and the checkout in BEFORE for the contender of that name."""
    for library in ("OMP", "OPENBLAS", "MKL"):
        yield f"{library}_NUM_THREADS", str(threads)
    if contender == "before":
        path = os.environ.get("PYTHONPATH", "")
        yield "PYTHONPATH", os.pathsep.join([os.environ["BEFORE"], path])


def summary(figures: dict) -> str:
    if "failed" in figures:
        return figures["failed"]
    return "score {score:.4f}, loss {loss:.4g}, {fit_s:.1f} s".format(**figures)
