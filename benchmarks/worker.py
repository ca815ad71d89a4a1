"""One contender in a process of its own: python -m benchmarks.worker SUITE CASE NAME.

For each line that comes in it does the work once and prints what it took as JSON.
"""

import importlib
import json
import sys
import time
from pathlib import Path


def resident(field: str) -> float:
    """MB of this process: "VmRSS" now, "VmHWM" at the most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    suite, case, name = sys.argv[1:]
    module = importlib.import_module(f"benchmarks.{suite}")
    # What libraries print must not mix with what is measured.
    out, sys.stdout = sys.stdout, sys.stderr
    run = module.CONTENDERS[name](module.CASES[case]())
    print("ready", file=out, flush=True)
    for _ in sys.stdin:
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        start = time.perf_counter()
        score = run()
        seconds = time.perf_counter() - start
        report = {
            "seconds": seconds,
            "score": score,
            "peak_mb": resident("VmHWM") - before,
        }
        print(json.dumps(report), file=out, flush=True)


if __name__ == "__main__":
    main()
