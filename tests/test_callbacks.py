"""Callbacks: what they see of a fit, and what TensorBoard, MLflow and Optuna then have."""

import copy
import os
import pickle
import pty
import re
import subprocess
import sys
import warnings
from types import SimpleNamespace

import mlflow
import numpy as np
import optuna
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import lamina
from lamina import DNNClassifier, RNNClassifier
from lamina.callbacks import (
    Checkpoint,
    LiveCurve,
    MLflow,
    OptunaPruning,
    Progress,
    TensorBoard,
)
from lamina.callbacks.curve import chart
from lamina.exceptions import (
    CheckpointWarning,
    InterruptedWarning,
    MissingExtraError,
    ParameterError,
)
from lamina.nn.model import Model
from lamina.testing.fitting import RaiseInEpoch

X, Y = make_classification(120, 5, random_state=0)
VALIDATION = {"X_val": X[80:], "y_val": Y[80:]}
TINY = {"hidden_layer_sizes": 4, "n_members": 1, "random_state": 0}


def network(**params):
    return DNNClassifier(**{**TINY, "max_iter": 3, **params})


class Recorder:
    """What a callback of scikit-learn's protocol gets, without a copy of the network."""

    def __init__(self):
        self.begun, self.finished = [], []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context):
        self.finished.append((context.task_name, getattr(context, "progress", None)))

    def progress(self):
        return [progress for name, progress in self.finished if name == "epoch"]


class RaiseAtEnd(Recorder):
    """Raises an error at the end of an epoch, or of the fit."""

    def __init__(self, task_name, n=1):
        super().__init__()
        self.task_name, self.n = task_name, n

    def on_fit_task_end(self, estimator, context):
        super().on_fit_task_end(estimator, context)
        if [name for name, _ in self.finished].count(self.task_name) == self.n:
            raise OSError("no space left on device")


# What callbacks see ---------------------------------------------------------------------


def test_a_callback_sees_losses_and_scores_without_a_copy_of_the_network():
    seen = Recorder()
    fitted = network().set_callbacks(seen).fit(X[:80], Y[:80], **VALIDATION)
    last = seen.progress()[-1]
    assert [epoch.loss for epoch in last.epochs] == fitted.loss_curve_
    assert [epoch.score for epoch in last.epochs] == fitted.validation_scores_
    assert [len(p.epochs) for p in seen.progress()] == [1, 2, 3]
    assert [p.seconds_left > 0 for p in seen.progress()] == [True, True, False]
    assert (last.task_name, last.n_before, last.n_epochs) == ("fit", 0, 3)


def test_the_time_left_keeps_a_limit_of_time():
    seen = Recorder()
    network(max_iter=100_000, max_time=0.5).set_callbacks(seen).fit(X, Y)
    for progress in seen.progress():
        assert 0 <= progress.seconds_left <= max(0.5 - progress.seconds, 0) + 0.1


def test_a_fit_that_chooses_its_epochs_shows_each_search_and_the_fit_after_it():
    seen, monitor = Recorder(), ScoringMonitor(scoring="accuracy")
    chosen = DNNClassifier(**TINY, n_iter_no_change=2)
    chosen.set_callbacks(seen, monitor, ProgressBar()).fit(X, Y)
    tasks = [task for task in seen.begun if task[0] != "epoch"]
    assert tasks == [
        ("fit", 0),
        ("search", 0),
        ("search", 1),
        ("search", 2),
        ("refit", 3),
    ]
    refits = [p for p in seen.progress() if p.task_name == "refit"]
    assert [epoch.loss for epoch in refits[-1].epochs] == chosen.loss_curve_
    assert len(refits) == chosen.n_iter_ <= refits[0].n_epochs
    searched = [p for p in seen.progress() if p.task_name == "search"]
    assert all(epoch.score is not None for p in searched for epoch in p.epochs)
    # Networks of the search are not kept, so that no monitor scores them.
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == chosen.n_iter_
    plain = DNNClassifier(**TINY, n_iter_no_change=2).fit(X, Y)
    np.testing.assert_array_equal(plain.predict_proba(X), chosen.predict_proba(X))


def test_epochs_are_counted_on_where_training_is_continued():
    seen = Recorder()
    continued = network().set_callbacks(seen)
    for _ in range(3):
        continued.partial_fit(X, Y, classes=[0, 1])
    assert [(p.n_before, len(p.epochs)) for p in seen.progress()] == [
        (0, 1),
        (1, 1),
        (2, 1),
    ]
    seen = Recorder()
    continued.set_params(warm_start=True).set_callbacks(seen).fit(X, Y)
    assert [(p.n_before, len(p.epochs)) for p in seen.progress()] == [
        (3, 1),
        (3, 2),
        (3, 3),
    ]


def test_a_resumed_fit_shows_the_epochs_before(tmp_path):
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "1 epoch"}
    with pytest.raises(OSError):
        network(**saving).set_callbacks(RaiseAtEnd("epoch", 3)).fit(X, Y)
    seen = Recorder()
    resumed = network(**saving).set_callbacks(seen).fit(X, Y)
    (progress,) = seen.progress()
    assert [epoch.loss for epoch in progress.epochs] == resumed.loss_curve_


# Failures and copies --------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [network, lambda: RNNClassifier(hidden_size=3, max_iter=3)]
)
def test_a_callback_that_fails_leaves_the_estimator_as_it_was(make):
    data = X[:, :, None] if isinstance(make(), RNNClassifier) else X
    new = make().set_callbacks(RaiseAtEnd("epoch", 2))
    with pytest.raises(OSError):
        new.fit(data, Y)
    assert not hasattr(new, "network_")
    fitted = make().set_params(warm_start=True, random_state=0).fit(data, Y)
    before, expected = dict(vars(fitted)), fitted.predict_proba(data)
    with pytest.raises(OSError):
        fitted.set_callbacks(RaiseAtEnd("epoch", 2)).fit(data, Y)
    fitted.set_callbacks()
    assert vars(fitted) == before
    np.testing.assert_array_equal(fitted.predict_proba(data), expected)


def test_a_callback_that_fails_after_the_fit_leaves_a_fitted_estimator():
    fitted = network().set_callbacks(RaiseAtEnd("fit"))
    with pytest.raises(OSError):
        fitted.fit(X, Y)
    np.testing.assert_array_equal(
        fitted.predict_proba(X), network().fit(X, Y).predict_proba(X)
    )


@pytest.mark.parametrize(
    "make",
    [
        LiveCurve,
        Progress,
        MLflow,
        lambda: TensorBoard("runs"),
        lambda: Checkpoint("a.lamina", every_n_epochs=2),
        lambda: OptunaPruning(optuna.trial.FixedTrial({})),
    ],
)
def test_callbacks_are_cloned_copied_and_pickled(make):
    callback = make()
    watched = network().set_callbacks(callback)
    assert clone(watched)._skl_callbacks == [callback]
    for copied in (copy.deepcopy(watched), pickle.loads(pickle.dumps(watched))):
        (other,) = copied._skl_callbacks
        assert type(other) is type(callback) and other is not callback
        assert vars(other).keys() == vars(callback).keys()


@pytest.mark.parametrize("callback", [Progress(), MLflow(), TensorBoard("runs")])
def test_a_meta_estimator_is_refused_by_name(callback):
    search = GridSearchCV(network(), {"alpha": [0.0]}, cv=2)
    name = type(callback).__name__
    with pytest.raises(
        ParameterError, match=rf"{name} .* GridSearchCV has none; set it on"
    ):
        search.set_callbacks(callback).fit(X, Y)


@pytest.mark.parametrize(
    ("module", "make", "package"),
    [
        ("torch.utils.tensorboard", lambda: TensorBoard("runs"), "lamina.tensorboard"),
        ("mlflow", MLflow, "lamina.mlflow"),
        (
            "optuna",
            lambda: OptunaPruning(optuna.trial.FixedTrial({})),
            "lamina.optuna",
        ),
    ],
)
def test_a_tool_that_is_missing_is_named(module, make, package, monkeypatch):
    watched = network().set_callbacks(make())
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install '{package}"):
        watched.fit(X, Y)
    assert not hasattr(watched, "network_")


# Lines, terminals and notebooks ---------------------------------------------------------


@pytest.mark.parametrize("callback", [Progress, LiveCurve])
def test_what_is_no_terminal_gets_a_line_for_each_epoch(callback, capsys):
    network().set_callbacks(callback()).fit(X[:80], Y[:80], **VALIDATION)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert re.fullmatch(
        r"epoch 2 of 3, loss [\d.]+, validation score [\d.]+, [\d.]+ s, "
        r"at most [\d.]+ s left",
        lines[1],
    )


def test_the_lines_name_the_search_and_the_fit_within_others(capsys):
    DNNClassifier(**TINY, n_iter_no_change=1).set_callbacks(Progress()).fit(X, Y)
    text = capsys.readouterr().out
    for start in ("search 1 of 3: ", "search 3 of 3: ", "fit on all samples: "):
        assert f"\n{start}epoch 1 of" in f"\n{text}"
    watched = network(max_iter=1).set_callbacks(Progress())
    GridSearchCV(watched, {"alpha": [0.0, 0.1]}, cv=2).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len({line.partition(":")[0] for line in lines}) == 5
    assert all(line.startswith("DNNClassifier 0-") for line in lines)
    make_pipeline(StandardScaler(), watched).fit(X, Y)
    assert capsys.readouterr().out.startswith("DNNClassifier 0-1: epoch 1 of 1")


SCRIPT = """
import numpy as np
from lamina import DNNClassifier
from lamina.callbacks import {name}
X = np.random.default_rng(0).normal(size=(60, 3))
y = (X[:, 0] > 0).astype(int)
network = DNNClassifier(hidden_layer_sizes=4, max_iter=4, random_state=0)
network.set_callbacks({name}()).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
print("the end")
"""


def in_terminal(code, **environment):
    """What a program writes to a terminal of 80 columns."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "40", **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=slave, stderr=slave, env=env
    )
    os.close(slave)
    written = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        written += part
    os.close(master)
    assert process.wait() == 0, written.decode()
    return written.decode()


def screen_after(written):
    """The lines that a terminal shows after this, by the few codes that rich uses."""
    lines, row = [""], 0
    for token in re.findall(r"\x1b\[[\d;?]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", written):
        if token == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif token == "\r":
            pass
        elif not token.startswith("\x1b"):
            lines[row] += token
        elif token.endswith("A"):
            row -= int(token[2:-1] or 1)
        elif token == "\x1b[2K":
            lines[row] = ""
        else:
            assert token[-1] in "mhl", token
    return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n_lines"), [("Progress", 1), ("LiveCurve", 15)])
def test_a_terminal_is_overwritten_and_never_cleared(name, n_lines):
    written = in_terminal(SCRIPT.format(name=name))
    assert "\x1b[2J" not in written and "\x1b[H" not in written
    lines = screen_after(written)
    assert lines[-1] == "the end"
    assert "epoch 4 of 4, loss" in lines[-2]
    assert "epoch 3 of 4" not in "\n".join(lines)
    assert len(lines) == n_lines + 1


@pytest.mark.slow
def test_a_terminal_without_the_characters_of_bars_gets_lines():
    written = in_terminal(SCRIPT.format(name="LiveCurve"), PYTHONIOENCODING="ascii")
    assert "\x1b" not in written
    assert written.count("epoch ") == 4


class Handle(list):
    """The output of a cell: all that it showed."""

    update = list.append


@pytest.mark.parametrize("callback", [Progress, LiveCurve])
def test_a_notebook_has_one_output_that_is_replaced(callback, monkeypatch):
    handles = []

    def display(content, display_id):
        handles.append(Handle([content]))
        return handles[-1]

    shell = SimpleNamespace(kernel=object())
    shown = SimpleNamespace(display=display, Image=bytes, Pretty=str)
    ipython = SimpleNamespace(get_ipython=lambda: shell, display=shown)
    ipython.version_info = (9, 0)  # matplotlib reads it
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    network().set_callbacks(callback()).fit(X[:80], Y[:80], **VALIDATION)
    (handle,) = handles
    assert len(handle) == 3
    if callback is LiveCurve:
        assert all(content.startswith(b"\x89PNG") for content in handle)
        assert len(set(handle)) == 3
    else:
        assert "epoch 3 of 3" in handle[-1]


def test_a_chart_has_a_bar_for_each_value():
    assert chart([0.0, 1.0], width=10, height=1) == ["▁█"]
    assert chart([5.0] * 3, width=10, height=2) == ["   ", "▁▁▁"]
    assert chart([float("nan"), 2.0, float("inf"), 1.0], 9, 1) == [" █ ▁"]
    rows = chart(range(1000), width=50, height=4)
    assert [len(row) for row in rows] == [50] * 4
    assert rows[0][-1] == "█" and rows[-1][0] == "▁"
    assert chart([float("nan")], 5, 2) == [" ", " "]


# TensorBoard ----------------------------------------------------------------------------


def scalars(folder):
    """The values of an event file by tag, each with its step."""
    events = EventAccumulator(str(folder)).Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def numbered(values, first=1):
    return [(i, pytest.approx(v)) for i, v in enumerate(values, first)]


def test_tensorboard_reads_the_losses_and_scores(tmp_path):
    fitted = network().set_callbacks(TensorBoard(tmp_path))
    fitted.fit(X[:80], Y[:80], **VALIDATION)
    assert scalars(tmp_path / "DNNClassifier-1") == {
        "loss": numbered(fitted.loss_curve_),
        "validation_score": numbered(fitted.validation_scores_),
    }
    fitted.fit(X, Y)
    assert scalars(tmp_path / "DNNClassifier-2") == {
        "loss": numbered(fitted.loss_curve_)
    }


def test_tensorboard_continues_the_run_of_a_network_that_is_trained_further(tmp_path):
    fitted = network().set_callbacks(TensorBoard(tmp_path))
    for _ in range(3):
        fitted.partial_fit(X, Y, classes=[0, 1])
    fitted.set_params(warm_start=True).fit(X, Y)
    (folder,) = tmp_path.iterdir()
    assert scalars(folder) == {"loss": numbered(fitted.loss_curve_)}


def test_tensorboard_has_all_epochs_of_a_resumed_fit(tmp_path):
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "1 epoch"}
    with pytest.raises(OSError):
        network(**saving).set_callbacks(RaiseAtEnd("epoch", 3)).fit(X, Y)
    resumed = network(**saving).set_callbacks(TensorBoard(tmp_path / "runs")).fit(X, Y)
    (folder,) = (tmp_path / "runs").iterdir()
    assert scalars(folder) == {"loss": numbered(resumed.loss_curve_)}


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_tensorboard_has_a_run_for_each_fit_of_a_search(tmp_path, n_jobs):
    watched = network(max_iter=2).set_callbacks(TensorBoard(tmp_path))
    search = GridSearchCV(watched, {"alpha": [0.0, 0.1]}, cv=2, n_jobs=n_jobs).fit(X, Y)
    runs = [scalars(folder) for folder in tmp_path.iterdir()]
    assert len(runs) == 5 and all(len(run["loss"]) == 2 for run in runs)
    assert {"loss": numbered(search.best_estimator_.loss_curve_)} in runs


def test_tensorboard_separates_the_searches_from_the_fit(tmp_path):
    fitted = DNNClassifier(**TINY, n_iter_no_change=2).set_callbacks(
        TensorBoard(tmp_path)
    )
    fitted.fit(X, Y)
    run = scalars(tmp_path / "DNNClassifier-1")
    assert run.pop("loss") == numbered(fitted.loss_curve_)
    searches = [
        f"search_{i}/{name}" for i in (1, 2, 3) for name in ("loss", "validation_score")
    ]
    assert sorted(run) == searches


# MLflow ---------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    """An empty database, and a folder for artifacts."""
    before = mlflow.get_tracking_uri()
    with warnings.catch_warnings():
        # SQLAlchemy, of the way in which MLflow calls it.
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy")
        mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
        mlflow.create_experiment("here", (tmp_path / "artifacts").as_uri())
        mlflow.set_experiment("here")
        yield mlflow.MlflowClient()
        while mlflow.active_run():
            mlflow.end_run()
    mlflow.set_tracking_uri(before)


def runs_of(store):
    experiment = store.get_experiment_by_name("here")
    return store.search_runs([experiment.experiment_id], order_by=["start_time"])


def history_of(store, run, name):
    history = store.get_metric_history(run.info.run_id, name)
    return sorted((metric.step, metric.value) for metric in history)


def test_mlflow_has_parameters_losses_and_the_estimator(store, tmp_path):
    fitted = network().set_callbacks(MLflow(run_name="first"))
    fitted.fit(X[:80], Y[:80], **VALIDATION)
    assert mlflow.active_run() is None
    (run,) = runs_of(store)
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    params = fitted.get_params(deep=False)
    assert run.data.params == {name: repr(value) for name, value in params.items()}
    assert history_of(store, run, "loss") == numbered(fitted.loss_curve_)
    scores = history_of(store, run, "validation_score")
    assert scores == numbered(fitted.validation_scores_)
    path = store.download_artifacts(run.info.run_id, "model.lamina", tmp_path)
    loaded = lamina.load(path)
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert fitted._skl_callbacks and not hasattr(loaded, "_skl_callbacks")


def test_mlflow_runs_are_within_the_active_run(store):
    with mlflow.start_run() as parent:
        watched = network(max_iter=1).set_callbacks(MLflow(log_model=False))
        GridSearchCV(watched, {"alpha": [0.0, 0.1]}, cv=2).fit(X, Y)
        assert mlflow.active_run().info.run_id == parent.info.run_id
    parents = [run.data.tags.get("mlflow.parentRunId") for run in runs_of(store)]
    assert parents.count(parent.info.run_id) == 5


def test_mlflow_continues_the_run_of_a_network_that_is_trained_further(store):
    fitted = network().set_callbacks(MLflow(log_model=False))
    for _ in range(3):
        fitted.partial_fit(X, Y, classes=[0, 1])
    (run,) = runs_of(store)
    assert run.info.status == "FINISHED"
    assert history_of(store, run, "loss") == numbered(fitted.loss_curve_)


def test_a_fit_that_fails_is_a_failed_run(store):
    failing = network().set_callbacks(MLflow(), RaiseAtEnd("epoch", 2))
    with pytest.raises(OSError):
        failing.fit(X, Y)
    interrupted = network().set_callbacks(MLflow(), RaiseInEpoch(KeyboardInterrupt, 2))
    with pytest.warns(InterruptedWarning), pytest.raises(KeyboardInterrupt):
        interrupted.fit(X, Y)
    assert interrupted.n_iter_ == 1
    assert mlflow.active_run() is None
    assert [run.info.status for run in runs_of(store)] == ["FAILED"] * 2


# Optuna ---------------------------------------------------------------------------------


def study_of(pruner, **settings):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    settings = {"direction": "maximize", **settings}
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(sampler=sampler, pruner=pruner, **settings)


def test_optuna_prunes_a_fit_that_learns_nothing():
    fits = []

    def objective(trial):
        rate = trial.suggest_categorical("learning_rate_init", [1e-2, 1e-9])
        fitted = network(max_iter=20, learning_rate_init=rate)
        fits.append(fitted.set_callbacks(OptunaPruning(trial)))
        return fitted.fit(X[:80], Y[:80], **VALIDATION).best_validation_score_

    study = study_of(optuna.pruners.ThresholdPruner(lower=0.7, n_warmup_steps=10))
    for rate in (1e-2, 1e-9):
        study.enqueue_trial({"learning_rate_init": rate})
    study.optimize(objective, n_trials=2)
    good, bad = study.trials
    assert good.state.name == "COMPLETE" and bad.state.name == "PRUNED"
    scores = fits[0].validation_scores_
    assert good.intermediate_values == {i: s for i, s in enumerate(scores, 1)}
    assert len(bad.intermediate_values) < 20
    assert not hasattr(fits[1], "network_")


def test_optuna_gets_the_scores_of_the_first_split_where_fit_chooses_the_epochs():
    seen = Recorder()

    def objective(trial):
        chosen = DNNClassifier(**TINY, n_iter_no_change=2)
        chosen.set_callbacks(OptunaPruning(trial), seen).fit(X, Y)
        return chosen.best_validation_score_

    study = study_of(optuna.pruners.NopPruner())
    study.optimize(objective, n_trials=1)
    n_first = next(i for i, (name, _) in enumerate(seen.finished) if name == "search")
    scores = [epoch.score for epoch in seen.finished[n_first - 1][1].epochs]
    (frozen,) = study.trials
    assert list(frozen.intermediate_values.values()) == scores


def test_optuna_is_told_before_the_first_epoch_that_there_are_no_scores():
    seen = Recorder()

    def objective(trial):
        watched = network(max_iter=2).set_callbacks(OptunaPruning(trial), seen)
        with pytest.raises(ParameterError, match="early_stopping=True"):
            watched.fit(X, Y)
        assert not any(name == "epoch" for name, _ in seen.begun)
        assert not hasattr(watched, "network_")
        watched.set_params(early_stopping=True).fit(X, Y)
        return watched.best_validation_score_

    study = study_of(optuna.pruners.NopPruner())
    study.optimize(objective, n_trials=1)
    assert study.trials[0].state.name == "COMPLETE"


@pytest.mark.parametrize(
    ("direction", "message"),
    [
        ("maximize", "DNNClassifier has none; pass X_val"),
        ("minimize", r'create_study\(direction="maximize"\)'),
    ],
)
def test_optuna_without_scores_or_to_minimise_is_refused(direction, message):
    def objective(trial):
        return network().set_callbacks(OptunaPruning(trial)).fit(X, Y).score(X, Y)

    with pytest.raises(ParameterError, match=message):
        study_of(None, direction=direction).optimize(objective, n_trials=1)


# Checkpoint -----------------------------------------------------------------------------


def test_each_epoch_is_saved_as_the_fit_that_ends_there(tmp_path):
    saving = Checkpoint(tmp_path / "{epoch}.lamina", best_only=False, every_n_epochs=2)
    schedule = {"schedule": "constant", "max_iter": 5}
    network(**schedule).set_callbacks(saving).fit(X, Y)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.lamina", "4.lamina"]
    loaded = lamina.load(tmp_path / "4.lamina")
    shorter = network(**schedule).set_params(max_iter=4).fit(X, Y)
    assert loaded.loss_curve_ == shorter.loss_curve_
    np.testing.assert_array_equal(loaded.predict_proba(X), shorter.predict_proba(X))
    loaded.partial_fit(X, Y)
    assert loaded.n_iter_ == 5


def test_the_network_is_copied_only_for_what_is_written(tmp_path, monkeypatch):
    copied = []

    def counted(self, memo):
        copied.append(self)
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        vars(other).update(copy.deepcopy(vars(self), memo))
        return other

    monkeypatch.setattr(Model, "__deepcopy__", counted, raising=False)
    saving = Checkpoint(tmp_path / "{epoch}.lamina", best_only=False, every_n_epochs=3)
    network(max_iter=7).set_callbacks(saving).fit(X, Y)
    assert len(list(tmp_path.iterdir())) == len(copied) == 2
    copied.clear()
    chosen = DNNClassifier(**TINY, n_iter_no_change=2)
    chosen.set_callbacks(Checkpoint(tmp_path / "{epoch}")).fit(X, Y)
    assert len(copied) <= chosen.n_iter_


OVERFITTING = {
    "max_iter": 9,
    "learning_rate_init": 0.03,
    "schedule": "constant",
    "scoring": "loss",
}


def test_the_best_epoch_is_saved(tmp_path):
    path = tmp_path / "best.lamina"
    fitted = network(**OVERFITTING)
    fitted.set_callbacks(Checkpoint(path)).fit(X[:80], Y[:80], **VALIDATION)
    best = int(np.argmax(fitted.validation_scores_)) + 1
    assert best < fitted.n_iter_
    loaded = lamina.load(path)
    assert loaded.n_iter_ == best
    assert loaded.validation_scores_[-1] == fitted.best_validation_score_


def test_a_checkpoint_of_a_fit_that_chooses_its_epochs_is_of_all_samples(tmp_path):
    path = tmp_path / "best.lamina"
    chosen = DNNClassifier(**TINY, n_iter_no_change=2)
    chosen.set_callbacks(Checkpoint(path)).fit(X, Y)
    loaded = lamina.load(path)
    assert loaded.loss_curve_ == chosen.loss_curve_[: loaded.n_iter_]
    assert loaded.loss_curve_[-1] == min(chosen.loss_curve_)


def test_the_best_epoch_is_kept_where_a_fit_is_resumed(tmp_path):
    path, saving = tmp_path / "best.lamina", {"checkpoint": str(tmp_path / "fit")}
    params, given = OVERFITTING, {"X": X[:80], "y": Y[:80], **VALIDATION}
    whole = network(**params).set_callbacks(Checkpoint(path)).fit(**given)
    expected = lamina.load(path)
    path.unlink()
    saving["checkpoint_every"] = "1 epoch"
    with pytest.raises(OSError):
        failing = network(**params, **saving)
        failing.set_callbacks(Checkpoint(path), RaiseAtEnd("epoch", 9)).fit(**given)
    network(**params, **saving).set_callbacks(Checkpoint(path)).fit(**given)
    loaded = lamina.load(path)
    assert loaded.n_iter_ == expected.n_iter_ < whole.n_iter_
    np.testing.assert_array_equal(loaded.predict_proba(X), expected.predict_proba(X))


def test_the_fits_of_a_search_have_a_file_each(tmp_path):
    watched = network(max_iter=1).set_callbacks(Checkpoint(tmp_path / "{fit}.lamina"))
    GridSearchCV(watched, {"alpha": [0.0, 0.1]}, cv=2).fit(X, Y)
    assert len(list(tmp_path.iterdir())) == 5


def test_a_file_that_cannot_be_written_ends_no_fit(tmp_path):
    watched = network().set_callbacks(
        Checkpoint(tmp_path / "absent" / "a", best_only=False)
    )
    with pytest.warns(CheckpointWarning, match="epoch 1 was not saved") as caught:
        watched.fit(X, Y)
    assert len(caught) == 1 and watched.n_iter_ == 3


def test_a_number_of_epochs_that_is_none_is_refused():
    with pytest.raises(ParameterError, match="'every_n_epochs' must be int >= 1"):
        Checkpoint("a.lamina", every_n_epochs=0)
