"""Ten noisy tables of 100 to 10,000 rows: six are made with a seed, four are real.

The made ones have flipped labels, few informative columns or rare classes, and 10,000 further
rows as the test part. The real ones say little about their target.
"""

from collections.abc import Callable

import pandas as pd
from sklearn.datasets import make_classification

from benchmarks.tables.sources import Rows, r_frame, table

N_TEST = 10_000


def made(n_train: int, n_columns: int, n_informative: int, **kind) -> Callable:
    """Reads n_train training rows, then the test rows."""

    def read() -> Rows:
        X, y = make_classification(
            n_train + N_TEST,
            n_columns,
            n_informative=n_informative,
            n_redundant=0,
            random_state=0,
            **kind,
        )
        return pd.DataFrame(X, columns=[f"x{i}" for i in range(n_columns)]), y

    return read


def affairs() -> Rows:
    """Whether a marriage has affairs (Fair 1978)."""
    frame = r_frame("AER", "Affairs")
    frame["affairs"] = frame["affairs"] > 0
    return table(frame, "affairs", (), labels=True)


MADE = {
    "100 rows, 2 of 20 columns": (100, 20, 2, {"flip_y": 0.2}),
    "300 rows, 3 of 10 columns": (300, 10, 3, {"flip_y": 0.6}),
    "200 rows, 5 of 300 columns": (200, 300, 5, {"flip_y": 0.1}),
    "2,000 rows, 4 % positive": (2000, 20, 4, {"flip_y": 0.02, "weights": [0.96]}),
    "3,000 rows, half noise": (3000, 20, 5, {"flip_y": 0.5}),
    "10,000 rows, 6 classes": (10_000, 30, 6, {"flip_y": 0.4, "n_classes": 6}),
}
"""Training rows, columns, informative ones, and other arguments of make_classification."""
