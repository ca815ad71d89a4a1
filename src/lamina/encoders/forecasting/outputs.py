"""Forecasts in the container of X, with its ids and the time stamps that follow.

Arrays and lists give arrays. A series of a data library gives a series, and a frame a frame
of the same library: its id, its time and the values, or a column for each quantile. An id
or time in the index of pandas is in the index of the forecasts.
"""

from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from lamina.encoders.series.panel import Panel
from lamina.encoders.series.steps import Source
from lamina.encoders.series.times import EPOCH, TimeKind, zone_of

STEP = "step"
"""Name of the column that numbers the steps of several series without time stamps."""


def to_container(
    panel: Panel, values: np.ndarray, names: list[str] | None = None
) -> Any:
    """Values (n, horizon), or (n, horizon, K) with K names, in the container of X."""
    source = panel.source
    if source.container == "arrays":
        return values[0] if source.is_single else values
    horizon = values.shape[1]
    columns: dict[Hashable, Any]
    if names is None:
        columns = {source.value: values.ravel()}
    else:
        rows = values.reshape(-1, values.shape[2])
        columns = {name: rows[:, k] for k, name in enumerate(names)}
    times = future_stamps(panel, horizon)
    ids = None
    if panel.ids is not None:
        ids = [i for i in panel.ids for _ in range(horizon)]
    if source.library.is_pandas_like():
        return _pandas(source, columns, ids, times, panel)
    keys: dict[Hashable, Any] = {} if ids is None else {source.id: ids}
    if times is not None:
        assert source.kind is not None
        keys[source.time] = _stamps_column(source.kind, times, source.library)
    elif ids is not None:
        keys[STEP] = np.tile(np.arange(1, horizon + 1), len(panel))
    if source.container == "series" and names is None:
        series = nw.new_series(
            str(source.value), values.ravel(), nw.Float64, backend=source.library
        )
        return series.to_native()
    data: dict[str, Any] = {str(k): v for k, v in {**keys, **columns}.items()}
    return nw.from_dict(data, backend=source.library).to_native()


def future_stamps(panel: Panel, horizon: int) -> np.ndarray | None:
    """(n * horizon,) stamps after the end of each series; None without time stamps."""
    if panel.first_stamps is None or panel.frequency is None:
        return None
    stamps = [
        panel.frequency.after(first, stop + np.arange(horizon))
        for first, stop in zip(panel.first_stamps, panel.stops(), strict=True)
    ]
    return np.concatenate(stamps)


def _pandas(
    source: Source,
    columns: dict[Hashable, Any],
    ids: list | None,
    times: np.ndarray | None,
    panel: Panel,
) -> Any:
    pandas = source.library.to_native_namespace()
    keys: list[tuple[Hashable, Any, bool]] = []
    if ids is not None:
        keys.append((source.id, ids, source.id_in_index))
    if times is not None:
        assert source.kind is not None
        stamps = _pandas_stamps(pandas, source.kind, times)
        keys.append((source.time, stamps, source.time_in_index))
    elif ids is not None:
        horizon = len(ids) // len(panel)
        keys.append((STEP, np.tile(np.arange(1, horizon + 1), len(panel)), False))
    frame = pandas.DataFrame({k: v for k, v, inside in keys if not inside} | columns)
    levels = [(_level_name(k), v) for k, v, inside in keys if inside]
    if len(levels) == 1:
        frame.index = pandas.Index(levels[0][1], name=levels[0][0])
    elif levels:
        frame.index = pandas.MultiIndex.from_arrays(
            [v for _, v in levels], names=[k for k, _ in levels]
        )
    if source.container == "series" and len(columns) == 1 and source.value in columns:
        series = frame[source.value]
        return series.rename(source.name)
    return frame


def _level_name(label: Hashable) -> Hashable:
    """The name of a level of the index; None if its label is its position."""
    return None if isinstance(label, int) else label


def _pandas_stamps(pandas: Any, kind: TimeKind, stamps: np.ndarray) -> Any:
    if kind.type not in ("datetime", "period"):
        return _plain_stamps(kind, stamps)
    index = pandas.DatetimeIndex(stamps.astype("datetime64[us]"))
    if kind.type == "period":
        return index.to_period(kind.style)
    if kind.style in ("ns", "ms", "s"):
        index = index.as_unit(kind.style)
    if kind.zone is None:
        return index
    return index.tz_localize("UTC").tz_convert(zone_of(kind.zone))


def _stamps_column(kind: TimeKind, stamps: np.ndarray, library: Any) -> Any:
    if kind.type != "datetime":
        return _plain_stamps(kind, stamps)
    unit: Any = kind.style if kind.style in ("ns", "ms", "us") else "us"
    values = stamps.astype("datetime64[us]").astype(f"datetime64[{unit}]")
    series = nw.new_series("time", values, nw.Datetime(unit), backend=library)
    if kind.zone is not None:
        utc = series.dt.replace_time_zone("UTC")
        series = utc.dt.convert_time_zone(kind.zone)
    return series


def _plain_stamps(kind: TimeKind, stamps: np.ndarray) -> Any:
    """Time stamps as numbers, dates or texts."""
    if kind.type == "number":
        return stamps
    moments = [EPOCH + timedelta(microseconds=int(value)) for value in stamps]
    if kind.type == "date":
        return [moment.date() for moment in moments]
    return [_text(moment, kind) for moment in moments]


def _text(moment: datetime, kind: TimeKind) -> str:
    if kind.zone is not None:
        moment = moment.replace(tzinfo=UTC).astimezone(zone_of(kind.zone))
    if kind.style == "quarter":
        return f"{moment.year}Q{(moment.month + 2) // 3}"
    forms = {"date": "%Y-%m-%d", "compact": "%Y%m%d", "month": "%Y-%m"}
    if kind.style in forms:
        return moment.strftime(forms[kind.style])
    return moment.isoformat(kind.style or "T")
