"""Series of which the next steps are wanted -> windows x (B, T, C), each in its own units.

A window is shifted by its level, the mean of its last season, and divided by its scale, the
deviation of the values that were observed; so series of any size are forecast alike, and a
series that is multiplied or shifted gives a forecast that is. The window goes on into the
steps that are wanted, where all that is known is what was there a season before and, of the
known columns, their future. `HistoryChannel` names the first channels; those that follow are
the other columns, standardised over all series, 0 where they are missing or not known.

A missing step counts as the same step of the season before: so the level is not that of the
days that happen to be there, and a weekly pattern goes on after a gap.
"""

from typing import Any, Self

import numpy as np
import torch

from lamina.batch import HistoryChannel, Spec
from lamina.encoders.base import Encoder
from lamina.encoders.forecasting.params import HistoryParams
from lamina.encoders.forecasting.reader import read_panel
from lamina.encoders.forecasting.seasons import filled, season_of
from lamina.encoders.forecasting.windows import Histories, Series
from lamina.encoders.moments import DOMINATED
from lamina.encoders.series.panel import Panel, PanelSchema, schema_of
from lamina.exceptions import DataError
from lamina.scaling import location_and_scale

FEWEST_WINDOW = 24


class HistoryEncoder(Encoder):
    """Series as windows: the last of each in prediction, and all of them in training."""

    params = HistoryParams
    schema: PanelSchema | None = None
    season: int
    """Steps after which the series resemble themselves: given, or found by `fit`."""
    window: int

    def __init__(self, params: HistoryParams):
        self.horizon = params.horizon
        self.asked_season, self.asked_window = params.season, params.window
        self.id_column, self.time_column = params.id_column, params.time_column
        self.value_column = params.value_column
        self.known_columns = tuple(params.known_columns)

    def read(self, X: Any) -> Panel:
        """The panel of what was passed; the first one says what later ones have to be."""
        panel = read_panel(X, self, self.schema)
        if self.schema is None:
            self.schema = schema_of(panel)
            self.known = known_numbers(self.known_columns, self.schema)
        return panel

    def fit(self, plain: Panel, weight: np.ndarray | None = None) -> Self:
        """Learn the season of the series, and the scales of the other columns."""
        self.n_channels = plain[0].shape[1]
        self.season = self._season(plain)
        self.window = (
            max(FEWEST_WINDOW, self.horizon + self.season)
            if isinstance(self.asked_window, str)
            else self.asked_window
        )
        steps = None if weight is None else np.repeat(weight, [len(x) for x in plain])
        self.mean, self.scale = observed_moments(
            np.concatenate([x[:, 1:] for x in plain]), steps
        )
        self.spec = Spec(
            n_channels=len(HistoryChannel) + self.n_channels - 1,
            n_space=1,
            max_length=self.window + self.horizon,
        )
        self._refuse_far_horizon(plain)
        return self

    def encode(self, plain: Panel) -> Histories:
        """The window that ends each series; raises `DataError` naming one too short."""
        self._refuse_short(plain, self.season + 1, "a forecast")
        first = [int(np.flatnonzero(~np.isnan(x[:, 0]))[0]) for x in plain]
        cut = [x[start:] for x, start in zip(plain, first, strict=True)]
        lengths = torch.tensor([len(x) for x in cut])
        flat = np.concatenate(cut)
        values = np.concatenate([filled(x[:, 0], self.season) for x in cut])
        series = Series(
            values=torch.from_numpy(values),
            seen=torch.from_numpy(~np.isnan(flat[:, 0])),
            others=torch.from_numpy(self._standardised(flat[:, 1:])),
            starts=lengths.cumsum(0) - lengths,
            steps=lengths,
            known=torch.tensor([c - 1 for c in self.known], dtype=torch.long),
            future=self._future(plain),
            names=[plain.name(i) for i in range(len(plain))],
        )
        return Histories(series, self.horizon, self.season, self.window)

    def _season(self, X: Panel) -> int:
        if not isinstance(self.asked_season, str):
            return self.asked_season
        likely = [] if X.frequency is None else X.frequency.seasons()
        return season_of([x[:, 0] for x in X], likely)

    def _standardised(self, others: np.ndarray) -> np.ndarray:
        return np.nan_to_num((others - self.mean) / self.scale)

    def _future(self, X: Panel) -> torch.Tensor | None:
        """(n, horizon, known) of the known columns after the end of each series."""
        if X.future is None or not self.known:
            return None
        columns = [c - 1 for c in self.known]
        future = (np.stack(X.future) - self.mean[columns]) / self.scale[columns]
        return torch.from_numpy(np.nan_to_num(future))

    def _refuse_short(self, X: Panel, fewest: int, purpose: str) -> None:
        for i, x in enumerate(X):
            n_steps = len(x) - int(np.flatnonzero(~np.isnan(x[:, 0]))[0])
            if n_steps < fewest:
                raise DataError(
                    f"{X.name(i)} has {n_steps} steps; {purpose} with season="
                    f"{self.season} needs at least {fewest}."
                )

    def _refuse_far_horizon(self, X: Panel) -> None:
        longest = max(len(x) for x in X)
        needed = self.season + 1 + self.horizon
        if self.season + 1 < longest < needed:
            raise DataError(
                f"horizon={self.horizon} cannot be learnt from series of at most "
                f"{longest} steps; at least {needed} are needed in one of them, the "
                f"horizon and a season ({self.season}) and one. Lower horizon."
            )


def known_numbers(known: tuple, schema: PanelSchema) -> list[int]:
    """The numbers of the columns whose future is known; raises where one is none."""
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
    """Location and scale of each column, of what is not missing."""
    mean, scale = np.zeros(others.shape[1]), np.ones(others.shape[1])
    for j, column in enumerate(others.T):
        seen = ~np.isnan(column)
        if seen.any():
            w = None if weight is None else weight[seen]
            mean[j], scale[j], _ = location_and_scale(column[seen], w, DOMINATED)
    return mean, scale
