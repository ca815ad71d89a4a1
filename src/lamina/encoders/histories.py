"""Series of which the next steps are wanted -> windows x (B, T, C), each in its own units.

A window is shifted by its level, the mean of its last season, and divided by its scale,
the mean change from one season to the next; so series of any size are forecast alike, and
a series that is multiplied or shifted gives a forecast that is. Channel 0 is the series,
channel 1 says whether a step was observed (a missing one holds the value before it), and
the others are what came with it, standardised over all series.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import InAnyOrder, weighted_moments
from lamina.encoders.panels import read_panel
from lamina.exceptions import DataError
from lamina.params import Params, Rule, at_least, none, one_of

LIKE = 0.2
"""Correlation of a lag with the series from which on it counts as a season."""
LONGEST_SEASON = 60


def column_name() -> Rule:
    """The name of a column."""
    return Rule("str", lambda v: isinstance(v, str))


class HistoryParams(Params):
    """What the series are, and how much of them is looked at."""

    horizon: Annotated[int, at_least(1), "Steps that are forecast."] = 12
    season: Annotated[
        int | str,
        at_least(1),
        one_of("auto"),
        """Steps after which the series resemble themselves, 1 if they do not; "auto"
        takes the lag from 2 to 60 at which the changes of the series are most alike, if
        they are.""",
    ] = "auto"
    window: Annotated[
        int | str,
        at_least(2),
        one_of("auto"),
        """Steps that a forecast is made from, at most; "auto" is the horizon and three
        seasons, and at least 24.""",
    ] = "auto"
    id_column: Annotated[
        str | None,
        column_name(),
        none(),
        "Of a frame with a row for each step: which series a row belongs to.",
    ] = None
    time_column: Annotated[
        str | None,
        column_name(),
        none(),
        "Of a frame: the order of the rows of a series; None takes them as they come.",
    ] = None
    value_column: Annotated[
        str | None,
        column_name(),
        none(),
        "Of a frame: what is forecast; None if only one column is left.",
    ] = None


class HistoryEncoder:
    """Series as windows: the last of each in prediction, and all of them in training."""

    params = HistoryParams
    n_features = None
    read = staticmethod(read_panel)

    def __init__(self, params: HistoryParams):
        self.horizon: Any = params.horizon
        self.season: Any = params.season
        self.window: Any = params.window

    def fit(self, X: list[np.ndarray], weight: np.ndarray | None = None) -> Self:
        self.n_channels = X[0].shape[1]
        if isinstance(self.season, str):
            self.season = season_of([x[:, 0] for x in X])
        if isinstance(self.window, str):
            self.window = max(24, self.horizon + 3 * self.season)
        steps = None
        if weight is not None:
            steps = np.repeat(weight, [len(x) for x in X])
        others = np.concatenate([x[:, 1:] for x in X])
        self.mean, self.scale = weighted_moments(others, steps)
        channels = self.n_channels + 1
        self.spec = Spec(n_channels=channels, n_space=1, max_length=self.window)
        return self

    def encode(self, X: list[np.ndarray]) -> "Histories":
        fewest = self.season + 1
        for i, x in enumerate(X):
            if x.shape[1] != self.n_channels:
                raise DataError(
                    f"Series {i} has {x.shape[1]} columns; this network was fitted on "
                    f"{self.n_channels}."
                )
            if len(x) < fewest:
                raise DataError(
                    f"Series {i} has {len(x)} steps; a forecast with season="
                    f"{self.season} needs at least {fewest}."
                )
        lengths = torch.tensor([len(x) for x in X])
        flat = torch.from_numpy(np.concatenate(X))
        seen = ~flat[:, 0].isnan()
        values = torch.from_numpy(np.concatenate([_filled(x[:, 0]) for x in X]))
        others = (flat[:, 1:] - torch.from_numpy(self.mean)) / torch.from_numpy(
            self.scale
        )
        series = Series(values, seen, others, lengths.cumsum(0) - lengths, lengths)
        return Histories(series, self.horizon, self.season, self.window)


@dataclass(frozen=True)
class Series:
    """Series end to end: values and whether they were seen (total,), and what came too."""

    values: Tensor
    seen: Tensor
    others: Tensor
    starts: Tensor
    steps: Tensor


class Histories(InAnyOrder):
    """The window that ends each series, or ends before the steps that are to be learnt."""

    decodes = False

    def __init__(self, series: Series, horizon: int, season: int, window: int):
        self.series, self.horizon, self.season = series, horizon, season
        self.window = window
        self.ends = series.steps
        self.places = torch.arange(len(self.ends))
        self.learns = False
        self._measure()

    def _measure(self) -> None:
        self.lengths = self.ends.clamp(max=self.window)

    def __len__(self) -> int:
        return len(self.ends)

    def in_training(self) -> "Histories":
        """Every window that is followed by `horizon` steps; `owners` are their series."""
        fewest = self.season + 1
        counts = self.series.steps - self.horizon - fewest + 1
        if bool((counts < 1).any()):
            i = int((counts < 1).int().argmax())
            raise DataError(
                f"Series {i} has {int(self.series.steps[i])} steps; to learn from it, at "
                f"least {fewest + self.horizon} are needed (horizon {self.horizon} and "
                f"season {self.season}). Leave it out."
            )
        windows = Histories(self.series, self.horizon, self.season, self.window)
        windows.owners = windows.places = self.places.repeat_interleave(counts)
        first = counts.cumsum(0) - counts
        windows.ends = torch.arange(int(counts.sum())) - first[windows.owners] + fewest
        windows.learns = True
        windows._measure()
        return windows

    def in_validation(self) -> "Histories":
        """The window before the last `horizon` steps of each series."""
        before = Histories(self.series, self.horizon, self.season, self.window)
        before.ends = self.ends - self.horizon
        before._measure()
        return before

    def take(self, rows: Tensor) -> Batch:
        series, lengths = self.series, self.lengths[rows]
        ends = series.starts[self.places[rows]] + self.ends[rows]
        columns = torch.arange(self.window)
        at = (ends - lengths)[:, None] + columns
        real = columns < lengths[:, None]
        at = torch.where(real, at, ends[:, None] - 1)
        values = series.values[at]
        level, scale = self._units(values, real, lengths)
        ahead = torch.arange(self.horizon)
        naive = series.values[(ends - self.season)[:, None] + ahead % self.season]
        channels = [(values - level) / scale, series.seen[at].double()]
        x = torch.cat([torch.stack(channels, 2), series.others[at].nan_to_num()], 2)
        x = x.masked_fill(~real[:, :, None], 0.0).float()
        target = None
        if self.learns:
            future = ends[:, None] + ahead
            known = (series.values[future] - level) / scale
            target = known.masked_fill(~series.seen[future], torch.nan).float()
        units = torch.cat([level, scale, (naive - level) / scale], 1)
        return Batch(x, lengths=lengths, target=target, units=units)

    def _units(
        self, values: Tensor, real: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B, 1) the level and the scale of windows (B, W)."""
        columns = torch.arange(values.shape[1])
        last = real & (columns >= (lengths - max(self.season, 2))[:, None])
        level = (values * last).sum(1) / last.sum(1)
        change = (values[:, self.season :] - values[:, : -self.season]).abs()
        both = real[:, self.season :]
        scale = (change * both).sum(1) / both.sum(1).clamp(min=1)
        is_flat = scale <= 1e-9 * level.abs()
        scale = torch.where(is_flat, torch.where(level == 0, 1.0, level.abs()), scale)
        return level[:, None], scale[:, None]


def season_of(series: list[np.ndarray]) -> int:
    """The lag at which the changes of the series are most alike; 1 if at none they are."""
    alike = np.zeros(LONGEST_SEASON + 1)
    weights = np.zeros(LONGEST_SEASON + 1)
    for values in series:
        change = np.diff(_filled(values))
        change = change - change.mean()
        power = change @ change
        for lag in range(2, min(LONGEST_SEASON, len(change) // 3) + 1):
            if power > 0:
                alike[lag] += change[lag:] @ change[:-lag] / power
            weights[lag] += 1
    # A lag that few of the series are long enough for says little of the others.
    common = weights >= 0.5 * max(weights.max(), 1)
    alike = np.where(common, alike / np.maximum(weights, 1), -1.0)
    best = int(alike.argmax())
    return best if alike[best] >= LIKE else 1


def _filled(values: np.ndarray) -> np.ndarray:
    """Each missing value is the one before it, and those at the beginning the first."""
    seen = ~np.isnan(values)
    before = np.maximum.accumulate(np.where(seen, np.arange(len(values)), -1))
    return values[np.where(before < 0, int(seen.argmax()), before)]
