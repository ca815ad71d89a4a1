"""Series to forecast -> windows x (B, T, C), each standardised by itself.

The level of a window, the mean of its last season, is subtracted, and the result is divided
by the standard deviation of its observed values, so that forecasts are equivariant to shift
and scale of a series. A window includes the steps to forecast, with the values a season
before and the future of the known columns. `HistoryChannel` names the first channels; the
other columns follow, standardised over all series, 0 where they are missing or not known.

A missing step is filled with the value a season before, so that the level does not depend
on which days are present, and a weekly pattern is continued over a gap.
"""

from typing import Any, Self

import numpy as np
import torch

from lamina.batch import HistoryChannel, Spec
from lamina.encoders.base import Encoder
from lamina.encoders.forecasting.gaps import forward_fill
from lamina.encoders.forecasting.params import HistoryParams
from lamina.encoders.forecasting.reader import read_panel, refuse_roles
from lamina.encoders.forecasting.seasons import season_of
from lamina.encoders.forecasting.windows import Histories, Series
from lamina.encoders.moments import DOMINATED
from lamina.encoders.series.panel import Earlier, Panel, PanelSchema, schema_of
from lamina.encoders.series.steps import Roles, is_native
from lamina.exceptions import DataError
from lamina.scaling import location_and_scale

MAX_FLOAT32 = float(np.finfo(np.float32).max)
MIN_AUTO_WINDOW = 24
"""The least window of "auto"."""


class HistoryEncoder(Encoder[Panel]):
    """Series as windows: the last one of each in prediction, all of them in training."""

    params = HistoryParams
    schema: PanelSchema | None = None
    season: int
    """The period of the series in steps: the parameter, or inferred by `fit`."""
    window: int
    """Steps of a window before the horizon."""

    def __init__(self, params: HistoryParams):
        self.owner = type(params).__name__
        self.horizon = params.horizon
        self.season_param, self.window_param = params.season, params.window
        self.roles = Roles(params.id_column, params.time_column, params.value_column)
        self.known_columns = tuple(params.known_columns)

    def read(self, X: object) -> Panel:
        """The panel of X; the first call learns the schema."""
        if self.schema is None and not (isinstance(X, Panel) or is_native(X)):
            refuse_roles(self.roles, self.owner)
        panel = read_panel(X, self.roles, self.horizon, self.schema)
        if self.schema is None:
            self.schema = schema_of(panel)
            self.known = column_positions(self.known_columns, self.schema)
        return panel

    def fit(self, plain: Panel, weight: np.ndarray | None = None) -> Self:
        """Learn the season of the series, and the scales of the other columns."""
        self.n_channels = plain[0].shape[1]
        self.season = self._season(plain)
        self.window = (
            max(MIN_AUTO_WINDOW, self.horizon + self.season)
            if isinstance(self.window_param, str)
            else self.window_param
        )
        steps = None if weight is None else np.repeat(weight, [len(x) for x in plain])
        self.mean, self.scale = observed_moments(
            np.concatenate([x[:, 1:] for x in plain]), steps
        )
        self.spec = Spec(
            n_channels=len(HistoryChannel) + self.n_channels - 1,
            n_space=1,
            max_length=min(self.window, max(map(len, plain))) + self.horizon,
        )
        self._refuse_far_horizon(plain)
        return self

    def encode(self, plain: Panel) -> Histories:
        """The last window of each series; raises `DataError` naming one too short."""
        self._refuse_short(plain, self.season + 1, "a forecast")
        first = [int(np.flatnonzero(~np.isnan(x[:, 0]))[0]) for x in plain]
        arrays = [x[start:] for x, start in zip(plain, first, strict=True)]
        lengths = torch.tensor([len(x) for x in arrays])
        flat = np.concatenate(arrays)
        values = np.concatenate([forward_fill(x[:, 0], self.season) for x in arrays])
        series = Series(
            values=torch.from_numpy(values),
            observed=torch.from_numpy(~np.isnan(flat[:, 0])),
            others=torch.from_numpy(self._standardised(plain, first)),
            starts=lengths.cumsum(0) - lengths,
            lengths=lengths,
            known=torch.tensor([c - 1 for c in self.known], dtype=torch.long),
            future=self._future(plain),
            names=[plain.name(i) for i in range(len(plain))],
            first=torch.tensor(first) + _n_earlier(plain),
            profiles=_profiles(plain),
        )
        return Histories(series, self.horizon, self.season, self.window)

    def endings(self, plain: Panel) -> Panel:
        """The last steps of each series, with which its next forecast is the same."""
        samples = self.encode(plain)
        profiles = samples.profile(torch.arange(len(samples))).numpy()
        starts = [
            _first_step(x[:, 0], self.window + self.season, self.season) for x in plain
        ]
        endings = plain.with_values([x[i:] for x, i in zip(plain, starts, strict=True)])
        pairs = zip(starts, profiles, strict=True)
        endings.earlier = [Earlier(start, profile) for start, profile in pairs]
        return endings

    def _season(self, X: Panel) -> int:
        if not isinstance(self.season_param, str):
            return self.season_param
        candidates = [] if X.frequency is None else X.frequency.seasons()
        return season_of([x[:, 0] for x in X], candidates)

    def _standardised(self, X: Panel, first: list[int]) -> np.ndarray:
        """(total, columns): the other columns from the first step of each series on."""
        parts = []
        for i, start in enumerate(first):
            parts.append(self._scaled(X[i][start:, 1:], X.name(i), start))
        return np.concatenate(parts)

    def _scaled(
        self, values: np.ndarray, name: str, start: int, known: Any = slice(None)
    ) -> np.ndarray:
        """Values (T, columns) of some columns, scaled, and 0 where they are missing."""
        with np.errstate(over="ignore"):
            z = (values - self.mean[known]) / self.scale[known]
        far = np.abs(z) > MAX_FLOAT32
        if far.any():
            step, column = (int(a[0]) for a in np.nonzero(far))
            number = int(np.arange(len(self.mean))[known][column]) + 1
            raise DataError(
                f"{name} has {values[step, column]} in step {start + step} of column "
                f"{number}, so far from the values of fit that float32 does not hold it "
                f"once it is scaled; correct it, or replace it by NaN."
            )
        return np.nan_to_num(z)

    def _future(self, X: Panel) -> torch.Tensor | None:
        """(n, horizon, known): the known columns after the end of each series."""
        if X.future is None or not self.known:
            return None
        columns = [c - 1 for c in self.known]
        future = [
            self._scaled(values, f"The future of {X.name(i)}", 0, columns)
            for i, values in enumerate(X.future)
        ]
        return torch.from_numpy(np.stack(future))

    def _refuse_short(self, X: Panel, fewest: int, purpose: str) -> None:
        for i, x in enumerate(X):
            n_steps = len(x) - int(np.flatnonzero(~np.isnan(x[:, 0]))[0])
            if n_steps < fewest:
                raise DataError(
                    f"{X.name(i)} has {n_steps} steps; {purpose} with season="
                    f"{self.season} needs at least {fewest}. Pass a longer history."
                )

    def _refuse_far_horizon(self, X: Panel) -> None:
        longest = max(len(x) for x in X)
        needed = self.season + 1 + self.horizon
        if self.season + 1 < longest < needed:
            raise DataError(
                f"horizon={self.horizon} cannot be learnt from series of at most "
                f"{longest} steps; one of them needs at least {needed}, the horizon plus "
                f"a season ({self.season}) plus one. Lower horizon."
            )


def _n_earlier(X: Panel) -> torch.Tensor:
    """(n,) the steps of each series before those that are kept."""
    return torch.tensor([n - len(x) for n, x in zip(X.stops(), X, strict=True)])


def _profiles(X: Panel) -> torch.Tensor | None:
    if X.earlier is None:
        return None
    return torch.from_numpy(np.stack([e.profile for e in X.earlier]))


def _first_step(values: np.ndarray, n: int, season: int) -> int:
    """The step from which on the last n values are filled as those of the whole series."""
    missing = np.isnan(values)
    start = max(len(values) - n, 0)
    for step in start + np.flatnonzero(missing[start:]):
        phase = step % season
        observed = np.flatnonzero(~missing[phase:step:season])
        if not len(observed):  # the value of another phase fills it
            return 0
        start = min(start, int(phase + season * observed[-1]))
    return start


def column_positions(known: tuple, schema: PanelSchema) -> list[int]:
    """The positions of the known columns; raises for one that does not exist."""
    labels = schema.columns or tuple(range(schema.n_columns))
    for column in known:
        if column not in labels[1:]:
            raise DataError(
                f"known_columns has {column!r}, which is not one of the other columns "
                f"{list(labels[1:])!r}."
            )
    return [labels.index(column) for column in known]


def observed_moments(
    others: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Location and scale (C,) of the values of each column that are not missing."""
    mean, scale = np.zeros(others.shape[1]), np.ones(others.shape[1])
    for j, column in enumerate(others.T):
        observed = ~np.isnan(column)
        if observed.any():
            w = None if weight is None else weight[observed]
            mean[j], scale[j], _ = location_and_scale(column[observed], w, DOMINATED)
    return mean, scale
