"""Hourly load of a power grid, forecast for a day with quantiles; and a figure in out/.

The loads of ten towns are simulated, with a daily course, weekends, and autocorrelated
weather. A second column, known in advance, is 1 at weekends. The forecast is compared with
that of the previous day.
"""

import os
from pathlib import Path

import matplotlib as mpl
import numpy as np

from lamina import Forecaster

mpl.use("Agg")
SECONDS = float(os.environ.get("SECONDS", "30"))
"""Time limit of the fit, to which the schedule is scaled."""
HORIZON, DAY = 24, 24


def main() -> None:
    """Train, print and plot."""
    from matplotlib import pyplot

    towns = [town(np.random.default_rng(i)) for i in range(10)]
    histories = [x[:-HORIZON] for x in towns]
    weekends = np.stack([x[-HORIZON:, 1:] for x in towns])
    truth = np.stack([x[-HORIZON:, 0] for x in towns])
    network = Forecaster(
        horizon=HORIZON,
        known_columns=(1,),
        quantiles=(0.1, 0.9),
        lower=0.0,
        max_time=SECONDS,
        random_state=0,
    ).fit(histories)
    forecast = network.predict(future=weekends)
    bands = network.predict_quantiles(future=weekends)
    day_before = np.stack([x[-DAY:, 0] for x in histories])
    print(f"{network.n_iter_} epochs, inferred season {network.season_} hours")
    print(f"mean absolute error {np.abs(forecast - truth).mean():.2f}")
    print(f"   previous day     {np.abs(day_before - truth).mean():.2f}")
    inside = (bands[:, :, 0] <= truth) & (truth <= bands[:, :, 1])
    print(f"between the quantiles .1 and .9: {inside.mean():.2f} of the hours")
    figure, axes = pyplot.subplots(1, 2, figsize=(12, 4), layout="constrained")
    for i, ax in enumerate(axes):
        before, hours = histories[i][-72:, 0], np.arange(HORIZON)
        ax.plot(np.arange(-72, 0), before, color="0.5", label="history")
        ax.plot(hours, truth[i], color="0.5", linestyle=":", label="truth")
        ax.plot(hours, forecast[i], color="C0", label="forecast")
        ax.fill_between(hours, *bands[i].T, color="C0", alpha=0.2, label=".1 to .9")
        ax.set(title=f"town {i}", xlabel="hours from now")
    axes[0].set_ylabel("load")
    axes[0].legend(loc="lower left")
    path = Path("out") / "forecasting.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)
    print(f"Two of the towns: {path}")


def town(rng: np.random.Generator, n_days: int = 90) -> np.ndarray:
    """(hours, 2): simulated load, and 1 at weekends."""
    hours = np.arange(n_days * DAY)
    of_day = 2 * np.pi * hours / DAY
    peak = rng.uniform(0, 2)
    curve = np.sin(of_day - 2 - peak / 4) + 0.5 * np.sin(2 * of_day - peak)
    weekend = (hours // DAY) % 7 >= 5
    weather = np.zeros(len(hours))
    for i in range(1, len(hours)):
        weather[i] = 0.98 * weather[i - 1] + rng.normal(scale=0.1)
    load = 5 + curve * np.where(weekend, 0.5, 1) + weather
    load += rng.normal(scale=0.1, size=len(hours))
    return np.stack([rng.uniform(5, 20) * np.maximum(load, 0), weekend], axis=1)


if __name__ == "__main__":
    main()
