"""Series of which the next steps are wanted -> windows x (B, T, C), each in its own units.

A window is shifted by its level, the mean of its last season, and divided by its scale, the
deviation of its values; so series of any size are forecast alike, and a series that is
multiplied or shifted gives a forecast that is. It goes on into the steps that are wanted,
where all that is known is what was there a season before. The channels are

0. the series; 1. whether a step was observed (a missing one holds the value before it);
2. how far ahead a step is, from 0 in the history to 1 at the horizon;
3. the series a season before; 4. how a step of the season differs from the others, the
   median of all whole seasons of the history, of which the window shows the last few;
5. and following: what came with the series, standardised over all of them.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import Encoder, InAnyOrder, weighted_moments
from lamina.encoders.panels import Panel, read_panel
from lamina.encoders.seasons import filled, season_of
from lamina.exceptions import DataError
from lamina.params import Params, Rule, at_least, none, one_of
from lamina.schema import Schema

N_OWN = 5
"""Channels that come of the series itself."""


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
        """Steps that are looked at one by one, the last ones; of those before, what is
        usual in a season is kept. "auto" is the horizon and a season, and at least 24.""",
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


class HistoryEncoder(Encoder):
    """Series as windows: the last of each in prediction, and all of them in training."""

    params = HistoryParams

    def __init__(self, params: HistoryParams):
        self.columns = params
        self.horizon: Any = params.horizon
        self.season: Any = params.season
        self.window: Any = params.window

    def read(self, X: Any) -> Panel:
        """The series of X."""
        self.schema = self.schema or Schema("series")
        panel = read_panel(X, self.columns)
        if not hasattr(self, "series"):
            self.series = panel
        return panel

    def fit(self, X: list[np.ndarray], weight: np.ndarray | None = None) -> Self:
        self.n_channels = X[0].shape[1]
        if isinstance(self.season, str):
            self.season = season_of([x[:, 0] for x in X])
        if isinstance(self.window, str):
            self.window = max(24, self.horizon + self.season)
        steps = None
        if weight is not None:
            steps = np.repeat(weight, [len(x) for x in X])
        others = np.concatenate([x[:, 1:] for x in X])
        self.mean, self.scale = weighted_moments(others, steps)
        self.spec = Spec(
            n_channels=N_OWN + self.n_channels - 1,
            n_space=1,
            max_length=self.window + self.horizon,
        )
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
        values = torch.from_numpy(np.concatenate([filled(x[:, 0]) for x in X]))
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
        self.seen_steps = self.ends.clamp(max=self.window)
        self.lengths = self.seen_steps + self.horizon

    def __len__(self) -> int:
        return len(self.ends)

    def in_training(self) -> "Histories":
        """Every window that is followed by `horizon` steps; `owners` are their series.

        Of a series that is too short for one, that which is followed by the most steps.
        """
        fewest = self.season + 1
        too_short = self.series.steps <= fewest
        if bool(too_short.any()):
            i = int(too_short.int().argmax())
            raise DataError(
                f"Series {i} has {int(self.series.steps[i])} steps; to learn from it, at "
                f"least {fewest + 1} are needed (season {self.season}). Leave it out."
            )
        counts = (self.series.steps - self.horizon - fewest + 1).clamp(min=1)
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
        series, n_seen = self.series, self.seen_steps[rows, None]
        starts = series.starts[self.places[rows], None]
        ends = starts + self.ends[rows, None]
        columns = torch.arange(self.window + self.horizon)
        ahead = columns - n_seen
        at = (ends + ahead).clamp(max=ends - 1)
        before = torch.where(ahead < 0, at, ends + ahead % self.season) - self.season
        before = torch.where(before < starts, at, before)
        values, is_past = series.values[at], ahead < 0
        level, scale = self._units(values, is_past, n_seen)
        past = is_past.double()
        channels = [
            (values - level) / scale * past,
            series.seen[at] * past,
            ((ahead + 1) / self.horizon).clamp(min=0),
            (series.values[before] - level) / scale,
            self._profile(starts, ends).gather(1, ahead % self.season) / scale,
        ]
        others = series.others[at].nan_to_num() * past[:, :, None]
        x = torch.cat([torch.stack(channels, 2), others], 2)
        x = x.masked_fill((ahead >= self.horizon)[:, :, None], 0.0).float()
        units = torch.cat([level, scale], 1)
        lengths = self.lengths[rows]
        n_left = (series.steps[self.places[rows]] - self.ends[rows])[:, None]
        target = self._future(ends, n_left, units) if self.learns else None
        return Batch(x, lengths=lengths, target=target, units=units)

    def _profile(self, starts: Tensor, ends: Tensor) -> Tensor:
        """(B, season): each step of a season less their mean, of all whole seasons."""
        counts = (ends - starts) // self.season
        nth = torch.arange(1, int(counts.max()) + 1)
        first = ends - self.season * nth
        is_whole = (first >= starts)[:, :, None]
        at = first.maximum(starts)[:, :, None] + torch.arange(self.season)
        values = self.series.values[at]
        differences = values - values.mean(2, keepdim=True)
        return middle(differences.masked_fill(~is_whole, torch.inf), counts)

    def _future(self, ends: Tensor, n_left: Tensor, units: Tensor) -> Tensor:
        """(B, horizon) what follows, in the units of each window; NaN if not observed."""
        steps = torch.arange(self.horizon)
        at = ends + torch.minimum(steps, n_left - 1)
        values = (self.series.values[at] - units[:, :1]) / units[:, 1:]
        known = self.series.seen[at] & (steps < n_left)
        return values.masked_fill(~known, torch.nan).float()

    def _units(
        self, values: Tensor, is_past: Tensor, n_seen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B, 1) the level and the scale of windows (B, W)."""
        columns = torch.arange(values.shape[1])
        last = is_past & (columns >= n_seen - max(self.season, 2))
        level = (values * last).sum(1, keepdim=True) / last.sum(1, keepdim=True)
        mean = (values * is_past).sum(1, keepdim=True) / n_seen
        power = ((values - mean) ** 2 * is_past).sum(1, keepdim=True) / n_seen
        scale = power.sqrt()
        is_flat = scale <= 1e-9 * level.abs()
        at_rest = torch.where(level == 0, 1.0, level.abs())
        return level, torch.where(is_flat, at_rest, scale)


def middle(values: Tensor, counts: Tensor) -> Tensor:
    """(B, S): medians of values (B, N, S), of which `counts` (B, 1) are finite."""
    ordered = values.sort(1).values
    below, above = (counts - 1) // 2, counts // 2
    at = torch.stack([below, above], 1).expand(-1, -1, values.shape[2])
    return ordered.gather(1, at).mean(1)
