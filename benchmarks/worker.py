"""One contender in a process of its own: python -m benchmarks.worker SUITE CASE NAME.

For each line of input it runs the contender once and prints the cost as JSON.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def resident(field: str) -> float:
    """MB of this process: "VmRSS" is the current, "VmHWM" the peak value."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def measured(run: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """The result of `run`, its duration in seconds and the growth of memory in MB."""
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    start = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - start
    return result, {"seconds": seconds, "peak_mb": resident("VmHWM") - before}


def main() -> None:
    suite, case, name = sys.argv[1:]
    module = importlib.import_module(f"benchmarks.{suite}")
    # Output of libraries must not mix with the results.
    out, sys.stdout = sys.stdout, sys.stderr
    run = module.CONTENDERS[name](module.CASES[case]())
    print("ready", file=out, flush=True)
    for _ in sys.stdin:
        score, cost = measured(run)
        print(json.dumps({"score": score} | cost), file=out, flush=True)


if __name__ == "__main__":
    main()
