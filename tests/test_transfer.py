"""Networks that start from the body of a fitted estimator."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

import lamina
from lamina import (
    CNNClassifier,
    CNNRegressor,
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
)
from lamina.exceptions import DataError, ParameterError, SavedFileError
from lamina.onnx import Predictor
from lamina.testing.examples import EXAMPLES
from lamina.testing.fitting import RaiseInEpoch, brief, fit
from lamina.testing.state import InjectedError

RECURRENT = {"hidden_size": 6, "n_layers": 1}
CASES = {
    "table": (
        DNNRegressor(hidden_layer_sizes=8),
        DNNClassifier(hidden_layer_sizes=8),
        "mixed_table",
    ),
    "one member": (
        DNNClassifier(hidden_layer_sizes=8, n_members=1),
        DNNClassifier(hidden_layer_sizes=8, n_members=1),
        "table",
    ),
    "image": (CNNClassifier(n_filters=4), CNNRegressor(n_filters=4), "image"),
    "captions": (
        CNNClassifier(n_filters=4),
        ImageCaptioner(n_filters=4, decoder_size=8),
        "image",
    ),
    "series": (RNNRegressor(**RECURRENT), RNNClassifier(**RECURRENT), "ragged"),
    "text": (CNNClassifier(n_filters=4), CNNRegressor(n_filters=4), "text"),
    "tags": (SequenceTagger(**RECURRENT), SequenceTagger(**RECURRENT), "tokens"),
    "forecasts": (
        Forecaster(**RECURRENT, horizon=2),
        Forecaster(**RECURRENT, horizon=2),
        "histories",
    ),
    "language": (LanguageModel(**RECURRENT), LanguageModel(**RECURRENT), "documents"),
    "translation": (
        Translator(hidden_size=6, decoder_size=8, unit="word"),
        Translator(hidden_size=6, decoder_size=4, unit="word"),
        "documents",
    ),
    "speech": (
        SpeechRecognizer(**RECURRENT, n_filters=4),
        SpeechRecognizer(**RECURRENT, n_filters=4),
        "waveforms",
    ),
}
"""A source, an estimator that starts from it, and the data of both."""
STILL = {"learning_rate_init": 1e-30}
"""Steps that are too small to change a weight."""


def state_of(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(before, after):
    assert before.keys() == after.keys()
    return {name: torch.equal(before[name], after[name]) for name in before}


@pytest.fixture(params=CASES)
def case(request):
    """The fitted source, a brief estimator that starts from it, and the data."""
    source, network, data = CASES[request.param]
    data = EXAMPLES[data]
    source = fit(brief(source, data, random_state=5), data)
    return source, brief(network, data, start_from=FrozenEstimator(source)), data


def test_a_frozen_body_stays_as_it_is_bit_by_bit(case):
    source, network, data = case
    before = state_of(source.network_)
    fit(network.set_params(freeze_body=True, max_iter=3), data)
    body = network.network_.body
    assert all(same(state_of(source.network_.body), state_of(body)).values())
    assert not any(p.requires_grad for p in body.parameters())
    head = state_of(network.network_.head)
    still = fit(clone(network).set_params(**STILL), data)
    assert not all(same(head, state_of(still.network_.head)).values())
    assert network.n_parameters_ == sum(
        p.numel() for p in network.network_.parameters() if p.requires_grad
    )
    assert all(same(before, state_of(source.network_)).values())
    # It is frozen as well where training is continued, also after loading.
    network.set_params(warm_start=True)
    fit(network, data)
    assert all(same(state_of(source.network_.body), state_of(body)).values())


def test_training_starts_from_the_body_and_changes_a_copy(case):
    source, network, data = case
    before = state_of(source.network_)
    still = fit(clone(network).set_params(**STILL), data)
    ours = dict(still.network_.body.named_parameters())
    for name, parameter in source.network_.body.named_parameters():
        torch.testing.assert_close(ours[name], parameter, atol=1e-20, rtol=0)
    fit(network, data)
    assert not all(
        same(state_of(source.network_.body), state_of(network.network_.body)).values()
    )
    assert all(same(before, state_of(source.network_)).values())
    # The head is drawn as in a fit that starts anew.
    new = fit(clone(still).set_params(start_from=None), data)
    heads = [state_of(n.network_.head) for n in (new, still)]
    tied = {name for name in heads[0] if isinstance(network, LanguageModel)}
    for name in heads[0].keys() - tied:
        torch.testing.assert_close(heads[0][name], heads[1][name], atol=1e-20, rtol=0)


IMAGES = np.random.default_rng(0).normal(100, 30, (40, 8, 8, 1))
LABELS = np.arange(40) % 2
BRIEF = {"n_filters": 4, "max_iter": 2, "random_state": 0}


@pytest.fixture(scope="module")
def source():
    return CNNClassifier(**BRIEF).fit(IMAGES, LABELS)


def test_samples_are_read_as_the_source_reads_them(source):
    network = CNNRegressor(start_from=source, **BRIEF).fit(IMAGES / 2, LABELS)
    assert network.encoder_.mean == source.encoder_.mean
    assert network.schema_ == source.schema_
    with pytest.raises(DataError, match="fitted on"):
        network.fit(IMAGES[:, :4], LABELS)
    text = CNNClassifier(**BRIEF).fit(["a b c", "b c d"] * 20, LABELS)
    other = CNNClassifier(start_from=text, **BRIEF).fit(["x y", "b c"] * 20, LABELS)
    assert other.encoder_.vocabulary.tokens == text.encoder_.vocabulary.tokens


def test_a_mismatch_is_refused_by_name(source):
    def refused(message, X=IMAGES, estimator=CNNClassifier, **params):
        network = estimator(**{**BRIEF, "start_from": source, **params})
        with pytest.raises(ParameterError, match=message):
            network.fit(X, LABELS)
        assert not hasattr(network, "network_")

    refused(
        r"fitted with n_filters=4, and here n_filters=\(4, 8\); pass", n_filters=(4, 8)
    )
    refused("activation='relu', and here activation='tanh'", activation="tanh")
    refused("image_size=None, and here image_size=8", image_size=8)
    refused(
        "on image data by a ImageEncoder, and here X is series data",
        X=IMAGES[:, 0, :, 0],
    )
    refused("'start_from' is not fitted", start_from=CNNClassifier(**BRIEF))
    refused("freeze_body=True has no effect", start_from=None, freeze_body=True)
    refused("must be .*estimator of lamina", start_from=3)
    dense = DNNClassifier(max_iter=1).fit(IMAGES[:, 0, :, 0], LABELS)
    refused("whose body is a DenseBody, and CNNClassifier has a Conv", start_from=dense)
    with pytest.raises((SavedFileError, OSError), match=r"absent\.lamina"):
        CNNClassifier(start_from="absent.lamina", **BRIEF).fit(IMAGES, LABELS)


def test_parameters_of_training_may_differ(source):
    params = {**BRIEF, "dropout": 0.5, "augmentation": "shift"}
    network = CNNClassifier(start_from=source, **params).fit(IMAGES, LABELS)
    assert network.n_iter_ == 2


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_a_network_of_which_only_biases_are_trained_is_trained(optimizer):
    texts = ["a rose", "is a rose"] * 10
    params = {**RECURRENT, "unit": "char", "max_iter": 2, "random_state": 0}
    source = LanguageModel(**params).fit(texts)
    network = LanguageModel(
        **params, optimizer=optimizer, start_from=source, freeze_body=True
    )
    assert network.fit(texts).n_parameters_ == len(network.vocabulary_)


def test_a_file_is_a_source(source, tmp_path):
    path = tmp_path / "source.lamina"
    source.save(path)
    params = {**BRIEF, "freeze_body": True}
    expected = CNNRegressor(start_from=source, **params).fit(IMAGES, LABELS)
    network = clone(CNNRegressor(start_from=path, **params)).fit(IMAGES, LABELS)
    np.testing.assert_array_equal(network.predict(IMAGES), expected.predict(IMAGES))
    assert network.start_from == path
    network.save(tmp_path / "network.lamina")
    path.unlink()
    loaded = lamina.load(tmp_path / "network.lamina")
    assert loaded.start_from == path
    np.testing.assert_array_equal(network.predict(IMAGES), loaded.predict(IMAGES))
    before = state_of(loaded.network_.body)
    loaded.partial_fit(IMAGES, LABELS)
    assert all(same(before, state_of(loaded.network_.body)).values())


def test_clone_and_search_keep_a_source_that_is_wrapped(source):
    network = CNNClassifier(start_from=FrozenEstimator(source), **BRIEF)
    search = GridSearchCV(network, {"freeze_body": [True, False]}, cv=2).fit(
        IMAGES, LABELS
    )
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    with pytest.raises(ParameterError, match="FrozenEstimator"):
        clone(network.set_params(start_from=source)).fit(IMAGES, LABELS)


def test_a_fit_with_a_frozen_body_is_resumed_from_its_checkpoint(source, tmp_path):
    params = {**BRIEF, "start_from": source, "freeze_body": True, "max_iter": 4}
    saving = {"checkpoint": str(tmp_path / "fit"), "checkpoint_every": "1 epoch"}
    failing = CNNClassifier(**params, **saving)
    with pytest.raises(InjectedError):
        failing.set_callbacks(RaiseInEpoch(InjectedError, 3)).fit(IMAGES, LABELS)
    resumed = CNNClassifier(**params, **saving).fit(IMAGES, LABELS)
    whole = CNNClassifier(**params).fit(IMAGES, LABELS)
    assert all(same(state_of(whole.network_), state_of(resumed.network_)).values())


def test_a_network_with_a_frozen_body_is_exported(source, tmp_path):
    network = CNNClassifier(start_from=source, freeze_body=True, **BRIEF)
    network.fit(IMAGES, LABELS).to_onnx(tmp_path / "a.onnx")
    exported = Predictor(tmp_path / "a.onnx").predict_proba(IMAGES.astype("f4"))
    np.testing.assert_allclose(exported, network.predict_proba(IMAGES), atol=1e-5)


def test_the_number_of_epochs_is_chosen_with_the_body_as_well():
    X = np.random.default_rng(0).normal(size=(80, 3))
    y = (X[:, 0] > 0).astype(int)
    params = {"hidden_layer_sizes": 8, "random_state": 0, "n_iter_no_change": 2}
    source = DNNRegressor(**params, max_iter=5).fit(X, X[:, 0])
    network = DNNClassifier(**params, start_from=source, freeze_body=True).fit(X, y)
    assert network.validation_scores_ is not None
    body = state_of(network.network_.body)
    assert all(same(state_of(source.network_.body), body).values())
