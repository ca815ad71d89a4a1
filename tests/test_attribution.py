"""Attributions of texts, series, images and recordings."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import (
    CNNClassifier,
    CNNRegressor,
    DNNClassifier,
    DNNRegressor,
    RNNClassifier,
    RNNRegressor,
)
from lamina.encoders.tokenizers import TOKENIZERS, spans
from lamina.exceptions import DataError, ParameterError
from lamina.inspection import explain
from lamina.scripts import composed

CALM = settings(deadline=None, max_examples=15)
CNN = {"n_filters": (6, 8), "max_iter": 3, "random_state": 0}
RNN = {"hidden_size": 6, "n_layers": 1, "max_iter": 3, "random_state": 0}
DNN = {"hidden_layer_sizes": (8,), "n_members": 2, "max_iter": 3, "random_state": 0}
RATE = 4000


def some_series(n=40, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(4 + i % 7, 2)) for i in range(n)]


def some_images(n=40, seed=0):
    return np.random.default_rng(seed).random((n, 9, 7, 3))


def some_sounds(n=24, seed=0):
    rng = np.random.default_rng(seed)
    return [0.1 * rng.normal(size=RATE // 8 + 200 * (i % 3)) for i in range(n)]


def some_texts(n=40, seed=0):
    rng = np.random.default_rng(seed)
    words = ["good", "bad", "film", "Story", "ends", "well", ","]
    return [" ".join(rng.choice(words, 2 + i % 5)) for i in range(n)]


def labels(n, n_labels=3):
    return np.arange(n) % n_labels


SAMPLES = {
    "series": some_series,
    "image": some_images,
    "audio": some_sounds,
    "text": some_texts,
}
NETWORKS = [
    ("series", CNNClassifier, CNN),
    ("series", RNNClassifier, RNN),
    ("series", RNNRegressor, RNN | {"cell": "gru"}),
    ("image", CNNClassifier, CNN),
    ("image", CNNRegressor, CNN),
    ("audio", CNNClassifier, CNN | {"sampling_rate": RATE, "n_mels": 8}),
    ("audio", RNNRegressor, RNN | {"sampling_rate": RATE, "n_mels": 8}),
    ("text", DNNClassifier, DNN),
    ("text", CNNClassifier, CNN | {"max_iter": 12}),
    ("text", CNNRegressor, CNN | {"ngram_features": False}),
    ("text", RNNClassifier, RNN | {"cell": "rnn"}),
]


@pytest.fixture(
    scope="module", params=NETWORKS, ids=lambda p: f"{p[0]}-{p[1].__name__}"
)
def fitted(request):
    form, public, params = request.param
    X = SAMPLES[form]()
    network = public(**params).fit(X, labels(len(X)))
    assert network.form_ == form
    return network


def outputs_of(network, X):
    if hasattr(network, "decision_function"):
        return network.decision_function(X).max(1)
    return network.predict(X)


def gaps(attribution):
    """By how much the values miss the difference, in parts of the absolute values."""
    sums = np.array([values.sum() for values in attribution.values])
    sizes = np.array([np.abs(values).sum() for values in attribution.values])
    difference = attribution.output - attribution.base_value
    return np.abs(sums - difference) / (sizes + 0.1 * np.abs(attribution.output) + 1e-3)


@CALM
@given(seed=st.integers(0, 1000), n=st.integers(1, 5))
def test_values_sum_up_to_the_difference_of_the_outputs(fitted, seed, n):
    X = SAMPLES[fitted.form_](n, seed)
    attribution = explain(fitted, X)
    assert attribution.method == "integrated_gradients"
    assert gaps(attribution).max() <= 1e-3
    np.testing.assert_allclose(
        attribution.output, outputs_of(fitted, X), rtol=1e-4, atol=1e-5
    )


def test_values_have_the_shape_of_the_samples(fitted):
    X = SAMPLES[fitted.form_](9)
    for method in ("integrated_gradients", "occlusion"):
        attribution = explain(fitted, X, method=method)
        assert attribution.form == fitted.form_ and attribution.method == method
        for sample, values in zip(attribution.samples, attribution.values, strict=True):
            if fitted.form_ == "text":
                shape = (len(sample.words),)
            elif fitted.form_ == "audio":
                shape = (len(sample.times), len(sample.frequencies))
                assert sample.levels.shape == shape
            else:
                shape = sample.shape
            assert values.shape == shape
        if attribution.feature_names is not None:
            assert attribution.importances.shape == attribution.feature_names.shape


def test_one_sample_has_the_values_that_it_has_among_others(fitted):
    X = SAMPLES[fitted.form_](20)
    of_all, of_one = explain(fitted, X), explain(fitted, X[7:8])
    scale = np.abs(of_all.values[7]).sum()
    np.testing.assert_allclose(of_one.values[0], of_all.values[7], atol=2e-3 * scale)
    occluded = explain(fitted, X, method="occlusion").values[7]
    (one,) = explain(fitted, X[7:8], method="occlusion").values
    np.testing.assert_allclose(one, occluded, atol=1e-5)


@given(st.text())
def test_the_words_of_a_text_are_where_the_network_reads_them(text):
    text = composed(text)
    for unit, tokenize in TOKENIZERS.items():
        tokens, places = tokenize(text), spans(text, unit)
        assert len(tokens) == len(places)
        assert all(start < stop for start, stop in places)
        if text.isascii():
            assert [text[i:j].lower() for i, j in places] == [t.lower() for t in tokens]


def test_a_text_has_its_words_and_their_places():
    X = some_texts()
    network = DNNClassifier(**DNN).fit(X, labels(len(X)))
    (sample,) = explain(network, ["Well, the Cafe\u0301 ends"]).samples
    assert sample.words == ["well", ",", "the", "café", "ends"]
    places = [sample.text[start:stop] for start, stop in sample.offsets]
    assert places == ["Well", ",", "the", "Café", "ends"]
    network = RNNClassifier(**RNN).fit([text.split() for text in X], labels(len(X)))
    (sample,) = explain(network, [["good", "Story"]]).samples
    assert sample.text == "good Story" and sample.offsets.tolist() == [[0, 4], [5, 10]]


def test_frames_have_times_and_bands_frequencies():
    X = some_sounds()
    network = CNNClassifier(sampling_rate=RATE, n_mels=8, **CNN)
    (sample,) = explain(network.fit(X, labels(len(X))), X[:1]).samples
    np.testing.assert_allclose(sample.times, np.arange(len(sample.times)) / 100)
    assert (np.diff(sample.frequencies) > 0).all()
    assert 0 < sample.frequencies[0] < sample.frequencies[-1] < RATE / 2
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    (sample,) = explain(network, [tone]).samples
    loudest = sample.frequencies[sample.levels.mean(0).argmax()]
    assert loudest == pytest.approx(1000, rel=0.15)


def test_a_missing_value_counts_for_its_channel():
    X = some_series()
    for series in X[::3]:
        series[1, 0] = np.nan
    y = np.array([np.isnan(series).any() for series in X])
    network = RNNClassifier(**(RNN | {"max_iter": 30})).fit(X, y)
    attribution = explain(network, X)
    assert attribution.values[0].shape == X[0].shape
    assert gaps(attribution).max() <= 1e-3
    assert np.abs(attribution.values[0]).argmax() == 2  # step 1 of channel 0


def test_channels_have_the_names_of_their_columns():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {"who": np.repeat(range(20), 5), "pulse": rng.normal(size=100), "heat": 1.0}
    )
    frame["heat"] = rng.normal(size=100)
    network = RNNRegressor(id_column="who", **RNN).fit(frame, rng.normal(size=20))
    attribution = explain(network, frame)
    assert attribution.feature_names.tolist() == ["pulse", "heat"]
    wide = RNNRegressor(**RNN).fit(rng.normal(size=(20, 4)), rng.normal(size=20))
    assert explain(wide, rng.normal(size=(2, 4))).feature_names.tolist() == [
        "channel 0"
    ]


def test_importances_of_words_are_those_of_all_their_places():
    X = ["good good film", "bad film"] * 10
    network = DNNClassifier(**DNN).fit(X, [1, 0] * 10)
    attribution = explain(network, X[:2])
    first, second = (np.abs(values) for values in attribution.values)
    expected = [second[0], first[2] + second[1], first[0] + first[1]]
    assert attribution.feature_names.tolist() == ["bad", "film", "good"]
    np.testing.assert_allclose(attribution.importances, np.array(expected) / 2)


def test_outputs_are_named_by_targets():
    X = some_series()
    y = np.stack([labels(len(X)), labels(len(X), 2)], 1)
    network = RNNClassifier(**RNN).fit(X, y)
    attribution = explain(network, X[:4], target=(1, 0))
    assert "(1, 0)" in attribution.output_name and gaps(attribution).max() <= 1e-3
    images = some_images()
    y = images.mean((1, 2))
    network = CNNRegressor(**CNN).fit(images, y)
    attribution = explain(network, images[:4], target=2)
    np.testing.assert_allclose(
        attribution.output, network.predict(images[:4])[:, 2], rtol=1e-4
    )


def test_baselines_have_the_steps_of_the_samples():
    X = some_images()
    network = CNNRegressor(**CNN).fit(X, X.mean((1, 2, 3)))
    attribution = explain(network, X[:4], baseline=X[4:6])
    base_value = network.predict(X[4:6]).mean()
    np.testing.assert_allclose(attribution.base_value, base_value, rtol=1e-4)
    assert gaps(attribution).max() <= 1e-3
    series = some_series()
    network = RNNRegressor(**RNN).fit(series, labels(len(series)))
    with pytest.raises(DataError, match="same number of steps"):
        explain(network, series, baseline=series[:1])
    texts = some_texts()
    network = DNNRegressor(**DNN).fit(texts, labels(len(texts)))
    with pytest.raises(ParameterError, match=r"'baseline'.*texts"):
        explain(network, texts, baseline=texts[:1])


def test_arguments_without_effect_are_refused():
    X = some_images()
    network = CNNClassifier(**CNN).fit(X, labels(len(X)))
    for arguments, message in [
        ({"method": "grad_cam", "baseline": X[:1]}, "'baseline' has no effect"),
        ({"method": "integrated_gradients", "patch_size": 2}, "'patch_size' has no"),
    ]:
        with pytest.raises(ParameterError, match=message):
            explain(network, X, **arguments)
    texts = some_texts()
    network = CNNClassifier(**CNN).fit(texts, labels(len(texts)))
    with pytest.raises(
        ParameterError, match=r"images, series or recordings.*text data"
    ):
        explain(network, texts, method="grad_cam")


def test_no_warning_is_issued_by_default(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(fitted, SAMPLES[fitted.form_](3))
