"""The benchmark of tables: splits, scores, and the comparison of contenders."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    r2_score,
    root_mean_squared_error,
)

pytest.importorskip("pandas")

from benchmarks import robustness
from benchmarks.tables import grid, process, report, scores, sets


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
    assert len(sets.names(["choosing"])) == len(sets.names(["final"])) == 20
    earlier = {"adult", "diamonds", "flights-late", "flights-delay", "diabetes"}
    earlier |= {"digits", "cancer", "wine", "iris"}
    assert earlier <= set(sets.names(["choosing"]))


def test_scores_of_classes_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 101), rng.dirichlet([1, 1, 1], 101)
    figures = scores.of_classes(y, p)
    assert figures["loss"] == pytest.approx(log_loss(y, p))
    assert figures["score"] == pytest.approx(accuracy_score(y, p.argmax(1)))
    sizes = [len(range(i, 101, 20)) for i in range(20)]
    for what in ("score", "loss"):
        mean = np.average(figures[f"{what}_groups"], weights=sizes)
        assert mean == pytest.approx(figures[what], rel=1e-5)


def test_scores_of_numbers_are_those_of_scikit_learn():
    y, predicted = np.random.default_rng(0).normal(size=(2, 60))
    figures = scores.of_numbers(y, predicted[:, None])
    assert figures["score"] == pytest.approx(r2_score(y, predicted))
    assert figures["loss"] == pytest.approx(root_mean_squared_error(y, predicted))
    assert np.mean(figures["score_groups"]) == pytest.approx(figures["score"], rel=1e-5)


def test_the_calibration_error_is_the_weighted_gap_of_each_bin():
    confidences = np.array([0.5, 0.51, 0.52, 0.99, 1.0])
    hits = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
    gaps = abs(1 - 1.53), abs(1 - 1.99)
    error = scores.calibration_error(hits, confidences)
    assert error == pytest.approx(sum(gaps) / 5)


def test_the_standard_error_of_a_difference_is_that_of_paired_rows():
    rng = np.random.default_rng(0)
    both = rng.normal(size=4000)
    a, b = both + 0.3 * rng.normal(size=4000), both + 0.3 * rng.normal(size=4000)
    mean, error = scores.difference([scores.group_means(a)], [scores.group_means(b)])
    assert mean == pytest.approx((a - b).mean(), abs=1e-5)
    assert error == pytest.approx((a - b).std() / np.sqrt(4000), rel=0.5)


def test_a_stored_cell_is_not_computed_again(monkeypatch, tmp_path):
    calls = []

    def measure(arguments, limits, environment):
        calls.append(arguments[1:])
        return {"failed": "as expected"}

    monkeypatch.setattr(grid, "RESULTS", tmp_path)
    monkeypatch.setattr(grid, "measure", measure)
    settings = grid.Settings("test", process.Limits(), disturbed=True)
    grid.run(["iris"], ["linear"], [0], settings)
    grid.run(["iris", "wine"], ["linear", "MLP, early stopping"], [0], settings)
    assert calls == [
        ["iris", "linear", "0", "test"],
        ["wine", "linear", "0", "test"],
        ["iris", "MLP, early stopping", "0", "test"],
        ["wine", "MLP, early stopping", "0", "test"],
    ]
    assert grid.stored("linear")["iris/0/test"]["disturbed"]


def test_a_process_is_ended_at_its_limit(tmp_path, monkeypatch):
    (tmp_path / "endless.py").write_text("while True: pass")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    figures = process.measure(["endless"], process.Limits(seconds=1))
    assert figures == {"failed": "no result within 1 s of processor time"}


def test_a_process_that_cannot_begin_has_no_result(capsys):
    assert process.measure(["no_such_module"], process.Limits()) is None
    assert "No module named no_such_module" in capsys.readouterr().out


def cells_of(*hits):
    """A cell for each seed, whose groups have these scores."""
    groups = [float(x) for x in hits]
    cell = {"score": np.mean(groups), "score_groups": groups}
    cell |= {"loss": 1 - np.mean(groups), "loss_groups": [1 - x for x in groups]}
    return {f"iris/{seed}/test": cell for seed in (0, 1)}


@pytest.fixture
def results():
    cells = {
        "good": cells_of(0.9, 0.91, 0.9, 0.91),
        "same": cells_of(0.91, 0.9, 0.91, 0.9),
        "bad": cells_of(0.5, 0.51, 0.5, 0.51),
        "failed": {f"iris/{seed}/test": {"failed": "limit"} for seed in (0, 1)},
    }
    return report.Results(cells, [0, 1], "test")


def test_ranks_begin_with_the_best_and_end_with_what_failed(results):
    assert results.complete(["iris", "wine"]) == ["iris"]
    expected = [[1.5, 1.5, 3, 4]]
    np.testing.assert_array_equal(results.ranks(["iris"], "score", -1.0), expected)
    np.testing.assert_allclose(results.ranks(["iris"], "loss", 1.0), expected)


@pytest.mark.parametrize(
    ("first", "other", "sign"),
    [
        ("good", "bad", 1),
        ("bad", "good", -1),
        ("good", "same", 0),
        ("good", "failed", 1),
        ("failed", "bad", -1),
        ("failed", "failed", 0),
    ],
)
def test_a_difference_counts_beyond_two_standard_errors(results, first, other, sign):
    compared = (
        report.compared(results, first, other, "iris", w) for w in ("score", "loss")
    )
    assert list(compared) == [sign, -sign]


@pytest.fixture
def frame():
    pandas = pytest.importorskip("pandas")
    codes = pandas.Categorical.from_codes(np.arange(1000) % 3, ["a", "b", "c"])
    columns = {"x": np.arange(1000.0), "kind": codes, "z": np.ones(1000)}
    return pandas.DataFrame(columns)


@pytest.mark.parametrize("name", robustness.CHANGES)
def test_a_change_leaves_the_rows_as_they_were(frame, name):
    before, rng = frame.copy(), np.random.default_rng(0)
    robustness.CHANGES[name](frame, rng)
    assert frame.equals(before)


def test_changes_are_what_their_names_say(frame):
    changed = {
        name: change(frame, np.random.default_rng(0))
        for name, change in robustness.CHANGES.items()
    }
    rates = changed["missing"].isna().mean()
    np.testing.assert_allclose(rates, 0.3, atol=0.05)
    assert (changed["unknown"]["kind"] == "never seen").mean() == pytest.approx(
        0.3, abs=0.05
    )
    assert changed["unknown"][["x", "z"]].equals(frame[["x", "z"]])
    assert ((changed["huge"][["x", "z"]] == 1e9).sum(axis=1) == 1).all()
    assert changed["huge"]["kind"].equals(frame["kind"])
    assert set(changed["shuffled"]) == set(frame)
    assert changed["shuffled"][list(frame)].equals(frame)
    constant = robustness.constant("kind")(frame, np.random.default_rng(0))
    assert list(constant["kind"].unique()) == ["a"]
    assert constant["kind"].dtype == frame["kind"].dtype
