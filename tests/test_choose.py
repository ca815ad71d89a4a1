"""Which form X is recognised as, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse

from lamina import CNNClassifier, CNNRegressor, DNNClassifier, RNNClassifier
from lamina.encoders.choose import choose
from lamina.encoders.containers import unwrap
from lamina.exceptions import DataError, DataWarning, ParameterError

RNG = np.random.default_rng(0)
Y = [0, 1] * 5
SMALL = {
    CNNClassifier: {"n_filters": (2,), "max_iter": 1, "random_state": 0},
    RNNClassifier: {"hidden_size": 2, "max_iter": 1, "random_state": 0},
    DNNClassifier: {"hidden_layer_sizes": (2,), "max_iter": 1, "random_state": 0},
}


def form_of(X, network=None):
    network = CNNClassifier() if network is None else network
    return choose(unwrap(X, is_table=False), network.forms(), network)


@pytest.mark.parametrize(
    ("X", "form"),
    [
        (np.zeros((3, 5)), "series"),
        (np.zeros((3, 5, 2)), "series"),
        (np.arange(75).reshape(3, 5, 5), "image"),
        (np.zeros((3, 5, 9), np.uint8), "image"),
        (np.zeros((3, 5, 9, 1)), "image"),
        (torch.zeros(3, 5, 9, 1), "image"),
        ([np.zeros(4), np.zeros(5)], "series"),
        ([np.zeros((4, 2)), np.zeros((5, 2))], "series"),
        ([[1.0, 2.5], [3.0]], "series"),
        ([[[1, 2]], [[3, 4], [5, 6]]], "series"),
        ([torch.zeros(4), torch.zeros(5)], "series"),
        ([np.zeros((4, 4, 3))] * 2, "image"),
        (["a text", "another"], "text"),
        (np.array(["a text", "another"]), "text"),
        (pd.Series(["a text", "another"]), "text"),
        (pd.DataFrame({"said": ["a text", "another"]}), "text"),
        (pl.DataFrame({"said": ["a text", "another"]}), "text"),
        (pd.DataFrame(np.zeros((3, 5))), "series"),
        ([["two", "tokens"], ["one"]], "text"),
        ([["two", "tokens"], ["also", "two"]], "text"),
        (["a.png", "b.JPG"], "image"),
        ([Path("a.wav"), Path("b.flac")], "audio"),
        (["see a.png", "no file"], "text"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_the_form_of_data_is_seen_from_its_leaves(X, form):
    assert form_of(X) == form


def test_waveforms_are_sound_only_where_a_sampling_rate_is_given():
    waves = [np.zeros(400), np.zeros(500)]
    assert form_of(waves) == "series"
    assert form_of(waves, RNNClassifier(sampling_rate=8000)) == "audio"


def test_the_parameter_form_overrides_the_detected_form():
    square = np.zeros((3, 5, 5))
    assert form_of(square, CNNClassifier(form="series")) == "series"
    assert form_of(["a.png"], CNNClassifier(form="text")) == "text"


@pytest.mark.parametrize(
    ("shape", "form", "other"),
    [((3, 16, 20), "series", "image"), ((3, 5, 5), "image", "series")],
)
def test_an_array_that_may_be_pictures_or_series_is_named(shape, form, other):
    X = np.linspace(-1, 1, np.prod(shape)).reshape(shape)
    with pytest.warns(DataWarning, match=f'form="{form}".*form="{other}"'):
        assert form_of(X) == form
    assert form_of(X, CNNClassifier(form=other)) == other


def test_unknown_suffixes_are_refused_and_listed():
    with pytest.raises(DataError, match=r"\.xyz"):
        form_of([Path("a.xyz"), Path("b.png")])


@pytest.mark.parametrize("X", ["a text", Path("a.png")], ids=["text", "path"])
def test_a_single_sample_is_not_read_as_a_list_of_samples(X):
    with pytest.raises(DataError, match="single sample"):
        RNNClassifier().fit(X, [0])


@pytest.mark.parametrize("estimator", SMALL, ids=lambda e: e.__name__)
@pytest.mark.parametrize(
    "X", [None, [], np.zeros((0, 3))], ids=["None", "list", "array"]
)
def test_no_samples_are_refused(estimator, X):
    with pytest.raises(ValueError, match=r"X is None|0 sample"):
        estimator(**SMALL[estimator]).fit(X, [])


def test_ragged_rows_are_no_table_and_the_message_names_other_estimators():
    with pytest.raises(DataError, match=r"1 to 2.*RNNClassifier"):
        DNNClassifier().fit([[1, 2], [3]], [0, 1])


def test_a_recurrent_network_refuses_images():
    with pytest.raises(DataError, match="image"):
        RNNClassifier().fit(np.zeros((10, 4, 4, 1)), Y)


def test_a_sparse_matrix_is_not_read_as_series():
    with pytest.raises((TypeError, ValueError), match=r"(?i)sparse"):
        RNNClassifier(**SMALL[RNNClassifier]).fit(sparse.eye(10, format="csr"), Y)


@pytest.mark.parametrize(
    ("X", "params"),
    [
        (RNG.normal(size=(10, 4)), {"max_tokens": 7}),
        (RNG.normal(size=(10, 4)), {"n_mels": 7}),
        (["a b"] * 10, {"image_size": 8}),
        (RNG.normal(size=(10, 6, 6, 1)), {"token_unit": "char"}),
    ],
    ids=["tokens", "mels", "size", "unit"],
)
def test_a_parameter_of_another_form_of_data_is_refused(X, params):
    name = next(iter(params))
    with pytest.raises(ParameterError, match=f"{name}=.* has no effect"):
        CNNClassifier(**SMALL[CNNClassifier], **params).fit(X, Y)


@pytest.mark.parametrize("estimator", SMALL, ids=lambda e: e.__name__)
def test_arrays_tensors_lists_and_frames_of_the_same_numbers_give_the_same(estimator):
    X = RNG.normal(size=(10, 5))
    network = estimator(**SMALL[estimator])
    truth = network.fit(X, Y).predict_proba(X)
    for other in (X.tolist(), torch.tensor(X)):
        np.testing.assert_array_equal(network.fit(other, Y).predict_proba(other), truth)
    frame = pd.DataFrame(X, columns=list("abcde"))
    np.testing.assert_array_equal(network.fit(frame, Y).predict_proba(frame), truth)


def test_another_form_than_in_fit_is_refused_in_predict():
    network = RNNClassifier(**SMALL[RNNClassifier]).fit(["a b", "c"] * 5, Y)
    with pytest.raises(DataError):
        network.predict(RNG.normal(size=(3, 4)))
    network = RNNClassifier(**SMALL[RNNClassifier]).fit(RNG.normal(size=(10, 4)), Y)
    with pytest.raises(DataError):
        network.predict(["a text", "b"])


def test_a_list_predicts_as_the_array_of_the_same_samples():
    X = RNG.normal(size=(10, 6, 2))
    network = RNNClassifier(**SMALL[RNNClassifier]).fit(X, Y)
    np.testing.assert_allclose(
        network.predict_proba(list(X)), network.predict_proba(X), atol=1e-6
    )


def test_grey_images_with_and_without_a_channel_axis_are_the_same():
    X = RNG.integers(0, 200, size=(10, 6, 6))
    network = CNNRegressor(n_filters=(2,), max_iter=1, random_state=0)
    truth = network.fit(X, np.arange(10)).predict(X)
    np.testing.assert_array_equal(
        network.fit(X[..., None], np.arange(10)).predict(X[..., None]), truth
    )


def test_waveforms_of_one_length_may_be_an_array():
    waves = np.random.default_rng(0).uniform(-1, 1, size=(6, 2000))
    network = CNNClassifier(n_filters=(2,), max_iter=1, random_state=0)
    network.set_params(sampling_rate=8000).fit(waves, [0, 1] * 3)
    assert network.form_ == "audio"
    np.testing.assert_allclose(
        network.predict_proba(waves), network.predict_proba(list(waves)), atol=1e-6
    )
