"""The benchmark of tables: splits, scores, and the comparison of contenders."""

import numpy as np
import pytest

pytest.importorskip("pandas")

from benchmarks.tables import sets


@pytest.fixture
def rows(monkeypatch):
    """A table whose only column is the index of its row; classes of 3 to 1."""
    pandas = pytest.importorskip("pandas")
    y = np.arange(400) % 4 // 3
    X = pandas.DataFrame({"row": np.arange(400.0)})
    monkeypatch.setitem(sets.TABLES, "iris", sets.Table("choosing", lambda: (X, y)))
    return y


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_validation_part_has_no_test_row(rows, seed):
    (X, y), (X_test, y_test) = sets.load("iris", seed)
    (X_fit, _), (X_validation, y_validation) = sets.load("iris", seed, "validation")
    assert sorted([*X["row"], *X_test["row"]]) == list(range(400))
    assert sorted([*X_fit["row"], *X_validation["row"]]) == sorted(X["row"])
    assert (len(X_test), len(X_validation)) == (80, 64)
    assert y_test.mean() == y_validation.mean() == rows.mean()
    np.testing.assert_array_equal(y, rows[X["row"].astype(int)])


def test_a_seed_gives_the_same_split_and_another_a_different_one(rows):
    first, again, other = (sets.load("iris", seed)[1][0] for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


def test_official_test_rows_stay_test_rows(rows, monkeypatch):
    table = sets.Table("choosing", sets.TABLES["iris"].read, n_train=300)
    monkeypatch.setitem(sets.TABLES, "iris", table)
    _, (X_test, _) = sets.load("iris", 0)
    (X_fit, _), (X_validation, _) = sets.load("iris", 0, "validation")
    assert list(X_test["row"]) == list(range(300, 400))
    assert sorted([*X_fit["row"], *X_validation["row"]]) == list(range(300))


def test_halves_are_balanced_and_what_was_measured_earlier_is_for_choosing():
    assert len(sets.names("choosing")) == len(sets.names("final")) == 20
    earlier = {"adult", "diamonds", "flights-late", "flights-delay", "diabetes"}
    earlier |= {"digits", "cancer", "wine", "iris"}
    assert earlier <= set(sets.names("choosing"))
