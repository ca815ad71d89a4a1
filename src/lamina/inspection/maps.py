"""Maps of contributions: over the steps of a series, an image, a spectrogram."""

from typing import TYPE_CHECKING

import numpy as np

from lamina.inspection.attribution import Attribution, Spectrogram
from lamina.inspection.axes import new_axes
from lamina.inspection.canvas import (
    DIVERGING,
    add_key,
    diverging_norm,
    draw_pale,
    mark_whole_numbers,
    overlay,
)
from lamina.nn.spectrogram import HOP

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SATURATED = 99.5
"""The percentile of absolute values from which on colours are the strongest, so that a few
pixels do not make all others pale."""
N_TICKS = 6
LANE = 0.8
"""The part of the height of a lane that its line takes."""


def draw_series(
    attribution: Attribution, row: int, n_most: int, ax: "Axes | None"
) -> "Axes":
    """The channels of a series as lines, over the contributions of their steps."""
    assert attribution.samples is not None and attribution.feature_names is not None
    series, values = attribution.samples[row], attribution.values[row]
    order = np.sort(np.argsort(-np.abs(values).sum(0), kind="stable")[:n_most])
    norm, n_lanes = diverging_norm(values[:, order]), len(order)
    ax = new_axes(ax, (7.5, 2.4 + 0.4 * n_lanes))
    steps = np.arange(len(series))
    bottom, top = (n_lanes, 0) if n_lanes > 1 else _limits(series[:, order[0]])
    extent = (-0.5, len(series) - 0.5, bottom, top)
    ax.imshow(
        values[:, order].T,
        cmap=DIVERGING,
        norm=norm,
        extent=extent,
        aspect="auto",
        interpolation="nearest",
    )
    for lane, channel in enumerate(order):
        line = series[:, channel]
        if n_lanes > 1:
            low, high = _limits(line)
            line = lane + 1 - (line - low) / (high - low)
        ax.plot(steps, line, color="0.1", linewidth=1.2, marker=_marker(len(steps)))
    names = [str(name) for name in attribution.feature_names[order]]
    if n_lanes > 1:
        ax.set_yticks(np.arange(n_lanes) + 0.5, names)
        ax.hlines(range(1, n_lanes), *extent[:2], color="0.6", linewidth=0.6)
    if n_lanes < values.shape[1]:
        ax.set_ylabel(f"{n_lanes} of {values.shape[1]} channels")
    elif n_lanes == 1:
        ax.set_ylabel(names[0])
    ax.set_xlabel("step")
    mark_whole_numbers(ax.xaxis)
    add_key(ax, norm, _label(attribution))
    return ax


def draw_image(
    attribution: Attribution, row: int, n_most: int, ax: "Axes | None"
) -> "Axes":
    """The contributions of the pixels over the image in grey."""
    del n_most
    assert attribution.samples is not None
    values = _of_pixels(attribution.values[row])
    norm = diverging_norm(values, SATURATED)
    ax = _image_axes(values, ax)
    draw_pale(ax, _of_pixels(attribution.samples[row].astype(float)), "gray")
    overlay(ax, values, norm)
    add_key(ax, norm, _label(attribution))
    return ax


def draw_mean_image(attribution: Attribution, ax: "Axes | None") -> "Axes":
    """The importances of the pixels."""
    from matplotlib.colors import Normalize

    values = attribution.importances
    values = values.sum(2) if values.ndim == 3 else values
    norm = Normalize(0, float(values.max()) or 1.0)
    ax = _image_axes(values, ax)
    ax.imshow(values, cmap="Blues", norm=norm)
    label = f"mean absolute contribution to the {attribution.output_name}"
    add_key(ax, norm, label, "Blues")
    return ax


def draw_spectrogram(
    attribution: Attribution, row: int, n_most: int, ax: "Axes | None"
) -> "Axes":
    """The contributions of frames and mel bands over the spectrogram in grey."""
    del n_most
    assert attribution.samples is not None
    sample: Spectrogram = attribution.samples[row]
    values = attribution.values[row].T
    norm = diverging_norm(values, SATURATED)
    ax = new_axes(ax, (7.5, 3.6))
    n_bands, n_frames = values.shape
    place = {
        "extent": (0.0, n_frames * HOP, -0.5, n_bands - 0.5),
        "origin": "lower",
        "aspect": "auto",
    }
    draw_pale(ax, sample.levels.T, "gray_r", **place)
    overlay(ax, values, norm, **place)
    ticks = np.linspace(0, n_bands - 1, min(N_TICKS, n_bands)).round().astype(int)
    ax.set_yticks(ticks, [f"{sample.frequencies[i]:.0f}" for i in ticks])
    ax.set_xlabel("seconds")
    ax.set_ylabel("Hz")
    add_key(ax, norm, _label(attribution))
    return ax


def _image_axes(values: np.ndarray, ax: "Axes | None") -> "Axes":
    height, width = values.shape
    ax = new_axes(ax, (5.4, min(max(4.2 * height / width, 2.8), 8.0)))
    ax.set_xlabel("pixel")
    ax.set_ylabel("pixel")
    mark_whole_numbers(ax.xaxis, ax.yaxis)
    return ax


def _of_pixels(values: np.ndarray) -> np.ndarray:
    """(H, W), the sums over the channels of (H, W) or (H, W, C)."""
    return values.sum(2) if values.ndim == 3 else values


def _limits(line: np.ndarray) -> tuple[float, float]:
    """The lower and the upper end of the lane of a line, which may have missing values."""
    is_known = np.isfinite(line)
    low, high = (
        (line[is_known].min(), line[is_known].max()) if is_known.any() else (0, 1)
    )
    margin = ((high - low) or 1.0) * (1 - LANE) / 2 / LANE
    return float(low - margin), float(high + margin)


def _marker(n_steps: int) -> str | None:
    """A dot at each step, where these are few."""
    return "." if n_steps <= 60 else None


def _label(attribution: Attribution) -> str:
    return f"contribution to the {attribution.output_name}"
