"""Windows of series to forecast, cut and standardised for each batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.encoders.base import IndependentSamples
from lamina.exceptions import DataError

MIN_OBSERVED = 2
"""Observed steps that a window must have to be learnt from."""


@dataclass(frozen=True)
class Series:
    """Series, concatenated, each from its first observed step."""

    values: Tensor
    """(total,) values to forecast; a missing one is filled by that a season before."""
    observed: Tensor
    """(total,) whether a value was observed."""
    others: Tensor
    """(total, columns) the other columns, standardised."""
    starts: Tensor
    """(n,) first step of each series."""
    lengths: Tensor
    """(n,) steps of each series."""
    known: Tensor
    """Indices, among the other columns, of those whose future is known."""
    future: Tensor | None
    """(n, horizon, known) values of the known columns after the end of each series."""
    names: list[str]
    """The names of the series in messages."""
    first: Tensor
    """(n,) first observed step of each series, from which on it is here."""
    profiles: Tensor | None = None
    """(n, season) `Histories.profile` at the ends of series of which only these are known."""

    def place(self, i: int, step: int) -> str:
        """A value of series i and its place, for messages."""
        value = float(self.values[int(self.starts[i]) + step])
        return f"{self.names[i]} has {value:g} in step {int(self.first[i]) + step}"


class Histories(IndependentSamples):
    """Windows, each the history before one step of a series; by default before its end."""

    def __init__(self, series: Series, horizon: int, season: int, window: int):
        self.series, self.horizon, self.season = series, horizon, season
        self.window = window
        self.has_targets = False
        self._place(torch.arange(len(series.lengths)), series.lengths)

    def _place(self, series_index: Tensor, ends: Tensor) -> None:
        """Set the series of each window, and the step before which it ends."""
        self.series_index, self.ends = series_index, ends
        self.n_past = ends.clamp(max=self.window)
        self.lengths = self.n_past + self.horizon

    def __len__(self) -> int:
        return len(self.ends)

    def in_training(self) -> "Histories":
        """All windows that `horizon` steps follow; `sample_index` is their series.

        Of a series too short for that, the window that the most steps follow. Windows
        with fewer than `MIN_OBSERVED` observed steps are left out.
        """
        fewest = self.season + 1
        self._refuse_shorter(fewest + 1, "to learn from it", "Leave it out.")
        counts = (self.series.lengths - self.horizon - fewest + 1).clamp(min=1)
        windows = Histories(self.series, self.horizon, self.season, self.window)
        series_index = self.series_index.repeat_interleave(counts)
        first = counts.cumsum(0) - counts
        ends = torch.arange(int(counts.sum())) - first[series_index] + fewest
        selected = self._are_observed(series_index, ends)
        windows._place(series_index[selected], ends[selected])
        windows.sample_index = windows.series_index
        windows.has_targets = True
        return windows

    def in_validation(self) -> "Histories":
        """The window before the last `horizon` steps of each series."""
        fewest = self.horizon + self.season + 1
        self._refuse_shorter(
            fewest, "to be scored", "These are the horizon plus a season plus one."
        )
        windows = Histories(self.series, self.horizon, self.season, self.window)
        windows._place(self.series_index, self.ends - self.horizon)
        return windows

    def take(self, rows: Tensor) -> Batch:
        series, n_past = self.series, self.n_past[rows, None]
        starts = series.starts[self.series_index[rows], None]
        ends = starts + self.ends[rows, None]
        n_steps = int(n_past.max()) + self.horizon
        lead = torch.arange(n_steps) - n_past  # (B, T), 0: first step
        at = (ends + lead).clamp(max=ends - 1)
        before = torch.where(lead < 0, at, ends + lead % self.season) - self.season
        before = torch.where(before < starts, at, before)
        values, is_past = series.values[at], lead < 0
        observed = series.observed[at] & is_past
        level, scale = self._level_and_scale(values, observed, is_past, n_past)
        past = is_past.double()
        profile = self.profile(rows)
        baseline = profile.gather(1, lead % self.season) / scale
        channels = [  # in the order of HistoryChannel
            (values - level) / scale * past,
            observed.double(),
            ((lead + 1) / self.horizon).clamp(min=0),
            (series.values[before] - level) / scale,
            baseline,
        ]
        others = series.others[at] * past[:, :, None]
        if len(series.known):
            self._fill_known(others, rows, lead)
        x = torch.cat([torch.stack(channels, 2), others], 2)
        x = x.masked_fill((lead >= self.horizon)[:, :, None], 0.0).float()
        level_and_scale = torch.cat([level, scale], 1)
        target = (
            self._targets(rows, ends, level_and_scale) if self.has_targets else None
        )
        for scaled in (x,) if target is None else (x, target):
            self._refuse_infinite(scaled.flatten(1).isinf().any(1), rows, level)
        return Batch(
            x,
            lengths=self.lengths[rows],
            target=target,
            level_and_scale=level_and_scale,
        )

    def _refuse_infinite(self, infinite: Tensor, rows: Tensor, level: Tensor) -> None:
        """Raise for the first window that float32 does not hold in its own scale."""
        if not bool(infinite.any()):
            return
        at = int(infinite.int().argmax())
        i = int(self.series_index[rows[at]])
        start, length = int(self.series.starts[i]), int(self.series.lengths[i])
        values = self.series.values[start : start + length]
        step = int((values - level[at]).abs().argmax())
        raise DataError(
            f"{self.series.place(i, step)}, so far from the steps before that float32 does "
            f"not hold it in their scale; correct it, or replace it by NaN."
        )

    def _are_observed(self, series_index: Tensor, ends: Tensor) -> Tensor:
        """Whether `MIN_OBSERVED` steps of each window and one that follows are observed."""
        counts = torch.cat([torch.zeros(1), self.series.observed.cumsum(0)]).long()
        starts = self.series.starts[series_index]
        lengths = self.series.lengths[series_index]
        first = starts + (ends - self.window).clamp(min=0)
        last = starts + torch.minimum(ends + self.horizon, lengths)
        history = counts[starts + ends] - counts[first]
        future = counts[last] - counts[starts + ends]
        selected = (history >= MIN_OBSERVED) & (future > 0)
        if not bool(selected.any()):
            raise DataError(
                "No window of the series has two observed steps that are followed by one; "
                "pass series with fewer missing steps."
            )
        return selected

    def _refuse_shorter(self, fewest: int, purpose: str, remedy: str) -> None:
        too_short = self.series.lengths < fewest
        if bool(too_short.any()):
            i = int(too_short.int().argmax())
            n_steps = int(self.series.lengths[i])
            raise DataError(
                f"{self.series.names[i]} has {n_steps} steps; {purpose}, at least {fewest} "
                f"are needed (season {self.season}). {remedy}"
            )

    def _fill_known(self, others: Tensor, rows: Tensor, lead: Tensor) -> None:
        """Write the future of the known columns into others (B, T, columns)."""
        series, index = self.series, self.series_index[rows, None]
        at = self.ends[rows, None] + lead
        is_inside = at < series.lengths[index]
        inside = series.others[series.starts[index] + torch.where(is_inside, at, 0)]
        future = torch.where(is_inside[:, :, None], inside[:, :, series.known], 0.0)
        if series.future is not None:
            beyond = (at - series.lengths[index]).clamp(0, self.horizon - 1)
            after = series.future[index, beyond]
            future = torch.where(is_inside[:, :, None], future, after)
        others[:, :, series.known] = future

    def profile(self, rows: Tensor) -> Tensor:
        """(B, season): median deviation of each step from the mean of its season."""
        if self.series.profiles is not None:
            return self.series.profiles[self.series_index[rows]]
        starts = self.series.starts[self.series_index[rows], None]
        ends = starts + self.ends[rows, None]
        counts = (ends - starts) // self.season
        nth = torch.arange(1, int(counts.max()) + 1)
        first = ends - self.season * nth
        is_whole = (first >= starts)[:, :, None]
        at = first.maximum(starts)[:, :, None] + torch.arange(self.season)
        values = self.series.values[at]
        differences = values - values.mean(2, keepdim=True)
        return masked_median(differences, is_whole & self.series.observed[at])

    def _targets(self, rows: Tensor, ends: Tensor, level_and_scale: Tensor) -> Tensor:
        """(B, horizon) the standardised values that follow; NaN if not observed."""
        lengths = self.series.lengths[self.series_index[rows]]
        n_remaining = (lengths - self.ends[rows])[:, None]
        steps = torch.arange(self.horizon)
        at = ends + torch.minimum(steps, n_remaining - 1)
        values = (self.series.values[at] - level_and_scale[:, :1]) / level_and_scale[
            :, 1:
        ]
        observed = self.series.observed[at] & (steps < n_remaining)
        return values.masked_fill(~observed, torch.nan).float()

    def _level_and_scale(
        self, values: Tensor, observed: Tensor, is_past: Tensor, n_past: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B, 1) and (B, 1): the level and the scale of windows (B, T)."""
        columns = torch.arange(values.shape[1])
        last = is_past & (columns >= n_past - max(self.season, 2))
        level = (values * last).sum(1, keepdim=True) / last.sum(1, keepdim=True)
        count = observed.sum(1, keepdim=True).clamp(min=1)
        mean = (values * observed).sum(1, keepdim=True) / count
        deviation = (values - mean) * observed
        # Divided by the largest, so that squares do not overflow.
        peak = deviation.abs().amax(1, keepdim=True).clamp(min=1e-300)
        scale = peak * ((deviation / peak) ** 2).sum(1, keepdim=True).div(count).sqrt()
        is_constant = scale <= 1e-9 * level.abs()
        scale_of_constant = torch.where(level == 0, 1.0, level.abs())
        return level, torch.where(is_constant, scale_of_constant, scale)


def masked_median(values: Tensor, mask: Tensor) -> Tensor:
    """(B, S): medians over N of the values (B, N, S) in the mask; 0 where there is none."""
    ordered = values.masked_fill(~mask, torch.inf).sort(1).values
    counts = mask.sum(1)
    at = torch.stack([(counts - 1).clamp(min=0) // 2, counts // 2], 1)
    at = at.clamp(max=values.shape[1] - 1)
    return ordered.gather(1, at).mean(1).masked_fill(counts == 0, 0.0)
