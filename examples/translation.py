"""Dates as people write them, turned into ISO 8601; and where the network looks.

Learnt from dates made up here, and tested on days that it never saw.
"""

from datetime import date, timedelta
from pathlib import Path

import matplotlib as mpl
import numpy as np

from lamina import Translator
from lamina.inspection import plot_attention

mpl.use("Agg")
FORMS = ["%d %B %Y", "%B %d, %Y", "%d/%m/%Y", "%a %d %b %Y"]


def dates(rng: np.random.Generator, days: np.ndarray) -> tuple[list[str], list[str]]:
    """Each day in one of the forms, and in ISO."""
    found = [date(1950, 1, 1) + timedelta(int(day)) for day in days]
    return [d.strftime(rng.choice(FORMS)) for d in found], [
        d.isoformat() for d in found
    ]


def main() -> None:
    """Learn, test, draw."""
    rng = np.random.default_rng(0)
    days = rng.permutation(36_500)
    X, y = dates(rng, days[:4_000])
    X_test, y_test = dates(rng, days[4_000:4_400])
    network = Translator(unit="char", hidden_size=64, decoder_size=128, max_time=25)
    network.set_params(random_state=0).fit(X, y)
    found = network.predict(X_test)
    for text, iso in zip(X_test[:5], found, strict=False):
        print(f"{text:>20}  {iso}")
    right = np.mean([a == b for a, b in zip(found, y_test, strict=True)])
    print(
        f"right on unseen days: {right:.3f}, chrF {network.score(X_test, y_test):.3f}"
    )
    Path("out").mkdir(exist_ok=True)
    plot_attention(network, X_test[0]).savefig("out/attention.png", dpi=100)
    print("What each character was read from: out/attention.png")


if __name__ == "__main__":
    main()
