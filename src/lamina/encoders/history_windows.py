"""Windows of series that are forecast: cut, shifted and scaled when a batch needs them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.encoders.base import InAnyOrder
from lamina.exceptions import DataError

FEWEST_OBSERVED = 2
"""Observed steps of a window without which nothing is learnt from it."""


@dataclass(frozen=True)
class Series:
    """Series end to end, each from the first step on that was observed."""

    values: Tensor
    """(total,) Missing ones hold the value of the season before."""
    seen: Tensor
    """(total,) Whether they were observed."""
    others: Tensor
    """(total, columns) What came with them, standardised."""
    starts: Tensor
    steps: Tensor
    known: Tensor
    """The numbers of the other columns whose future is known."""
    future: Tensor | None
    """(n, horizon, known) What they are after the end of each series."""
    names: list[str]


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
        """Every window that is followed by `horizon` steps; `sample_index` are their series.

        Of a series that is too short for one, that which is followed by the most steps.
        Windows in which hardly a step was observed are left out.
        """
        fewest = self.season + 1
        self._refuse_shorter(fewest + 1, "to learn from it", "Leave it out.")
        counts = (self.series.steps - self.horizon - fewest + 1).clamp(min=1)
        windows = Histories(self.series, self.horizon, self.season, self.window)
        places = self.places.repeat_interleave(counts)
        first = counts.cumsum(0) - counts
        ends = torch.arange(int(counts.sum())) - first[places] + fewest
        chosen = self._are_observed(places, ends)
        windows.places, windows.ends = places[chosen], ends[chosen]
        windows.sample_index = windows.places
        windows.learns = True
        windows._measure()
        return windows

    def in_validation(self) -> "Histories":
        """The window before the last `horizon` steps of each series."""
        fewest = self.horizon + self.season + 1
        self._refuse_shorter(
            fewest, "to be scored", "That is the horizon and a season and one."
        )
        before = Histories(self.series, self.horizon, self.season, self.window)
        before.ends = self.ends - self.horizon
        before._measure()
        return before

    def take(self, rows: Tensor) -> Batch:
        series, n_seen = self.series, self.seen_steps[rows, None]
        starts = series.starts[self.places[rows], None]
        ends = starts + self.ends[rows, None]
        lead = torch.arange(self.window + self.horizon) - n_seen
        at = (ends + lead).clamp(max=ends - 1)
        before = torch.where(lead < 0, at, ends + lead % self.season) - self.season
        before = torch.where(before < starts, at, before)
        values, is_past = series.values[at], lead < 0
        level, scale = self._units(values, series.seen[at], is_past, n_seen)
        past = is_past.double()
        baseline = self._profile(starts, ends).gather(1, lead % self.season) / scale
        channels = [  # in the order of HistoryChannel
            (values - level) / scale * past,
            series.seen[at] * past,
            ((lead + 1) / self.horizon).clamp(min=0),
            (series.values[before] - level) / scale,
            baseline,
        ]
        others = series.others[at] * past[:, :, None]
        if len(series.known):
            self._put_known(others, rows, lead)
        x = torch.cat([torch.stack(channels, 2), others], 2)
        x = x.masked_fill((lead >= self.horizon)[:, :, None], 0.0).float()
        units = torch.cat([level, scale], 1)
        target = self._targets(rows, ends, units) if self.learns else None
        return Batch(x, lengths=self.lengths[rows], target=target, units=units)

    def _are_observed(self, places: Tensor, ends: Tensor) -> Tensor:
        """Whether enough of each window was observed, and something of what follows."""
        counts = torch.cat([torch.zeros(1), self.series.seen.cumsum(0)]).long()
        starts, steps = self.series.starts[places], self.series.steps[places]
        first = starts + (ends - self.window).clamp(min=0)
        last = starts + torch.minimum(ends + self.horizon, steps)
        history = counts[starts + ends] - counts[first]
        future = counts[last] - counts[starts + ends]
        chosen = (history >= FEWEST_OBSERVED) & (future > 0)
        if not bool(chosen.any()):
            raise DataError(
                "No window of the series has two observed steps that are followed by one; "
                "pass series with fewer missing steps."
            )
        return chosen

    def _refuse_shorter(self, fewest: int, purpose: str, remedy: str) -> None:
        too_short = self.series.steps < fewest
        if bool(too_short.any()):
            i = int(too_short.int().argmax())
            raise DataError(
                f"{self.series.names[i]} has {int(self.series.steps[i])} steps; {purpose}, "
                f"at least {fewest} are needed (season {self.season}). {remedy}"
            )

    def _put_known(self, others: Tensor, rows: Tensor, lead: Tensor) -> None:
        """Write the future of the known columns into others (B, T, columns)."""
        series, places = self.series, self.places[rows, None]
        at = self.ends[rows, None] + lead
        is_inside = at < series.steps[places]
        inside = series.others[series.starts[places] + torch.where(is_inside, at, 0)]
        future = torch.where(is_inside[:, :, None], inside[:, :, series.known], 0.0)
        if series.future is not None:
            beyond = (at - series.steps[places]).clamp(0, self.horizon - 1)
            after = series.future[places, beyond]
            future = torch.where(is_inside[:, :, None], future, after)
        others[:, :, series.known] = future

    def _profile(self, starts: Tensor, ends: Tensor) -> Tensor:
        """(B, season): each step of a season less their mean, of all whole seasons."""
        counts = (ends - starts) // self.season
        nth = torch.arange(1, int(counts.max()) + 1)
        first = ends - self.season * nth
        is_whole = (first >= starts)[:, :, None]
        at = first.maximum(starts)[:, :, None] + torch.arange(self.season)
        values = self.series.values[at]
        differences = values - values.mean(2, keepdim=True)
        return masked_median(differences, is_whole & self.series.seen[at])

    def _targets(self, rows: Tensor, ends: Tensor, units: Tensor) -> Tensor:
        """(B, horizon) what follows, in the units of each window; NaN if not observed."""
        n_left = (self.series.steps[self.places[rows]] - self.ends[rows])[:, None]
        steps = torch.arange(self.horizon)
        at = ends + torch.minimum(steps, n_left - 1)
        values = (self.series.values[at] - units[:, :1]) / units[:, 1:]
        known = self.series.seen[at] & (steps < n_left)
        return values.masked_fill(~known, torch.nan).float()

    def _units(
        self, values: Tensor, seen: Tensor, is_past: Tensor, n_seen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B, 1) the level and the scale of windows (B, T)."""
        columns = torch.arange(values.shape[1])
        last = is_past & (columns >= n_seen - max(self.season, 2))
        level = (values * last).sum(1, keepdim=True) / last.sum(1, keepdim=True)
        observed = is_past & seen
        count = observed.sum(1, keepdim=True).clamp(min=1)
        mean = (values * observed).sum(1, keepdim=True) / count
        away = (values - mean) * observed
        # Divided by the largest, the squares of huge values stay finite.
        peak = away.abs().amax(1, keepdim=True).clamp(min=1e-300)
        scale = peak * ((away / peak) ** 2).sum(1, keepdim=True).div(count).sqrt()
        is_flat = scale <= 1e-9 * level.abs()
        at_rest = torch.where(level == 0, 1.0, level.abs())
        return level, torch.where(is_flat, at_rest, scale)


def masked_median(values: Tensor, mask: Tensor) -> Tensor:
    """(B, S): medians of values (B, N, S) where the mask is set; 0 where it nowhere is."""
    ordered = values.masked_fill(~mask, torch.inf).sort(1).values
    counts = mask.sum(1)
    at = torch.stack([(counts - 1).clamp(min=0) // 2, counts // 2], 1)
    at = at.clamp(max=values.shape[1] - 1)
    return ordered.gather(1, at).mean(1).masked_fill(counts == 0, 0.0)
