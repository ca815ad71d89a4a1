"""Scores with confidence intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from lamina.reporting.blocks import Paragraph, Table

HIGHER, LOWER = "higher is better", "lower is better"
MIN_VALID = 0.5
"""The fraction of the resamples in which a score must be defined for an interval."""


@dataclass(frozen=True)
class Score:
    """A score of the test samples, with its interval where there is one."""

    name: str
    value: float
    interval: tuple[float, float] | None
    method: str
    """How the interval was computed: "Wilson", "bootstrap" or "none"."""
    reading: str = HIGHER


@dataclass(frozen=True)
class Intervals:
    """How intervals are computed, for n samples that are independent of one another."""

    n: int
    level: float
    n_resamples: int
    seed: int

    def of_fraction(self, name: str, n_right: int, n: int) -> Score:
        """Wilson's interval (1927) of a fraction of n independent trials."""
        bounds = binomtest(n_right, n).proportion_ci(self.level, method="wilson")
        return Score(name, n_right / n, (bounds.low, bounds.high), "Wilson")

    def of_rows(
        self,
        name: str,
        statistic: Callable[[np.ndarray], float],
        reading: str = HIGHER,
    ) -> Score:
        """The percentile interval of a function of row numbers, by the bootstrap."""
        every = np.arange(self.n)
        value, bounds = float(statistic(every)), None
        if self.n > 1:
            generator = np.random.default_rng(self.seed)
            draws = generator.integers(self.n, size=(self.n_resamples, self.n))
            values = np.array([statistic(rows) for rows in draws])
            values = values[np.isfinite(values)]
            if len(values) > MIN_VALID * self.n_resamples:
                tails = [(1 - self.level) / 2, (1 + self.level) / 2]
                low, high = np.quantile(values, tails)
                bounds = float(low), float(high)
        return Score(name, value, bounds, "bootstrap" if bounds else "none", reading)

    def of_sums(
        self,
        name: str,
        sums: np.ndarray,
        statistic: Callable[[np.ndarray], float],
        reading: str = HIGHER,
    ) -> Score:
        """As `of_rows`, of a function of the sum of counts (n, K) over the samples."""
        return self.of_rows(name, lambda rows: statistic(sums[rows].sum(0)), reading)

    def of_mean(self, name: str, values: np.ndarray, reading: str = HIGHER) -> Score:
        """As `of_rows`, of the mean of values (n,)."""
        return self.of_rows(name, lambda rows: float(values[rows].mean()), reading)

    def note(self, unit: str) -> Paragraph:
        """How to read the intervals."""
        return Paragraph(
            f"Intervals cover {self.level:.0%}. Wilson: of a fraction of independent "
            f"trials. Bootstrap: percentiles over {self.n_resamples} resamples of the "
            f"{unit}. They describe the uncertainty of the test, not of another fit."
        )


def table_of(scores: list[Score]) -> Table:
    """The scores, one in each row."""
    rows = [
        [
            score.name,
            score.value,
            *(score.interval or (None, None)),
            score.method,
            score.reading,
        ]
        for score in scores
    ]
    header = ["Score", "Value", "From", "To", "Interval", "Reading"]
    return Table("Scores on the test samples", header, [list(row) for row in rows])
