"""lamina's estimators in scikit-learn's tools."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from lamina import CNNClassifier, DNNClassifier, DNNRegressor, RNNClassifier
from lamina.exceptions import DataError, ParameterError

X, Y = make_classification(
    120, 6, n_informative=4, n_classes=3, class_sep=2.0, random_state=0
)
NAMES = np.array(["ant", "bee", "cow"])[Y]
QUICK = {
    "hidden_layer_sizes": (16,),
    "max_iter": 8,
    "learning_rate_init": 0.02,
    "random_state": 0,
}


def quick(**params):
    return DNNClassifier(**(QUICK | params))


def quick_regressor(**params):
    return DNNRegressor(**(QUICK | params))


def ragged(n=60):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    return [rng.normal(2 * k, 1, size=rng.integers(2, 8)) for k in y], y


def test_a_pipeline_gives_what_its_steps_give():
    pipeline = make_pipeline(StandardScaler(), quick()).fit(X, NAMES)
    scaled = StandardScaler().fit_transform(X)
    truth = quick().fit(scaled, NAMES).predict_proba(scaled)
    np.testing.assert_array_equal(pipeline.predict_proba(X), truth)
    assert pipeline.score(X, NAMES) > 0.8


def test_a_grid_search_in_two_processes_gives_what_one_gives():
    grid = {"alpha": [0.0, 0.1], "hidden_layer_sizes": [(8,), (16,)]}
    results = [
        GridSearchCV(quick(max_iter=2), grid, cv=2, n_jobs=jobs).fit(X, NAMES)
        for jobs in (1, 2)
    ]
    a, b = (search.cv_results_["mean_test_score"] for search in results)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(*(search.predict(X) for search in results))


def test_cross_validation_scores_are_those_of_fits_by_hand():
    folds = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(quick(), X, NAMES, cv=folds)
    by_hand = [
        quick().fit(X[a], NAMES[a]).score(X[b], NAMES[b]) for a, b in folds.split(X)
    ]
    np.testing.assert_array_equal(scores, by_hand)
    assert scores.mean() > 0.7


def test_ragged_lists_and_texts_can_be_cross_validated():
    lists, y = ragged()
    network = RNNClassifier(
        hidden_size=8, n_layers=1, max_iter=10, learning_rate_init=0.02, random_state=0
    )
    assert cross_val_score(network, lists, y, cv=3).mean() > 0.8
    texts = ["good film", "bad film", "so good", "too bad"] * 15
    network = CNNClassifier(
        n_filters=(8,), max_iter=10, learning_rate_init=0.02, random_state=0
    )
    assert cross_val_score(network, texts, [1, 0] * 30, cv=3).mean() == 1


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_classifier_can_be_calibrated(method):
    model = CalibratedClassifierCV(quick(), method=method, cv=2).fit(X, NAMES)
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1)
    assert model.score(X, NAMES) > 0.8


@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: AdaBoostClassifier(e, n_estimators=2, random_state=0),
        lambda e: BaggingClassifier(e, n_estimators=2, random_state=0),
        lambda e: StackingClassifier([("net", e)], LogisticRegression(), cv=2),
        lambda e: VotingClassifier(
            [("net", e), ("linear", LogisticRegression())], voting="soft"
        ),
        OneVsRestClassifier,
    ],
    ids=["boosting", "bagging", "stacking", "voting", "one-vs-rest"],
)
def test_a_classifier_works_inside_an_ensemble(wrap):
    assert wrap(quick()).fit(X, NAMES).score(X, NAMES) > 0.75


def test_a_regressor_works_inside_an_ensemble():
    x, y = make_regression(80, 3, random_state=0)
    network = quick_regressor(max_iter=25)
    assert AdaBoostRegressor(network, n_estimators=2).fit(x, y).score(x, y) > 0.7
    both = VotingRegressor([("net", network), ("linear", LinearRegression())])
    assert both.fit(x, y).score(x, y) > 0.7


def test_a_chain_of_classifiers_takes_several_labels():
    y = np.c_[Y > 0, Y > 1].astype(int)
    chain = ClassifierChain(quick(), random_state=0).fit(X, y)
    assert (chain.predict(X) == y).mean() > 0.8


def test_the_only_informative_column_has_the_largest_permutation_importance():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    network = quick(max_iter=20).fit(x, x[:, 1] > 0)
    result = permutation_importance(network, x, x[:, 1] > 0, random_state=0)
    assert result.importances_mean.argmax() == 1
    assert result.importances_mean[1] > 0.3


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_a_pipeline_transforms_the_validation_samples_as_well():
    network = quick().set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("net", network)], transform_input=["X_val"]
    )
    far = X * 100 + 1000
    pipeline.fit(far[:80], NAMES[:80], X_val=far[80:], y_val=NAMES[80:])
    fitted = pipeline.named_steps["net"]
    assert len(fitted.validation_scores_) == fitted.n_iter_
    assert fitted.validation_scores_[-1] == pipeline.score(far[80:], NAMES[80:])


@pytest.mark.usefixtures("routing")
def test_sample_weights_are_routed_through_cross_validation():
    weight = np.where(Y == 0, 0.0, 1.0)
    network = quick().set_fit_request(sample_weight=True)
    network.set_score_request(sample_weight=False)
    result = cross_validate(
        network, X, NAMES, cv=3, params={"sample_weight": weight}, return_estimator=True
    )
    for estimator in result["estimator"]:
        assert "ant" not in estimator.predict(X)
        assert estimator.classes_.tolist() == ["bee", "cow"]


def test_a_sample_of_weight_zero_is_absent():
    weight = np.arange(120) % 3 > 0
    spoilt = X.copy()
    spoilt[~weight] = 1e3
    a = quick().fit(spoilt, NAMES, sample_weight=weight.astype(float))
    b = quick().fit(X[weight], NAMES[weight])
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


def test_the_scale_of_sample_weights_has_no_effect():
    weight = np.random.default_rng(0).random(120)
    a = quick().fit(X, NAMES, sample_weight=weight).predict_proba(X)
    b = quick().fit(X, NAMES, sample_weight=1000 * weight).predict_proba(X)
    np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_sample_weight_counts_as_repetition_in_a_full_batch():
    times = np.random.default_rng(0).integers(1, 4, len(X))
    params = {"dropout": 0.0, "shuffle": False, "precision": "float32"}
    a = quick(batch_size=1000, **params).fit(X, NAMES, sample_weight=times)
    many = np.repeat(X, times, axis=0), np.repeat(NAMES, times)
    b = quick(batch_size=1000, **params).fit(*many)
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), atol=1e-3)


def test_negative_weights_and_weights_of_all_zeros_are_refused():
    weight = np.ones(120)
    weight[7] = -1
    with pytest.raises(DataError, match=r"sample_weight\[7\]"):
        quick().fit(X, NAMES, sample_weight=weight)
    with pytest.raises(ValueError, match="zero"):
        quick().fit(X, NAMES, sample_weight=np.zeros(120))


def test_a_warm_start_resumes_and_a_cold_one_starts_anew():
    params = {"schedule": "constant", "learning_rate_init": 1e-3, "dropout": 0.0}
    warm = quick(warm_start=True, max_iter=3, **params).fit(X, NAMES)
    first = warm.loss_curve_[:]
    weights = copy.deepcopy(warm.network_.state_dict())
    warm.fit(X, NAMES)
    assert warm.loss_curve_[:3] == first
    assert warm.n_iter_ == len(warm.loss_curve_) == 6
    assert warm.loss_curve_[3] < first[-1]
    warm.set_params(learning_rate_init=1e-12).fit(X, NAMES)
    moved = [
        not torch.allclose(weights[k], v) for k, v in warm.network_.state_dict().items()
    ]
    assert any(moved)
    cold = quick(max_iter=3, **params).fit(X, NAMES).fit(X, NAMES)
    assert cold.n_iter_ == 3


def test_a_warm_start_keeps_scales_and_refuses_unseen_labels_unchanged():
    network = quick(warm_start=True, max_iter=2).fit(X, NAMES)
    mean = network.encoder_.standardizer.mean.copy()
    network.fit(X + 5, NAMES)
    np.testing.assert_array_equal(network.encoder_.standardizer.mean, mean)
    before = network.predict_proba(X)
    with pytest.raises(DataError, match="dog"):
        network.fit(X, np.where(NAMES == "ant", "dog", NAMES))
    np.testing.assert_array_equal(network.predict_proba(X), before)


def test_a_warm_start_does_not_change_copies_made_before():
    network = quick(warm_start=True, max_iter=2).fit(X, NAMES)
    kept = copy.copy(network)
    before = kept.predict_proba(X)
    network.fit(X, NAMES)
    np.testing.assert_array_equal(kept.predict_proba(X), before)


def test_partial_fit_learns_chunk_by_chunk():
    network = quick()
    classes = np.unique(NAMES)
    chunks = [np.flatnonzero(k == Y) for k in range(3)]
    for epoch in range(12):
        for chunk in np.array_split(np.random.default_rng(epoch).permutation(120), 3):
            network.partial_fit(X[chunk], NAMES[chunk], classes=classes)
    assert network.n_iter_ == 36
    assert network.score(X, NAMES) > 0.85
    one_label_first = quick().partial_fit(X[chunks[0]], NAMES[chunks[0]], classes)
    one_label_first.partial_fit(X[chunks[1]], NAMES[chunks[1]])
    assert one_label_first.predict_proba(X).shape == (120, 3)


def test_partial_fit_keeps_the_momentum_of_its_optimizer():
    """Epochs in one call and in several take the same steps."""
    params = {"schedule": "constant", "averaging": 0.0, "dropout": 0.0}
    params |= {"shuffle": False, "max_iter": 3}
    whole = quick_regressor(**params).fit(X, Y)
    parts = quick_regressor(**params)
    for _ in range(3):
        parts.partial_fit(X, Y)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-4)


def test_partial_fit_takes_indicators_of_several_labels_with_their_classes():
    y = np.eye(3, dtype=int)[Y]
    network = quick().partial_fit(X, y, classes=np.arange(3)).partial_fit(X, y)
    assert network.predict(X).shape == y.shape


def test_partial_fit_refuses_what_it_cannot_do():
    for params in ({"early_stopping": True}, {"warm_start": True}):
        with pytest.raises(ParameterError, match="partial_fit"):
            quick(**params).partial_fit(X, NAMES)
    with pytest.raises(ParameterError, match="balanced"):
        quick(class_weight="balanced").partial_fit(X, NAMES)
    with pytest.raises(DataError, match="cow"):
        quick().partial_fit(X[Y < 2], NAMES[Y < 2]).partial_fit(X, NAMES)


def test_a_failed_fit_leaves_the_estimator_as_it_was():
    network = quick().fit(X, NAMES)
    before, attributes = network.predict_proba(X), set(vars(network))
    bad = X.copy()
    bad[3, 3] = np.inf
    for samples, labels in ((bad, NAMES), (X, NAMES[:-1]), (X, np.full(120, "ant"))):
        with pytest.raises(ValueError):
            network.fit(samples, labels)
    assert set(vars(network)) == attributes
    np.testing.assert_array_equal(network.predict_proba(X), before)


@pytest.mark.parametrize("kind", ["classifier", "recurrent"])
def test_a_pickled_estimator_predicts_and_resumes_the_same(kind):
    lists, y = ragged()
    if kind == "classifier":
        network, x, y = quick(), X, NAMES
    else:
        network, x = RNNClassifier(hidden_size=4, max_iter=2, random_state=0), lists
    network.partial_fit(x, y)
    twin = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(twin.predict_proba(x), network.predict_proba(x))
    for estimator in (network, twin):
        estimator.partial_fit(x, y)
    np.testing.assert_array_equal(twin.predict_proba(x), network.predict_proba(x))


SEVERAL = pytest.mark.parametrize(
    "y",
    [
        np.eye(3, dtype=int)[Y],
        np.c_[NAMES, np.where(Y == 1, "x", "y")],
        np.c_[Y, Y == 1],
    ],
    ids=["indicators", "strings", "numbers"],
)


@SEVERAL
def test_several_labels_a_sample_are_learnt_together(y):
    network = quick(max_iter=20).fit(X, y)
    predicted = network.predict(X)
    assert predicted.shape == y.shape
    assert (predicted == y).mean() > 0.85


@SEVERAL
def test_the_score_of_several_labels_is_the_fraction_of_correct_rows(y):
    network = quick().fit(X, y)
    truth = (network.predict(X) == y).all(1).mean()
    assert network.score(X, y) == pytest.approx(truth)


def test_validation_samples_do_not_change_what_a_series_network_learns():
    x = np.random.default_rng(0).normal(size=(40, 6))
    y = (x[:, 0] > 0).astype(int)
    for make in (
        lambda: RNNClassifier(hidden_size=4, max_iter=2, random_state=0),
        lambda: CNNClassifier(n_filters=(4,), max_iter=2, random_state=0),
    ):
        plain = make().fit(x, y)
        watched = make().fit(x, y, X_val=x[:9], y_val=y[:9])
        np.testing.assert_array_equal(plain.predict_proba(x), watched.predict_proba(x))
        assert len(watched.validation_scores_) == 2


def test_validation_samples_come_with_their_targets():
    with pytest.raises(DataError, match="come together"):
        quick().fit(X, NAMES, X_val=X)
    with pytest.raises(DataError, match="dog"):
        quick().fit(X, NAMES, X_val=X[:1], y_val=["dog"])
