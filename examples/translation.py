"""Translation of dates in several formats to ISO 8601, with the attention weights.

The dates are generated; the test has days that are not in the training set.
"""

import os
from datetime import date, timedelta
from pathlib import Path

import matplotlib as mpl
import numpy as np

from lamina import Translator
from lamina.inspection import AttentionDisplay

mpl.use("Agg")
SECONDS = float(os.environ.get("SECONDS", "25"))
FORMATS = ["%d %B %Y", "%B %d, %Y", "%d/%m/%Y", "%a %d %b %Y"]


def dates(rng: np.random.Generator, days: np.ndarray) -> tuple[list[str], list[str]]:
    """Each day in a random format, and in ISO 8601."""
    calendar = [date(1950, 1, 1) + timedelta(int(day)) for day in days]
    X = [day.strftime(rng.choice(FORMATS)) for day in calendar]
    return X, [day.isoformat() for day in calendar]


def main() -> None:
    """Train, predict and plot."""
    rng = np.random.default_rng(0)
    days = rng.permutation(36_500)
    X, y = dates(rng, days[:4_000])
    X_test, y_test = dates(rng, days[4_000:4_400])
    network = Translator(
        unit="char", hidden_size=64, decoder_size=128, max_time=SECONDS
    )
    network.set_params(random_state=0).fit(X, y)
    predicted = network.predict(X_test)
    for text, iso in zip(X_test[:5], predicted, strict=False):
        print(f"{text:>20}  {iso}")
    accuracy = np.mean([a == b for a, b in zip(predicted, y_test, strict=True)])
    chrf = network.score(X_test, y_test)
    print(f"accuracy on unseen days: {accuracy:.3f}, chrF {chrf:.3f}")
    Path("out").mkdir(exist_ok=True)
    display = AttentionDisplay.from_estimator(network, X_test[0])
    display.figure_.savefig("out/attention.png", dpi=100)
    print("Attention for each character: out/attention.png")


if __name__ == "__main__":
    main()
