"""Fits that are killed and resumed, and what a checkpoint refuses."""

import errno
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.callback import ScoringMonitor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold, ShuffleSplit

from lamina import (
    CNNClassifier,
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    ImageCaptioner,
    LanguageModel,
    RNNClassifier,
    RNNRegressor,
    SequenceTagger,
    SpeechRecognizer,
    Translator,
    archive,
)
from lamina.exceptions import (
    CheckpointWarning,
    DataError,
    DivergenceError,
    InterruptedWarning,
    ParameterError,
)
from lamina.state import assembled, dismantled
from lamina.testing.examples import EXAMPLES
from lamina.training import plan, precision
from lamina.training.progress import Clock
from lamina.training.step import Step

STOPPING = {"early_stopping": True, "validation_fraction": 0.3}
SMALL = {"hidden_size": 8}
TEXT = {"unit": "char", "decoder_size": 8, "decoder_dropout": 0.3}
CASES = {
    "dense": (DNNClassifier(dropout=0.3, hidden_layer_sizes=(8, 8)), "table"),
    "codes": (DNNRegressor(optimizer="sgd", learning_rate_init=0.01), "mixed_table"),
    "held out": (DNNClassifier(**STOPPING), "table"),
    "conv": (CNNClassifier(augmentation="shift_flip", n_filters=(4,)), "image"),
    "lstm": (RNNClassifier(dropout=0.3, **SMALL, **STOPPING), "ragged"),
    "gru": (RNNRegressor(cell="gru", dropout=0.3, optimizer="adam", **SMALL), "series"),
    "rnn": (RNNClassifier(cell="rnn", **SMALL), "text"),
    "language": (LanguageModel(unit="char", window=9, **SMALL), "documents"),
    "forecaster": (Forecaster(horizon=2, season=2, **SMALL), "histories"),
    "tagger": (SequenceTagger(**SMALL), "tokens"),
    "captioner": (ImageCaptioner(n_filters=(4,), **TEXT), "image"),
    "translator": (Translator(**SMALL, **TEXT), "documents"),
    "speech": (SpeechRecognizer(unit="char", **SMALL), "waveforms"),
}
X, Y = EXAMPLES["table"].X, EXAMPLES["table"].labels
DENSE = {"hidden_layer_sizes": (8,), "max_iter": 4, "batch_size": 6, "random_state": 0}


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def kill_in(monkeypatch):
    """A function that lets a process be killed after these steps, counted over all fits."""
    original, steps = Step.__call__, []

    def schedule(*numbers):
        steps.clear()

        def step(self, batch, rate):
            steps.append(1)
            loss = original(self, batch, rate)
            if len(steps) in numbers:
                raise KilledError
            return loss

        monkeypatch.setattr(Step, "__call__", step)
        return steps

    return schedule


@pytest.fixture
def many_parts(monkeypatch):
    """Batches of six samples are computed in three parts, where the body takes part."""

    def three(body, *_):
        return 1 if body.min_rows_part is None else 3

    monkeypatch.setattr(plan, "parts_of_batch", three)


def case(name, **params):
    """(an estimator, the arguments of its `fit`)."""
    network, example = CASES[name]
    data = EXAMPLES[example]
    brief = {"random_state": 0, "max_iter": 4, "batch_size": 6, **data.params}
    own = network.get_params(deep=False) | brief | params
    return type(network)(**own), (data.X, data.target(network))


def assert_same_fit(network, expected):
    np.testing.assert_equal(facts(network), facts(expected))


def facts(network):
    """What a fit gives, for a comparison bit by bit."""
    weights = {k: v.numpy() for k, v in network.network_.state_dict().items()}
    scores = network.loss_curve_, network.validation_scores_, network.n_iter_
    return {**weights, "scores": scores}


def fit_until_it_ends(network, *data, n_threads=(1,), **validation):
    """The number of times that the fit was killed."""
    n_kills = 0
    while True:
        network.set_params(n_threads=n_threads[n_kills % len(n_threads)])
        try:
            network.fit(*data, **validation)
        except KilledError:
            assert "network_" not in vars(network)
            n_kills += 1
        else:
            return n_kills


def killed_dense(folder, kill_in, **params):
    """An estimator whose fit was killed, with a checkpoint after each step."""
    kill_in(9)
    saving = {"checkpoint": folder / "fit", "checkpoint_every": "0s"}
    network = DNNClassifier(**(DENSE | saving | params))
    with pytest.raises(KilledError):
        network.fit(X, Y)
    kill_in()
    return network


@pytest.mark.usefixtures("many_parts")
@pytest.mark.parametrize("every", ["0s", "1 epoch"])
@pytest.mark.parametrize("name", CASES)
def test_a_killed_fit_ends_as_if_it_had_not_been_killed(name, every, tmp_path, kill_in):
    expected, data = case(name)
    expected.fit(*data)
    network, _ = case(name, checkpoint=tmp_path / "fit", checkpoint_every=every)
    kill_in(1, 2, 7, 9, 13)
    n_kills = fit_until_it_ends(network, *data, n_threads=(1, 2))
    assert n_kills >= 4
    assert_same_fit(network, expected)
    assert list(tmp_path.iterdir()) == []


def smallest(estimator, X, y):
    """A score that falls while weights grow."""
    return -sum(
        p.detach().square().sum().item() for p in estimator.network_.parameters()
    )


def test_a_fit_on_all_samples_is_resumed_without_another_search(tmp_path, kill_in):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)
    params = DENSE | {"max_iter": "auto", "n_iter_no_change": 2}
    params |= {"validation_split": "last"}
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    expected = DNNClassifier(**params).fit(X, y)
    n_searched = 8 * len(expected.validation_scores_)
    network = DNNClassifier(**params, **saving)
    # In the search, which is repeated, and in the fifth step after it.
    steps = kill_in(3, 3 + n_searched + 5)
    assert fit_until_it_ends(network, X, y) == 2
    # The step that was killed is taken again.
    assert len(steps) == 3 + n_searched + 10 * expected.n_iter_ + 1
    assert_same_fit(network, expected)
    assert network.task_.temperature == expected.task_.temperature


def test_the_best_epoch_and_the_patience_are_resumed(tmp_path, kill_in):
    params = DENSE | STOPPING | {"scoring": smallest, "n_iter_no_change": 4}
    params |= {"learning_rate_init": 0.05, "max_iter": 20, "alpha": 0.0}
    params |= {"averaging": 0.0, "n_members": 1}
    expected = DNNClassifier(**params).fit(X, Y)
    assert np.argmax(expected.validation_scores_) == 0
    assert expected.n_iter_ == 5
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network = DNNClassifier(**params, **saving)
    kill_in(5, 9)
    assert fit_until_it_ends(network, X, Y) == 2
    assert_same_fit(network, expected)


def test_files_that_were_decoded_ahead_are_decoded_again(tmp_path, kill_in):
    folder = tmp_path / "images"
    folder.mkdir()
    for i, pixels in enumerate(EXAMPLES["image"].X):
        Image.fromarray(pixels.squeeze().astype(np.uint8)).save(folder / f"{i}.png")
    files = sorted(folder.iterdir())
    params = {"n_filters": (4,), "batch_size": 2, "max_iter": 2, "random_state": 0}
    expected = CNNClassifier(**params).fit(files, Y)
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network = CNNClassifier(**params, **saving)
    kill_in(3, 9)
    assert fit_until_it_ends(network, files, Y) == 2
    assert_same_fit(network, expected)


def test_the_scale_of_losses_is_resumed(tmp_path, kill_in, monkeypatch):
    monkeypatch.setattr(
        "lamina.training.precision.private.cpu_supports", lambda feature: True
    )
    # It doubles after each step without overflow, so that some steps do overflow.
    monkeypatch.setattr(precision, "N_FINITE", 1)
    expected, data = case("conv", precision="float16")
    expected.fit(*data)
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network, _ = case("conv", precision="float16", **saving)
    kill_in(3, 8)
    assert fit_until_it_ends(network, *data) == 2
    assert_same_fit(network, expected)


def test_a_split_that_is_drawn_anew_at_each_call_is_resumed(tmp_path, kill_in):
    params = {**DENSE, **STOPPING, "validation_split": ShuffleSplit(1)}
    np.random.seed(0)
    expected = DNNClassifier(**params).fit(X, Y)
    np.random.seed(0)
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network = DNNClassifier(**params, **saving)
    kill_in(3, 9)
    assert fit_until_it_ends(network, X, Y) == 2
    assert_same_fit(network, expected)


def test_the_seed_of_a_random_state_is_resumed(tmp_path, kill_in):
    params = DENSE | STOPPING | {"dropout": 0.3}
    seeded = params | {"random_state": np.random.RandomState(3)}
    expected = DNNClassifier(**seeded).fit(X, Y)
    kill_in(5)
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    seeded = params | saving | {"random_state": np.random.RandomState(3)}
    network = DNNClassifier(**seeded)
    assert fit_until_it_ends(network, X, Y) == 1
    assert_same_fit(network, expected)


def test_without_a_random_state_the_seed_is_stored(tmp_path, kill_in):
    params = STOPPING | {"random_state": None, "dropout": 0.3}
    network = killed_dense(tmp_path, kill_in, **params)
    shutil.copy(tmp_path / "fit", tmp_path / "copy")
    copy = DNNClassifier(**network.get_params()).set_params(
        checkpoint=tmp_path / "copy"
    )
    assert_same_fit(network.fit(X, Y), copy.fit(X, Y))


RESUME_IN_A_CHILD = """
import sys, warnings
import test_checkpoint as t
from lamina.training.step import Step
warnings.simplefilter("error")
original, steps = Step.__call__, []
def step(self, batch, rate):
    steps.append(1)
    if len(steps) == 6:
        raise t.KilledError
    return original(self, batch, rate)
Step.__call__ = step
for name in t.CASES:
    steps.clear()
    saving = {"checkpoint": f"{sys.argv[1]}/{name}", "checkpoint_every": "0s"}
    network, data = t.case(name, **saving)
    try:
        network.fit(*data)
    except t.KilledError:
        print(name)
"""


@pytest.mark.slow
def test_another_process_resumes(tmp_path, kill_in):
    folders = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    child = subprocess.run(
        [sys.executable, "-c", RESUME_IN_A_CHILD, tmp_path],
        env=os.environ | {"PYTHONPATH": folders},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.stdout.split("\n")[:-1] == list(CASES), child.stderr
    for name in CASES:
        expected, data = case(name)
        steps = kill_in()
        expected.fit(*data)
        n_steps = len(steps)
        saving = {"checkpoint": tmp_path / name, "checkpoint_every": "0s"}
        network, _ = case(name, **saving)
        network.fit(*data)
        assert len(steps) == 2 * n_steps - 5
        assert_same_fit(network, expected)


def test_the_seconds_before_count_for_the_time_limit(monkeypatch):
    clock = Clock(n_steps=100, seconds=10.0, step=3)
    monkeypatch.setattr(clock, "_start", clock._start - 8.0)
    copy = assembled(*dismantled(clock))
    assert copy.step == 3
    assert copy.progress() == pytest.approx(clock.progress(), abs=0.1)
    assert copy.progress() > 0.7


def test_callbacks_do_not_get_the_epochs_before_again(tmp_path, kill_in):
    network = killed_dense(tmp_path, kill_in)  # in the third epoch
    monitor = ScoringMonitor(scoring="accuracy")
    network.set_callbacks(monitor).fit(X, Y)
    tasks = [row["task_name"] for row in monitor.get_logs().data]
    assert tasks.count("epoch") == 2
    assert network.n_iter_ == len(network.loss_curve_) == 4


def test_an_interrupted_fit_is_resumed_as_well(tmp_path, monkeypatch):
    expected = DNNClassifier(**DENSE).fit(X, Y)
    original, steps = Step.__call__, []

    def step(self, batch, rate):
        steps.append(1)
        if len(steps) == 9:
            raise KeyboardInterrupt
        return original(self, batch, rate)

    monkeypatch.setattr(Step, "__call__", step)
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network = DNNClassifier(**DENSE, **saving)
    with pytest.warns(InterruptedWarning), pytest.raises(KeyboardInterrupt):
        network.fit(X, Y)
    assert network.n_iter_ == 2
    assert_same_fit(network.fit(X, Y), expected)


def changed(values, i, value):
    copy = values.copy()
    copy[i] = value
    return copy


WEIGHT = np.linspace(1, 2, len(X))
ARGUMENTS = {"y": Y, "sample_weight": WEIGHT, "X_val": X, "y_val": Y}
ARGUMENTS |= {"X": X, "sample_weight_val": WEIGHT}
OTHERS = {
    "X": changed(X, (7, 2), np.nextafter(X[7, 2], np.inf)),
    "y": changed(Y, 3, "low" if Y[3] == "high" else "high"),
    "sample_weight": changed(WEIGHT, 5, 1.5),
    "X_val": changed(X, (0, 0), 0.0),
    "y_val": changed(Y, 4, "low" if Y[4] == "high" else "high"),
    "sample_weight_val": None,
}


def killed_with_validation(folder, kill_in):
    kill_in(9)
    saving = {"checkpoint": folder / "fit", "checkpoint_every": "0s"}
    network = DNNClassifier(**DENSE, **saving)
    with pytest.raises(KilledError):
        network.fit(**ARGUMENTS)
    kill_in()
    return network


@pytest.mark.parametrize("name", OTHERS)
def test_other_data_are_refused_by_name(name, tmp_path, kill_in):
    network = killed_with_validation(tmp_path, kill_in)
    with pytest.raises(DataError, match=rf"other data: {name} differs"):
        network.fit(**(ARGUMENTS | {name: OTHERS[name]}))
    assert "network_" not in vars(network)
    network.fit(**{k: v.copy() for k, v in ARGUMENTS.items()})


def test_other_groups_are_refused(tmp_path, kill_in):
    groups = np.arange(len(X)) // 2
    kill_in(9)
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network = DNNClassifier(**DENSE, **STOPPING, **saving)
    with pytest.raises(KilledError):
        network.fit(X, Y, validation_groups=groups)
    with pytest.raises(DataError, match="validation_groups differs"):
        network.fit(X, Y, validation_groups=groups + 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"alpha": 0.2},
        {"max_iter": 5},
        {"max_time": 1e9},
        {"random_state": 1},
        {"hidden_layer_sizes": (9,)},
        {"early_stopping": True},
    ],
)
def test_another_parameter_is_refused_with_both_values(changes, tmp_path, kill_in):
    network = killed_dense(tmp_path, kill_in)
    ((name, value),) = changes.items()
    before = getattr(network, name)
    with pytest.raises(ParameterError) as error:
        network.set_params(**changes).fit(X, Y)
    assert f"{name}={before!r}" in str(error.value)
    assert f"{name}={value!r}" in str(error.value)


def test_another_class_is_refused(tmp_path, kill_in):
    network = killed_dense(tmp_path, kill_in)
    other = DNNRegressor(checkpoint=network.checkpoint)
    with pytest.raises(ParameterError, match=r"DNNClassifier.*DNNRegressor"):
        other.fit(X, np.arange(len(X)))


def test_parameters_without_effect_may_differ(tmp_path, kill_in, capsys):
    expected = DNNClassifier(**DENSE).fit(X, Y)
    network = killed_dense(tmp_path, kill_in)
    network.set_params(n_threads=2, verbose=True, checkpoint_every="1h")
    assert_same_fit(network.fit(X, Y), expected)
    assert "Epoch 3" in capsys.readouterr().out


def test_equal_objects_are_equal_parameters(tmp_path, kill_in):
    split = {**STOPPING, "validation_split": KFold(3)}
    network = killed_dense(tmp_path, kill_in, **split, scoring=accuracy)
    network.set_params(validation_split=KFold(3)).fit(X, Y)
    network = killed_dense(tmp_path, kill_in, **split)
    with pytest.raises(ParameterError, match=r"n_splits=3.*n_splits=4"):
        network.set_params(validation_split=KFold(4)).fit(X, Y)


def accuracy(estimator, X, y):
    return estimator.score(X, y)


def test_the_weights_of_a_started_network_are_compared(tmp_path, kill_in):
    images = EXAMPLES["image"].X
    first, second = (
        FrozenEstimator(
            CNNClassifier(n_filters=(4,), max_iter=1, random_state=seed).fit(images, Y)
        )
        for seed in (0, 1)
    )
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network, data = case("captioner", start_from=first, **saving)
    kill_in(9)
    with pytest.raises(KilledError):
        network.fit(*data)
    with pytest.raises(ParameterError, match="start_from"):
        network.set_params(start_from=second).fit(*data)
    network.set_params(start_from=first).fit(*data)


def test_another_processor_is_named(tmp_path, kill_in, monkeypatch):
    network = killed_dense(tmp_path, kill_in)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "VSX")
    with pytest.warns(CheckpointWarning, match="processor is .*VSX instead of"):
        network.fit(X, Y)


def test_another_version_is_refused(tmp_path, kill_in, monkeypatch):
    network = killed_dense(tmp_path, kill_in)
    later = archive.versions() | {"lamina": "99.0"}
    monkeypatch.setattr(archive, "versions", lambda: later)
    with pytest.raises(ParameterError, match=r"this is lamina 99\.0"):
        network.fit(X, Y)


def test_another_division_into_parts_is_refused(tmp_path, kill_in, monkeypatch):
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network, data = case("conv", **saving)
    kill_in(5)
    with pytest.raises(KilledError):
        network.fit(*data)
    monkeypatch.setattr(plan, "parts_of_batch", lambda *_: 2)
    with pytest.raises(ParameterError, match="parts of a batch is 2 instead of 1"):
        network.fit(*data)


def test_a_damaged_file_is_replaced_by_the_previous_one(tmp_path, kill_in):
    expected = DNNClassifier(**DENSE).fit(X, Y)
    network = killed_dense(tmp_path, kill_in)
    file = tmp_path / "fit"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.warns(CheckpointWarning, match=r"resumes from 'fit\.previous'"):
        network.fit(X, Y)
    assert_same_fit(network, expected)


def test_files_that_are_no_checkpoints_are_refused_and_kept(tmp_path):
    file = tmp_path / "fit"
    file.write_text("important")
    network = DNNClassifier(checkpoint=file, checkpoint_every="0s")
    with pytest.raises(ParameterError, match="not a file of lamina"):
        network.fit(X, Y)
    assert file.read_text() == "important"


def test_what_killed_writes_left_is_deleted(tmp_path, kill_in):
    network = killed_dense(tmp_path, kill_in)
    (tmp_path / ".fit.0123456789abcdef.part").touch()
    (tmp_path / ".other.0123456789abcdef.part").touch()
    network.fit(X, Y)
    assert [path.name for path in tmp_path.iterdir()] == [
        ".other.0123456789abcdef.part"
    ]


def test_a_fit_that_diverged_leaves_no_checkpoint(tmp_path):
    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    params = DENSE | saving | {"learning_rate_init": 1e30, "optimizer": "sgd"}
    with pytest.raises(DivergenceError):
        DNNClassifier(**params, max_grad_norm=None).fit(X, Y)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("first", [1, 9])
def test_a_disk_that_is_not_writable_does_not_end_a_fit(
    first, number, tmp_path, kill_in, monkeypatch
):
    expected = DNNClassifier(**DENSE).fit(X, Y)
    calls, original = [], os.fsync

    def fsync(handle):
        calls.append(1)
        if len(calls) >= first:
            raise OSError(number, os.strerror(number))
        original(handle)

    saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
    network = DNNClassifier(**DENSE, **saving)
    kill_in(12)
    with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(KilledError):
            network.fit(X, Y)
    assert [w.category for w in seen] == [CheckpointWarning]
    assert os.strerror(number) in str(seen[0].message)
    names = [path.name for path in tmp_path.iterdir()]
    assert names == ([] if first == 1 else ["fit.previous"])
    kill_in()
    assert_same_fit(network.fit(X, Y), expected)


def test_a_folder_that_vanishes_does_not_end_a_fit(tmp_path, monkeypatch):
    expected = DNNClassifier(**DENSE).fit(X, Y)
    folder, steps, original = tmp_path / "there", [], Step.__call__
    folder.mkdir()

    def step(self, batch, rate):
        steps.append(1)
        if len(steps) == 5:
            shutil.rmtree(folder)
        return original(self, batch, rate)

    monkeypatch.setattr(Step, "__call__", step)
    saving = {"checkpoint": folder / "fit", "checkpoint_every": "0s"}
    with pytest.warns(CheckpointWarning, match="was not written") as seen:
        network = DNNClassifier(**DENSE, **saving).fit(X, Y)
    assert len(seen) == 1
    assert_same_fit(network, expected)


@pytest.mark.skipif(os.name != "posix", reason="limits of files are those of POSIX")
def test_a_file_that_does_not_fit_on_the_disk_leaves_nothing(tmp_path):
    import resource

    expected = DNNClassifier(**DENSE).fit(X, Y)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    try:
        saving = {"checkpoint": tmp_path / "fit", "checkpoint_every": "0s"}
        with pytest.warns(CheckpointWarning, match="was not written"):
            network = DNNClassifier(**DENSE, **saving).fit(X, Y)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert_same_fit(network, expected)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"checkpoint": "no/such/folder/fit"}, "in a folder that exists"),
        ({"checkpoint": "."}, "str or path of a file"),
        ({"checkpoint": ""}, "str or path of a file"),
        ({"checkpoint": Path.cwd()}, "in a folder that exists"),
        ({"checkpoint": "fit", "checkpoint_every": "60"}, "'60s', '5min'"),
        ({"checkpoint": "fit", "checkpoint_every": "0 epochs"}, "'60s', '5min'"),
        ({"checkpoint_every": "1h"}, "has no effect.*checkpoint=None"),
        ({"checkpoint": "fit", "warm_start": True}, "warm_start=True"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(
    params, match, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=match):
        DNNClassifier(**params).fit(X, Y)


def test_partial_fit_saves_nothing(tmp_path):
    network = DNNClassifier(checkpoint=tmp_path / "fit")
    with pytest.raises(ParameterError, match="checkpoint"):
        network.partial_fit(X, Y, classes=np.unique(Y))


@pytest.mark.parametrize(
    ("every", "epochs"), [("1 epoch", [1, 2, 3]), ("2 epochs", [2]), ("1h", [])]
)
def test_it_is_saved_as_often_as_asked_for(every, epochs, tmp_path, monkeypatch):
    saved, file = [], tmp_path / "fit"
    original = Step.__call__

    def step(self, batch, rate):
        if file.exists():
            saved.append(file.read_bytes())
        return original(self, batch, rate)

    monkeypatch.setattr(Step, "__call__", step)
    network = DNNClassifier(**DENSE, checkpoint=file, checkpoint_every=every)
    network.fit(X, Y)
    assert len(set(saved)) == len(epochs)
