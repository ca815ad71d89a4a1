"""Comparison of contenders: each in its own process, in the order A B A B, medians of 5."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
PAUSE_S = 0.5


def compare(suite: str, case: str, names: Sequence[str]) -> dict[str, dict]:
    """The figures of each contender; the first run of each is its cold run."""
    workers = {}
    for name in names:
        worker = Worker(suite, case, name)
        if worker.is_ready():
            workers[name] = worker
        else:
            print(f"  {name}: not available (set LOUD=1 for its error)", flush=True)
    runs = {name: [worker.run()] for name, worker in workers.items()}
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            runs[name].append(worker.run())
    for worker in workers.values():
        worker.end()
    return {name: _figures(all_runs) for name, all_runs in runs.items()}


class Worker:
    """A process of `benchmarks.worker`."""

    def __init__(self, suite: str, case: str, name: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", suite, case, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("LOUD") else subprocess.DEVNULL,
            text=True,
        )

    def is_ready(self) -> bool:
        return self.process.stdout.readline().strip() == "ready"

    def run(self) -> dict:
        # Idle threads of the previous contender may spin for a while.
        time.sleep(PAUSE_S)
        print("go", file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def _figures(runs: list[dict]) -> dict:
    warm = runs[1:]
    return {
        "cold_s": runs[0]["seconds"],
        "warm_s": median(r["seconds"] for r in warm),
        "all_s": [round(r["seconds"], 5) for r in warm],
        "score": median(r["score"] for r in warm),
        "peak_mb": max(r["peak_mb"] for r in runs),
    }


def report(
    suite: str, cases: dict[str, dict[str, dict]], flops: dict[str, float]
) -> None:
    """Print the tables and store the figures as JSON."""
    rates = gemm_rates()
    print(f"\n{suite}: {machine_line()}\nGEMM 1024^3: {rates} GF/s\n")
    ratios: dict[str, list[float]] = {}
    for case, figures in cases.items():
        ours = figures["lamina"]
        rate = flops.get(case, 0.0) / ours["warm_s"] / 1e9
        print(f"{case}" + (f" (lamina: {rate:.0f} GF/s)" if rate else ""))
        print(f"  {'':20}{'cold s':>9}{'warm s':>9}{'ratio':>8}{'score':>8}{'MB':>8}")
        for name, f in figures.items():
            ratio = f["warm_s"] / ours["warm_s"]
            ratios.setdefault(name, []).append(ratio)
            print(
                f"  {name:20}{f['cold_s']:9.3f}{f['warm_s']:9.3f}{ratio:8.2f}"
                f"{f['score']:8.4f}{f['peak_mb']:8.0f}"
            )
    print("\ngeometric mean, minimum and maximum of the ratios to lamina")
    for name, values in ratios.items():
        print(
            f"  {name:20}{geometric_mean(values):8.2f}{min(values):8.2f}"
            f"{max(values):8.2f}   ({len(values)} cases)"
        )
    for case, figures in cases.items():
        store(suite, case, figures, gemm_gflops=rates, rounds=ROUNDS)


def store(suite: str, case: str, figures: dict, **settings: Any) -> None:
    """Replace the figures of a case in the results of its suite."""
    path = RESULTS / f"{suite}.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    results[case] = {"machine": machine_line(), **settings, "figures": figures}
    path.write_text(json.dumps(results, indent=1) + "\n")


def machine_line() -> str:
    """Processor, cores and versions."""
    import sklearn
    import torch

    processor = platform.processor()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.split(":")[1].strip()
    return (
        f"{processor}, {os.cpu_count()} cores, "
        f"{torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}, "
        f"scikit-learn {sklearn.__version__}, numpy {np.__version__}"
    )


def gemm_rates() -> dict[str, float]:
    """GF/s of a large matrix product in float32 and bfloat16, the limit of the machine."""
    import torch

    rates = {}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        a = torch.randn(1024, 1024).to(dtype)
        torch.mm(a, a)
        best = float("inf")
        for _ in range(9):
            start = time.perf_counter()
            torch.mm(a, a)
            best = min(best, time.perf_counter() - start)
        rates[name] = round(2 * 1024**3 / best / 1e9)
    return rates


def run_suite(
    suite: str, cases: Sequence[str], names: Sequence[str], flops: dict
) -> None:
    """Compare the contenders in every case, and report."""
    figures = {}
    for case in cases:
        print(f"{suite}/{case} ...", flush=True)
        figures[case] = compare(suite, case, names)
    report(suite, figures, flops)
