"""A process that computes one result, with limits."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from resource import RLIMIT_CPU, setrlimit


@dataclass(frozen=True)
class Limits:
    """Threads, and seconds of processor time: other work may run beside."""

    threads: int = 2
    seconds: int = 1200

    def environment(self) -> dict[str, str]:
        libraries = ("OMP", "OPENBLAS", "MKL")
        return {f"{name}_NUM_THREADS": str(self.threads) for name in libraries}


def measure(
    arguments: list[str], limits: Limits, environment: Mapping[str, str] | None = None
) -> dict | None:
    """What `python -m arguments` prints as JSON, or why it failed.

    None if it could not begin, because its data or its library is not available.
    """
    soft, hard = limits.seconds, limits.seconds + 5
    process = subprocess.run(
        [sys.executable, "-m", *arguments],
        env=os.environ | limits.environment() | (environment or {}),
        preexec_fn=partial(setrlimit, RLIMIT_CPU, (soft, hard)),
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode == 0:
        return json.loads(process.stdout)
    if process.returncode == -signal.SIGXCPU:
        return {"failed": f"no result within {soft} s of processor time"}
    if process.returncode < 0:
        return {"failed": f"ended by {signal.Signals(-process.returncode).name}"}
    print(f"not available: {process.stderr.strip().splitlines()[-1]}", flush=True)
    return None
