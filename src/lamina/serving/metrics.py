"""Counts and durations, in the text format of Prometheus."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SAMPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Histogram:
    """How many values are at most each bound."""

    bounds: tuple[float, ...]
    total: float = 0.0
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str, help_text: str) -> list[str]:
        """The lines of this histogram."""
        lines, n = [f"# HELP {name} {help_text}", f"# TYPE {name} histogram"], 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            n += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {n}')
        return [*lines, f"{name}_sum {self.total:.6f}", f"{name}_count {n}"]


class Metrics:
    """What the server has done since its start."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        """By path and status."""
        self.seconds = Histogram(SECONDS)
        self.batches = Histogram(SAMPLES)

    def text(self, n_waiting: int) -> str:
        """The page for Prometheus."""
        lines = [
            "# HELP lamina_requests_total Answered requests.",
            "# TYPE lamina_requests_total counter",
        ]
        for (path, status), n in sorted(self.requests.items()):
            labels = f'path="{path}",status="{status}"'
            lines.append(f"lamina_requests_total{{{labels}}} {n}")
        lines += self.seconds.lines(
            "lamina_request_seconds", "Seconds from the request to its answer."
        )
        lines += self.batches.lines(
            "lamina_batch_samples", "Samples that were predicted together."
        )
        lines += [
            "# HELP lamina_waiting_requests Requests that wait for the network.",
            "# TYPE lamina_waiting_requests gauge",
            f"lamina_waiting_requests {n_waiting}",
        ]
        return "\n".join(lines) + "\n"
