"""The tables, fixed before any result was looked at, and their splits.

The half "choosing" is for experiments; "final" is looked at once, after all choices. Tables
that this project measured earlier (Adult, diamonds, flights, diabetes, digits, cancer, wine,
iris) are in the half for choosing; the others alternate by kind and size.

Of each table a fifth is the test part, stratified by class, drawn with the seed that the
estimator gets too; Adult has an official test part. The part "validation" is a fifth of the
training part, drawn with the same seed: what is chosen is chosen there, and the test part is
never touched. Of more than 300,000 rows, 300,000 are drawn at random (flights: 327,346).

The noisy tables (`noise.py`) belong to neither half.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.model_selection import train_test_split

from benchmarks.tables import classification, noise, regression
from benchmarks.tables.sources import Rows, from_r, from_sklearn

Half = Literal["choosing", "final", "noisy"]
Part = Literal["test", "validation"]
MAX_ROWS = 300_000


@dataclass(frozen=True)
class Table:
    """A table; the first `n_train` rows are the training part if it has an official one."""

    half: Half
    read: Callable[[], Rows]
    n_train: int | None = None


def labels(package: str, name: str, target: str) -> Callable[[], Rows]:
    return from_r(package, name, target, labels=True)


CLASSIFICATION = {
    "iris": Table("choosing", from_sklearn(load_iris, labels=True)),
    "wine": Table("choosing", from_sklearn(load_wine, labels=True)),
    "parkinson": Table("choosing", labels("modeldata", "pd_speech", "class")),
    "cancer": Table("choosing", from_sklearn(load_breast_cancer, labels=True)),
    "soybean": Table("choosing", labels("mlbench", "Soybean", "Class")),
    "digits": Table("choosing", from_sklearn(load_digits, labels=True)),
    "credit": Table("choosing", labels("modeldata", "credit_data", "Status")),
    "churn": Table("choosing", labels("modeldata", "wa_churn", "churn")),
    "income": Table("choosing", labels("kernlab", "income", "INCOME")),
    "adult": Table("choosing", classification.adult, n_train=32_561),
    "flights-late": Table("choosing", classification.flights_late),
    "sonar": Table("final", labels("mlbench", "Sonar", "Class")),
    "penguins": Table("final", labels("modeldata", "penguins", "species")),
    "votes": Table("final", labels("mlbench", "HouseVotes84", "Class")),
    "pima": Table("final", labels("mlbench", "PimaIndiansDiabetes2", "diabetes")),
    "attrition": Table("final", labels("modeldata", "attrition", "Attrition")),
    "dna": Table("final", labels("mlbench", "DNA", "Class")),
    "spam": Table("final", labels("kernlab", "spam", "type")),
    "insurance": Table("final", labels("kernlab", "ticdata", "CARAVAN")),
    "letters": Table("final", labels("mlbench", "LetterRecognition", "lettr")),
    "stops": Table("final", classification.stops),
    "fertility": Table("final", labels("AER", "Fertility", "morekids")),
}
REGRESSION = {
    "ozone": Table("choosing", from_r("mlbench", "Ozone", "V4")),
    "diabetes": Table("choosing", from_sklearn(load_diabetes)),
    "cars": Table("choosing", from_r("modeldata", "car_prices", "Price")),
    "ames": Table("choosing", from_r("modeldata", "ames", "Sale_Price")),
    "visits": Table("choosing", from_r("AER", "NMES1988", "visits")),
    "vocabulary": Table("choosing", from_r("carData", "GSSvocab", "vocab")),
    "diamonds": Table("choosing", regression.diamonds),
    "lectures": Table("choosing", regression.lectures),
    "flights-delay": Table("choosing", classification.flights),
    "servo": Table("final", from_r("mlbench", "Servo", "Class")),
    "meat": Table("final", from_r("modeldata", "meats", "protein", ("water", "fat"))),
    "sacramento": Table("final", from_r("modeldata", "Sacramento", "price")),
    "concrete": Table("final", from_r("modeldata", "concrete", "compressive_strength")),
    "wages": Table("final", from_r("carData", "SLID", "wages")),
    "ridership": Table("final", regression.ridership),
    "earnings": Table("final", regression.earnings),
    "movies": Table("final", regression.movies),
    "ratings": Table("final", regression.ratings),
}
NOISY = {
    name: Table("noisy", noise.made(*sizes, **kind), n_train=sizes[0])
    for name, (*sizes, kind) in noise.MADE.items()
} | {
    "affairs": Table("noisy", noise.affairs),
    "volunteers": Table("noisy", labels("carData", "Cowles", "volunteer")),
    "mortgages": Table("noisy", labels("AER", "HMDA", "deny")),
    "smokers": Table("noisy", labels("AER", "SmokeBan", "smoker")),
}
TABLES = CLASSIFICATION | REGRESSION | NOISY


def has_classes(name: str) -> bool:
    return name not in REGRESSION


def names(halves: Collection[Half]) -> list[str]:
    """The tables of these halves."""
    return [name for name, table in TABLES.items() if table.half in halves]


def load(name: str, seed: int, part: Part = "test") -> tuple[Rows, Rows]:
    """(X, y) to fit on, and (X, y) of the test or of the validation part."""
    table = TABLES[name]
    X, y = capped(*table.read())
    if table.n_train is None:
        train, test = split_rows(name, np.arange(len(y)), y, seed)
    else:
        train, test = np.split(np.arange(len(y)), [table.n_train])
    if part == "validation":
        train, test = split_rows(name, train, y, seed)
    return tuple((X.iloc[r].reset_index(drop=True), y[r]) for r in (train, test))


def split_rows(
    name: str, rows: np.ndarray, y: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Four fifths and a fifth of the rows, stratified by class."""
    stratify = y[rows] if has_classes(name) else None
    return train_test_split(rows, test_size=0.2, random_state=seed, stratify=stratify)


def capped(X, y: np.ndarray) -> Rows:
    if len(y) <= MAX_ROWS:
        return X, y
    rows = np.random.default_rng(0).permutation(len(y))[:MAX_ROWS]
    return X.iloc[rows].reset_index(drop=True), y[rows]
