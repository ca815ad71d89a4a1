"""One contender in a process of its own: python -m benchmarks.worker SUITE CASE NAME.

For each line that comes in it does the work once and prints what it took as JSON.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def resident(field: str) -> float:
    """MB of this process: "VmRSS" now, "VmHWM" at the most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def measured(run: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What `run` returns, its seconds, and the MB that it took at the most."""
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    start = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - start
    return found, {"seconds": seconds, "peak_mb": resident("VmHWM") - before}


def main() -> None:
    suite, case, name = sys.argv[1:]
    module = importlib.import_module(f"benchmarks.{suite}")
    # What libraries print must not mix with what is measured.
    out, sys.stdout = sys.stdout, sys.stderr
    run = module.CONTENDERS[name](module.CASES[case]())
    print("ready", file=out, flush=True)
    for _ in sys.stdin:
        score, cost = measured(run)
        print(json.dumps({"score": score} | cost), file=out, flush=True)


if __name__ == "__main__":
    main()
