"""Histories of series -> the last window of each, as `HistoryEncoder` cuts it.

X is a series (steps,), several in rows, or a list of arrays (steps,) or (steps, columns). A
window has the channels of `HistoryChannel`, in its order, and then the other columns.
"""

from typing import Any

import numpy as np

from lamina.encoders.forecasting.gaps import forward_fill
from lamina.encoders.forecasting.reader import read_panel
from lamina.encoders.series.panel import PanelSchema
from lamina.encoders.series.steps import Roles, is_native
from lamina.exceptions import DataError
from lamina.onnx.samples import Reader, Samples, Sequences


class HistoryReader(Reader):
    """Series to forecast, as arrays."""

    def __init__(self, owner: str, metadata: dict[str, Any]):
        self.owner = owner
        self.schema = PanelSchema("series", n_columns=metadata["n_columns"])
        self.horizon, self.season = metadata["horizon"], metadata["season"]
        self.window = metadata["window"]
        self.mean, self.scale = (np.array(metadata[k]) for k in ("mean", "scale"))

    def read(self, X: object) -> Samples:
        if is_native(X):
            raise DataError(
                f"X is a {type(X).__name__}; an exported {self.owner} takes arrays: pass "
                f"the values of each series, in the order of their steps."
            )
        panel = read_panel(X, Roles(), self.horizon, self.schema)
        windows, level_and_scale = [], []
        for i, series in enumerate(panel):
            steps = series[np.flatnonzero(~np.isnan(series[:, 0]))[0] :]
            if len(steps) <= self.season:
                raise DataError(
                    f"{panel.name(i)} has {len(steps)} steps; a forecast with season="
                    f"{self.season} needs at least {self.season + 1}. Pass a longer history."
                )
            window, level, scale = self._window(steps)
            windows.append(window)
            level_and_scale.append((level, scale))
        more = {"level_and_scale": np.array(level_and_scale)}
        samples = Sequences("windows", windows, more)
        samples.is_single = panel.source.is_single
        return samples

    def _window(self, steps: np.ndarray) -> tuple[np.ndarray, float, float]:
        """The window (T, C) before the end of steps (n, columns), its level and scale."""
        values = forward_fill(steps[:, 0], self.season)
        observed, n = ~np.isnan(steps[:, 0]), len(steps)
        n_past = min(n, self.window)
        level, scale = self._level_and_scale(values[-n_past:], observed[-n_past:])
        lead = np.arange(-n_past, self.horizon)
        is_past = lead < 0
        at = np.minimum(n + lead, n - 1)
        before = np.where(is_past, at, n + lead % self.season) - self.season
        before = np.where(before < 0, at, before)
        others = np.nan_to_num((steps[:, 1:] - self.mean) / self.scale)
        channels = [
            (values[at] - level) / scale * is_past,
            observed[at] & is_past,
            np.maximum((lead + 1) / self.horizon, 0.0),
            (values[before] - level) / scale,
            self._profile(values, observed)[lead % self.season] / scale,
            *(others[at] * is_past[:, None]).T,
        ]
        return np.stack(channels, 1).astype(np.float32), level, scale

    def _level_and_scale(
        self, past: np.ndarray, observed: np.ndarray
    ) -> tuple[float, float]:
        """The mean of the last season, and the deviation of the observed values."""
        level = float(past[-max(self.season, 2) :].mean())
        seen = past[observed]
        if not len(seen):
            return level, abs(level) or 1.0
        deviation = seen - seen.mean()
        # Divided by the largest, so that squares do not overflow.
        peak = max(float(np.abs(deviation).max()), 1e-300)
        scale = peak * float(np.sqrt(np.mean((deviation / peak) ** 2)))
        if scale <= 1e-9 * abs(level):
            return level, abs(level) or 1.0
        return level, scale

    def _profile(self, values: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """(season,), the median deviation of each step from the mean of its season."""
        n = len(values) // self.season * self.season
        seasons = values[-n:].reshape(-1, self.season)
        differences = seasons - seasons.mean(1, keepdims=True)
        is_observed = observed[-n:].reshape(differences.shape)
        columns = zip(differences.T, is_observed.T, strict=True)
        medians = [np.median(d[seen]) if seen.any() else 0.0 for d, seen in columns]
        return np.array(medians)
