"""The number of epochs that held-out samples choose, and the fit on all samples after it."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_classification
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline

from lamina import (
    CNNClassifier,
    DNNClassifier,
    DNNRegressor,
    LanguageModel,
    RNNClassifier,
    SequenceTagger,
)
from lamina.exceptions import DataError, ParameterError

X, Y = make_classification(400, 6, flip_y=0.3, class_sep=0.7, random_state=0)
QUICK = {"hidden_layer_sizes": (16,), "random_state": 0, "n_iter_no_change": 4}


def weights_of(network):
    return {k: v.numpy() for k, v in network.network_.state_dict().items()}


def test_the_network_is_that_of_a_fit_on_all_samples_for_as_many_epochs():
    chosen = DNNClassifier(**QUICK).fit(X, Y)
    scores = chosen.validation_scores_
    assert chosen.n_iter_ == np.flatnonzero(scores == np.max(scores))[-1] + 1
    assert len(scores) > chosen.n_iter_ == len(chosen.loss_curve_)
    plain = DNNClassifier(**QUICK, max_iter=chosen.n_iter_).fit(X, Y)
    assert plain.loss_curve_ == chosen.loss_curve_
    np.testing.assert_equal(weights_of(plain), weights_of(chosen))


def test_the_fit_on_all_samples_does_not_stop_before_the_chosen_epoch():
    rows = np.arange(120)
    params = QUICK | {"n_iter_no_change": 2, "learning_rate_init": 0.02}
    for seed in range(4):
        chosen = DNNClassifier(**params | {"random_state": seed}).fit(X[rows], Y[rows])
        scores = chosen.validation_scores_
        best = np.flatnonzero(scores == np.max(scores))[-1] + 1
        assert chosen.n_iter_ == len(chosen.loss_curve_) == best


def test_a_number_of_epochs_that_is_given_is_kept():
    network = DNNClassifier(**QUICK, max_iter=3).fit(X, Y)
    assert (network.n_iter_, network.validation_scores_) == (3, None)
    assert network.task_.temperature == 1


def test_few_samples_are_split_several_times(capsys):
    network = DNNClassifier(**QUICK, verbose=1)
    for n, n_splits in ((300, 3), (1000, 1)):
        network.fit(np.resize(X, (n, 6)), np.resize(Y, n))
        firsts = capsys.readouterr().out.count("Held-out samples, epoch 1,")
        assert firsts == n_splits
    network.set_params(validation_split="last").fit(X, Y)
    assert capsys.readouterr().out.count("Held-out samples, epoch 1,") == 1


def test_too_few_samples_are_not_split():
    few = DNNClassifier(**QUICK).fit(X[:49], Y[:49])
    assert few.validation_scores_ is None
    assert DNNClassifier(**QUICK).fit(X[:50], Y[:50]).validation_scores_ is not None


def test_validation_samples_choose_the_epoch_and_no_sample_is_held_out():
    given = {"X_val": X[200:], "y_val": Y[200:]}
    network = DNNClassifier(**QUICK).fit(X[:200], Y[:200], **given)
    assert len(network.loss_curve_) == len(network.validation_scores_)
    p = network.predict_proba(X[200:])
    best = -network.best_validation_score_
    assert log_loss(Y[200:], p) == pytest.approx(best, rel=1e-4)


def test_other_bodies_take_all_epochs():
    series = np.random.default_rng(0).normal(size=(60, 12, 1))
    network = CNNClassifier(n_filters=4, random_state=0).fit(series, np.arange(60) % 2)
    assert network.validation_scores_ is None


def test_a_warm_start_and_partial_fit_hold_nothing_out():
    network = DNNClassifier(**QUICK, warm_start=True).fit(X, Y)
    n_before = len(network.validation_scores_)
    network.fit(X[:60], Y[:60])
    assert len(network.validation_scores_) == n_before
    assert DNNClassifier(**QUICK).partial_fit(X, Y).validation_scores_ is None


def test_noise_is_not_learnt():
    """On labels of which a third are random, more epochs are much worse."""
    train, test = slice(0, 300), slice(300, 400)
    chosen = DNNClassifier(random_state=0).fit(X[train], Y[train])
    longest = DNNClassifier(random_state=0, max_iter=100).fit(X[train], Y[train])
    linear = LogisticRegression().fit(X[train], Y[train])
    ours, long, plain = (
        log_loss(Y[test], m.predict_proba(X[test])) for m in (chosen, longest, linear)
    )
    assert ours < 0.8 * long
    assert ours < 1.1 * plain


def noisy_texts(n):
    """Texts of common and rare words, labelled by two words, a quarter at random."""
    rng = np.random.default_rng(0)
    ranks = rng.zipf(1.3, (n, 14)) % 2_000
    texts = [" ".join(f"word{rank}" for rank in row) for row in ranks]
    is_one = rng.random(n) < 0.5
    texts = [
        f"{text} {'good' if one else 'bad'}"
        for text, one in zip(texts, is_one, strict=True)
    ]
    return texts, np.where(rng.random(n) < 0.25, rng.random(n) < 0.5, is_one)


@pytest.mark.parametrize(
    ("network", "bound"),
    [
        (DNNClassifier(), 1.1),
        pytest.param(CNNClassifier(n_filters=(8, 8)), 1.3, marks=pytest.mark.slow),
        pytest.param(RNNClassifier(hidden_size=16), 1.1, marks=pytest.mark.slow),
    ],
    ids=["DNN", "CNN", "RNN"],
)
def test_noise_in_the_labels_of_texts_is_not_learnt(network, bound):
    """A fixed number of epochs has 2.4 times the log loss of the linear model, or more."""
    texts, y = noisy_texts(700)
    network.set_params(random_state=0).fit(texts[:400], y[:400])
    linear = make_pipeline(TfidfVectorizer(), LogisticRegression())
    linear.fit(texts[:400], y[:400])
    ours, plain = (
        log_loss(y[400:], m.predict_proba(texts[400:])) for m in (network, linear)
    )
    assert ours < bound * plain


@pytest.mark.parametrize("kind", [SequenceTagger, LanguageModel])
def test_tasks_with_a_number_of_steps_hold_nothing_out(kind):
    assert not kind.defaults("text").chooses_epochs
    assert kind.defaults("text").schedule == "one_cycle"


def test_an_interrupt_of_the_search_keeps_its_best_epoch():
    calls = []

    def interrupted(network, X, y):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return -len(calls)  # the first epoch is the best one

    network = DNNClassifier(**QUICK, scoring=interrupted)
    with pytest.raises(KeyboardInterrupt):
        network.fit(X, Y)
    assert network.validation_scores_ == [-1, -2, -3]
    assert network.predict_proba(X).shape == (400, 2)


def test_an_interrupted_search_on_texts_keeps_the_words_of_its_network():
    texts, y = noisy_texts(120)
    calls = []

    def interrupted(network, X, y):
        held_out = [" ".join(words) for words in X]
        calls.append((held_out, network.predict_proba(X)))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return len(calls)

    network = CNNClassifier(n_filters=4, random_state=0, scoring=interrupted)
    with pytest.raises(KeyboardInterrupt):
        network.fit(texts, y)
    held_out, expected = calls[1]
    np.testing.assert_array_equal(network.predict_proba(held_out), expected)


class InterruptAfterSearch:
    """Interrupts the fit on all samples before or after its first epoch."""

    def __init__(self, hook, task):
        self.hook, self.task = hook, task

    def setup(self, estimator, context):
        pass

    teardown = setup

    def on_fit_task_begin(self, estimator, context):
        self._hook("begin", context)

    def on_fit_task_end(self, estimator, context):
        self._hook("end", context)

    def _hook(self, hook, context):
        path = [context.task_name]
        path += [] if context.parent is None else [context.parent.task_name]
        if hook == self.hook and path[: len(self.task)] == self.task:
            raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore::lamina.exceptions.InterruptedWarning")
@pytest.mark.parametrize(
    ("hook", "task"),
    [
        ("end", ["search"]),
        ("begin", ["refit"]),
        ("begin", ["epoch", "refit"]),
        ("end", ["epoch", "refit"]),
    ],
)
def test_an_interrupt_after_the_search_keeps_its_best_network(hook, task):
    def scoring(n_scores):
        calls = []

        def score(network, X, y):
            calls.append(1)
            if len(calls) > n_scores:
                raise KeyboardInterrupt
            return -abs(len(calls) - 3)  # the third epoch is the best one

        return score

    params = QUICK | {"validation_split": ShuffleSplit(1, random_state=0)}
    searched = DNNClassifier(**params, scoring=scoring(4))
    with pytest.raises(KeyboardInterrupt):
        searched.fit(X, Y)
    network = DNNClassifier(**params, scoring=scoring(100))
    network.set_callbacks(InterruptAfterSearch(hook, task))
    with pytest.raises(KeyboardInterrupt):
        network.fit(X, Y)
    np.testing.assert_equal(weights_of(network), weights_of(searched))
    n_scores = len(network.validation_scores_)
    assert n_scores > 4
    assert network.n_iter_ == n_scores


def test_the_search_and_the_fit_share_the_time(capsys):
    network = DNNRegressor(random_state=0, max_time=0.4, verbose=1)
    network.fit(np.tile(X, (20, 1)), np.tile(Y, 20).astype(float))
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("Held-out samples") for line in lines) >= 1
    assert sum(line.startswith("Epoch") for line in lines) == network.n_iter_


def test_groups_are_kept_together():
    groups = np.arange(400) // 10
    network = DNNClassifier(**QUICK).fit(X, Y, validation_groups=groups)
    assert network.validation_scores_ is not None
    with pytest.raises(DataError, match="validation_groups has no effect"):
        DNNClassifier(**QUICK, max_iter=2).fit(X, Y, validation_groups=groups)


def test_parameters_of_validation_need_a_search():
    with pytest.raises(ParameterError, match="scoring"):
        DNNClassifier(**QUICK, max_iter=2, scoring="accuracy").fit(X, Y)
    DNNClassifier(**QUICK, scoring="accuracy").fit(X, Y)


def test_iris_is_learnt_by_defaults():
    X, y = load_iris(return_X_y=True)
    assert DNNClassifier(random_state=0).fit(X, y).score(X, y) > 0.95
