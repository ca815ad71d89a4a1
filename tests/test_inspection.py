"""Displays against predictions, recurrences of numpy, and layers of torch."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse
from scipy.special import expit

from lamina import (
    CNNClassifier,
    CNNRegressor,
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    LanguageModel,
    RNNClassifier,
    SequenceTagger,
    SpeechRecognizer,
    Translator,
)
from lamina.exceptions import DataError, MissingExtraError, ParameterError
from lamina.inspection import (
    AttentionDisplay,
    ErrorsDisplay,
    FeatureMapDisplay,
    FilterDisplay,
    ForecastDisplay,
    GateDisplay,
    HistoryDisplay,
    TranscriptDisplay,
)
from lamina.inspection.forecast import SeriesForecast

pytest.importorskip("matplotlib").use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

RATE = 8_000
DENSE = {"hidden_layer_sizes": (8,), "n_members": 2, "max_iter": 3, "random_state": 0}
CONV = {"n_filters": (4, 6), "max_iter": 1, "random_state": 0}
RECURRENT = {"hidden_size": 5, "n_layers": 1, "max_iter": 1, "random_state": 0}


@pytest.fixture(autouse=True)
def _closes_figures():
    yield
    pyplot.close("all")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def tone(hertz, n=2_000):
    return np.sin(2 * np.pi * hertz * np.arange(n) / RATE)


def drawn(ax):
    """The array of the only image of some axes."""
    (image,) = ax.get_images()
    return np.asarray(image.get_array())


# History ---------------------------------------------------------------------------------


def test_the_history_has_the_losses_and_scores_of_the_fit():
    X, y = noise(80, 3), noise(80, seed=1)
    network = DNNRegressor(**DENSE).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    display = HistoryDisplay.from_estimator(network, seconds=2.5)
    (loss,) = display.ax_.get_lines()[:1]
    np.testing.assert_array_equal(loss.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(loss.get_ydata(), network.loss_curve_)
    scores = display.score_ax_.get_lines()[0]
    np.testing.assert_array_equal(scores.get_ydata(), network.validation_scores_)
    assert display.best_epoch_ == 1 + np.argmax(network.validation_scores_)
    assert display.ax_.get_title() == "DNNRegressor, 3 epochs, 2.5 s"


def test_the_history_marks_the_number_of_epochs_that_was_chosen():
    X = noise(120, 3)
    params = DENSE | {"max_iter": "auto", "learning_rate_init": 0.02}
    network = DNNClassifier(**params).fit(X, X[:, 0] + noise(120, seed=1) > 0)
    display = HistoryDisplay.from_estimator(network)
    assert len(network.validation_scores_) > network.n_iter_
    assert display.best_epoch_ == network.n_iter_
    (words,) = [t.get_text() for t in display.ax_.texts]
    assert words == f"chosen: {network.n_iter_} epochs"
    assert display.score_ax_.get_ylabel() == "minus the validation loss"


@pytest.mark.parametrize(
    ("scores", "best"),
    [([1, 3, 2], 2), ([1, 2, 2], 3), ([np.nan, 1, np.nan], 2), (None, None)],
)
def test_the_best_epoch_is_the_last_with_the_greatest_score(scores, best):
    display = HistoryDisplay([3, 2, 1], validation_scores=scores).plot()
    assert display.best_epoch_ == best
    assert (display.score_ax_ is None) == (scores is None)


# Forecasts -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def series():
    t = np.arange(60)
    return np.stack([np.sin(t / 2) + k + 0.1 * noise(60, seed=k) for k in range(3)])


@pytest.fixture(scope="module")
def forecaster(series):
    return Forecaster(
        horizon=4, season=12, hidden_size=5, quantiles=(0.9, 0.1, 0.6), max_iter=1
    ).fit(series[:, :56])


def test_forecasts_are_those_of_predict_and_the_truth_is_y(forecaster, series):
    X, y = series[:, :56], series[:, 56:]
    display = ForecastDisplay.from_estimator(forecaster, X, y, n_series=2)
    assert len(display.axes_) == len(display.forecasts) == 2
    for i, (ax, forecast) in enumerate(
        zip(display.axes_, display.forecasts, strict=True)
    ):
        np.testing.assert_allclose(forecast.median, forecaster.predict(X)[i])
        quantiles = forecaster.predict_quantiles(X)[i]
        np.testing.assert_allclose(forecast.quantiles, quantiles)
        by_label = {line.get_label(): line for line in ax.get_lines()}
        np.testing.assert_array_equal(by_label["held-out truth"].get_ydata(), y[i])
        np.testing.assert_array_equal(
            by_label["held-out truth"].get_xdata(), np.arange(56, 60)
        )
        np.testing.assert_array_equal(by_label["history"].get_ydata(), X[i, -24:])
        (band,) = ax.collections
        heights = band.get_paths()[0].vertices[:, 1]
        assert band.get_label() == "10 % to 90 %"
        assert heights.min() == pytest.approx(quantiles[:, 1].min())
        assert heights.max() == pytest.approx(quantiles[:, 0].max())


def test_the_bands_of_a_fan_do_not_cover_one_another():
    quantiles = np.array([[0.0, 1.0, 2.0, 4.0], [1.0, 3.0, 5.0, 9.0]])
    levels = (0.05, 0.25, 0.75, 0.95)
    forecast = SeriesForecast(np.arange(3.0), quantiles.mean(1), quantiles, levels)
    outer, inner = ForecastDisplay([forecast]).plot().ax_.collections
    below, above, between = *outer.get_paths(), inner.get_paths()[0]
    for path, low, high in ((below, 0, 1), (between, 1, 2), (above, 2, 3)):
        corners = set(map(tuple, path.vertices))
        ends = quantiles[:, [low, high]]
        assert corners == {(3 + i, v) for i in (0, 1) for v in ends[i]}
    assert [outer.get_label(), inner.get_label()] == ["5 % to 95 %", "25 % to 75 %"]


def test_forecasts_continue_the_series_of_fit(forecaster, series):
    display = ForecastDisplay.from_estimator(forecaster)
    np.testing.assert_allclose(
        np.stack([f.median for f in display.forecasts]), forecaster.predict()
    )
    assert display.forecasts[0].times[-1] == 59
    assert display.forecasts[0].truth is None
    display.plot(n_steps=2)
    assert len(display.axes_[0].get_lines()[0].get_ydata()) == 2


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_forecasts_of_frames_are_drawn_at_their_dates(library):
    days = pd.date_range("2024-01-01", periods=50)
    long = pd.DataFrame(
        {
            "shop": ["b"] * 50 + ["a"] * 50,
            "day": [*days, *days],
            "sold": np.tile(np.arange(50.0) % 7, 2),
        }
    )
    before, after = long[long["day"] < days[46]], long[long["day"] >= days[46]]
    if library == "polars":
        before, after = pl.DataFrame(before), pl.DataFrame(after)
    columns = {"id_column": "shop", "time_column": "day", "value_column": "sold"}
    network = Forecaster(horizon=4, hidden_size=4, max_iter=1, **columns).fit(before)
    display = ForecastDisplay.from_estimator(network, before, after)
    assert [f.name for f in display.forecasts] == ["b", "a"]
    for forecast in display.forecasts:
        np.testing.assert_array_equal(forecast.times[-4:], days[46:].to_numpy())
        np.testing.assert_array_equal(forecast.truth, np.arange(46.0, 50) % 7)
        assert forecast.quantiles.shape == (4, 0)


def test_what_a_forecast_display_refuses_is_named(forecaster, series):
    with pytest.raises(ParameterError, match="a fitted Forecaster"):
        ForecastDisplay.from_estimator(
            DNNRegressor(**DENSE).fit(noise(20, 2), noise(20))
        )
    with pytest.raises(ParameterError, match="'n_series'"):
        ForecastDisplay.from_estimator(forecaster, n_series=0)
    with pytest.raises(ParameterError, match="'n_steps'"):
        ForecastDisplay.from_estimator(forecaster).plot(n_steps=0)
    with pytest.raises(DataError, match="y has shape"):
        ForecastDisplay.from_estimator(forecaster, y=series[:2, 56:])


# Filters and feature maps ----------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures():
    """Grey pictures, read as uint8, of two classes."""
    X = (60 + 40 * noise(40, 12, 10)).clip(0, 255).astype(np.uint8)
    y = np.arange(40) % 2
    X[y == 1, 3:6] = 250
    network = CNNClassifier(form="image", **CONV).fit(X, np.array(["dark", "bar"])[y])
    return network, X, np.array(["dark", "bar"])[y]


def test_filters_are_the_weights_of_the_first_convolution(pictures):
    network = pictures[0]
    weight = network.network_.state_dict()["body.stem.conv.weight"].numpy()
    display = FilterDisplay.from_estimator(network, n_filters=3)
    np.testing.assert_array_equal(display.filters, weight)
    assert len(display.axes_) == 3
    np.testing.assert_array_equal(drawn(display.axes_[1]), weight[1, 0])


def test_filters_of_series_are_lines_and_those_of_sounds_pictures():
    X = noise(20, 30, 2)
    network = CNNRegressor(form="series", **CONV).fit(X, X.mean((1, 2)))
    display = FilterDisplay.from_estimator(network)
    _, *lines = display.axes_[0].get_lines()
    weight = network.network_.state_dict()["body.stem.conv.weight"].numpy()
    for line, expected in zip(lines, weight[0], strict=True):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(-3, 4))
        np.testing.assert_array_equal(line.get_ydata(), expected)
    sounds = [tone(400 + 20 * i) for i in range(20)]
    heard = CNNRegressor(form="audio", sampling_rate=RATE, n_mels=12, **CONV)
    display = FilterDisplay.from_estimator(heard.fit(sounds, np.arange(20.0)))
    assert drawn(display.axes_[0]).shape == (12, 7)


def test_filters_of_colour_pictures_are_grey_where_they_are_zero():
    filters = np.zeros((1, 3, 3, 3))
    filters[0, 0, 1, 1], filters[0, 2, 0, 0] = 2, -2
    pixels = drawn(FilterDisplay(filters, form="image").plot().axes_[0])
    np.testing.assert_array_equal(pixels[2, 2], [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(pixels[1, 1], [1, 0.5, 0.5])
    np.testing.assert_array_equal(pixels[0, 0], [0.5, 0.5, 0])


def test_feature_maps_are_those_of_plain_torch(pictures):
    network, X, _ = pictures
    state = {
        name.removeprefix("body.stem."): value
        for name, value in network.network_.state_dict().items()
        if name.startswith("body.stem.")
    }
    x = (torch.tensor(X[5]).double() - X.mean()) / X.std()
    h = torch.nn.functional.conv2d(
        x[None, None], state["conv.weight"].double(), padding=1
    )[0]
    mean, variance = state["norm.mean"], state["norm.variance"]
    h = (h - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
    h = h * state["norm.weight"][:, None, None] + state["norm.bias"][:, None, None]
    display = FeatureMapDisplay.from_estimator(network, X[5])
    np.testing.assert_allclose(display.maps, h.clamp(min=0).numpy(), atol=1e-4)
    np.testing.assert_allclose(drawn(display.axes_[0]) * 255, X[5], atol=1e-9)
    np.testing.assert_array_equal(drawn(display.axes_[2]), display.maps[1])


def test_feature_maps_of_the_last_stage_are_the_features(pictures):
    network, X, _ = pictures
    display = FeatureMapDisplay.from_estimator(network, X[0], layer="stages.1")
    features = network.transform(X[:1])[0]
    np.testing.assert_allclose(display.maps.mean((1, 2)), features, atol=1e-5)
    with pytest.raises(ParameterError, match=r"'stem', 'stages.0', 'stages.1'"):
        FeatureMapDisplay.from_estimator(network, X[0], layer="stages.2")


def test_the_maps_that_vary_most_are_drawn_in_the_order_of_the_filters():
    maps = np.zeros((5, 4, 4))
    for i, height in enumerate([1, 9, 0, 5, 7]):
        maps[i, 0, 0] = height
    display = FeatureMapDisplay(maps).plot(n_maps=3)
    assert [ax.get_title() for ax in display.axes_] == ["1", "3", "4"]


def test_feature_maps_of_a_sequence_have_its_length():
    X = [noise(n, 2, seed=n) for n in (20, 33, 25, 28)] * 5
    network = CNNClassifier(**CONV).fit(X, np.arange(20) % 2)
    display = FeatureMapDisplay.from_estimator(network, X[1])
    assert display.maps.shape == (4, 33)
    np.testing.assert_array_equal(drawn(display.axes_[-1]), display.maps)


def test_networks_without_convolutions_are_refused():
    network = DNNClassifier(**DENSE).fit(noise(20, 2), np.arange(20) % 2)
    with pytest.raises(ParameterError, match="a convolutional network"):
        FilterDisplay.from_estimator(network)
    with pytest.raises(ParameterError, match="a convolutional network"):
        FeatureMapDisplay.from_estimator(network, noise(2))
    with pytest.raises(ParameterError, match="a recurrent network"):
        GateDisplay.from_estimator(network, noise(2))
    texts = CNNClassifier(**CONV).fit(["a b", "b c"] * 10, [0, 1] * 10)
    with pytest.raises(ParameterError, match="fitted on text"):
        FilterDisplay.from_estimator(texts)


# Gates -----------------------------------------------------------------------------------


def numpy_steps(cell, x, weights):
    """The gates and states of a layer of each kind, by numpy alone."""
    W, V, b, c = (w.double().numpy() for w in weights)
    h, memory, steps = np.zeros(V.shape[1]), np.zeros(V.shape[1]), []
    for x_t in x.astype(float):
        p, q = W @ x_t + b, V @ h + c
        if cell == "rnn":
            h = np.tanh(p + q)
            steps.append([h])
        elif cell == "gru":
            (p_r, p_z, p_n), (q_r, q_z, q_n) = np.split(p, 3), np.split(q, 3)
            r, z = expit(p_r + q_r), expit(p_z + q_z)
            h = (1 - z) * np.tanh(p_n + r * q_n) + z * h
            steps.append([r, z, h])
        else:
            i, f, g, o = np.split(p + q, 4)
            memory = expit(f) * memory + expit(i) * np.tanh(g)
            h = expit(o) * np.tanh(memory)
            steps.append([expit(i), expit(f), expit(o), memory, h])
    return np.stack(steps, 1)


NAMES = {
    "lstm": ["input gate", "forget gate", "output gate", "cell state", "hidden state"],
    "gru": ["reset gate", "update gate", "hidden state"],
    "rnn": ["hidden state"],
}


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_gates_are_those_of_a_recurrence_of_numpy(cell, direction):
    X = [noise(n, 2, seed=n) for n in (6, 9, 4, 11)] * 5
    network = RNNClassifier(cell=cell, **RECURRENT).fit(X, np.arange(20) % 2)
    at = ["forward", "backward"].index(direction)
    (weights,) = network.network_.body.layers[0].directions[at].all_weights
    flat = np.concatenate(X)
    x = (X[1] - flat.mean(0)) / flat.std(0)
    backward = slice(None, None, -1 if at else 1)
    truth = numpy_steps(cell, x[backward], [w.detach() for w in weights])[:, backward]
    display = GateDisplay.from_estimator(network, X[1], direction=direction)
    assert list(display.values) == NAMES[cell]
    for actual, expected in zip(display.values.values(), truth, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-5)
    half = network.transform([X[1]])[0, 5 * at :][:5]
    hidden = display.values["hidden state"]
    np.testing.assert_allclose(hidden.mean(0), half, atol=1e-5)


def test_units_that_keep_their_state_longest_are_drawn_first():
    forget = np.array([[0.2, 0.9, 0.5], [0.3, 0.8, 0.6]])
    display = GateDisplay({"forget gate": forget, "cell state": forget}).plot()
    for ax in display.axes_:
        np.testing.assert_array_equal(drawn(ax), forget[:, [1, 2, 0]].T)


def tick_labels(display):
    return [t.get_text() for t in display.axes_[-1].get_xticklabels()]


def test_gates_have_a_step_for_each_token_of_a_text():
    texts = [["no", "good"], ["so", "very", "good"]] * 10
    tagger = SequenceTagger(**RECURRENT).fit(
        texts, [["O", *"BB"[: len(t) - 1]] for t in texts]
    )
    display = GateDisplay.from_estimator(tagger, texts[1])
    assert tick_labels(display) == ["so", "very", "good"]
    assert display.values["cell state"].shape == (3, 5)
    language = LanguageModel(unit="char", hidden_size=5, max_iter=1).fit(["abcab"] * 9)
    display = GateDisplay.from_estimator(language, "cab")
    assert tick_labels(display) == ["<begin>", "c", "a", "b"]
    assert display.values["cell state"].shape == (4, 5)
    translator = Translator(unit="char", hidden_size=4, decoder_size=6, max_iter=1)
    display = GateDisplay.from_estimator(translator.fit(["ab"] * 9, ["b"] * 9), "ab")
    assert tick_labels(display) == ["a", "b", "<end>"]


def test_gates_of_other_networks_have_the_steps_of_their_layers(forecaster, series):
    display = GateDisplay.from_estimator(forecaster, series[0])
    n_steps = forecaster.encoder_.window + 4
    assert display.values["cell state"].shape == (n_steps, 5)
    sounds = [tone(400 + 20 * i, 2_000 + 100 * i) for i in range(10)]
    speech = SpeechRecognizer(sampling_rate=RATE, n_filters=4, **RECURRENT)
    display = GateDisplay.from_estimator(speech.fit(sounds, ["a b"] * 10), sounds[3])
    assert len(display.sample.log_power) == 28  # windows of 25 ms every 10 ms of 288 ms
    assert display.values["cell state"].shape == (7, 5)


def test_a_direction_that_a_network_lacks_is_refused(forecaster, series):
    with pytest.raises(ParameterError, match=r"'direction'.*\{'forward'\}"):
        GateDisplay.from_estimator(forecaster, series[0], direction="backward")


# Attention and transcripts ---------------------------------------------------------------


def test_the_attention_matrix_is_that_of_the_network():
    network = Translator(unit="char", hidden_size=4, decoder_size=6, max_iter=1)
    network.fit(["a b", "ba"] * 8, ["c", "d"] * 8)
    display = AttentionDisplay.from_estimator(network, "a b", text="dc")
    (weights,) = network.attention(["a b"], ["dc"])
    np.testing.assert_array_equal(drawn(display.ax_), weights)
    assert display.written == ["d", "c", "<end>"]
    assert display.read == ["a", " ", "b", "<end>"]
    with pytest.raises(ParameterError, match="Translator or ImageCaptioner"):
        AttentionDisplay.from_estimator(RNNClassifier(**RECURRENT).fit(*two()), "a")


def two():
    return ["a b", "b c"] * 10, ["x", "y"] * 10


def test_a_tone_is_brightest_at_its_frequency_and_words_at_their_times():
    X = [tone(1_000), tone(2_000)] * 8
    network = SpeechRecognizer(sampling_rate=RATE, n_filters=4, **RECURRENT)
    network.fit(X, ["one", "two"] * 8)
    for wave, kilohertz in ((X[0], "1"), (X[1], "2")):
        display = TranscriptDisplay.from_estimator(network, wave, text="one")
        loudest = drawn(display.ax_).mean(1).argmax() + 0.5
        ticks = [t.get_text() for t in display.ax_.get_yticklabels()]
        at = display.ax_.get_yticks()[ticks.index(kilohertz)]
        assert loudest == pytest.approx(at, abs=1)
    assert display.words == network.timestamps([X[1]], ["one"])[0]
    assert display.ax_.get_images()[0].get_extent()[1] == pytest.approx(0.24)
    predicted = TranscriptDisplay.from_estimator(network, X[0]).text
    assert predicted == network.predict(X[:1])[0]


# Errors ----------------------------------------------------------------------------------


def test_the_worst_errors_have_the_least_probability_of_the_true_label(pictures):
    network, X, y = pictures
    display = ErrorsDisplay.from_estimator(network, X, y, n_errors=5)
    of_truth = network.predict_proba(X)[np.arange(40), (y == "dark").astype(int)]
    np.testing.assert_allclose(display.errors, np.sort(1 - of_truth)[::-1][:5])
    np.testing.assert_allclose(1 - of_truth[display.rows], display.errors)
    for ax, row in zip(display.axes_, display.rows, strict=True):
        np.testing.assert_allclose(drawn(ax) * 255, X[row], atol=1e-9)
        predicted = network.predict(X[[row]])[0]
        assert ax.get_title().startswith(f"true {y[row]} (")
        assert f"\npredicted {predicted} (" in ax.get_title()


def test_the_probability_of_several_labels_is_that_of_all():
    X = noise(60, 3)
    both = np.stack([X[:, 0] > 0, X[:, 1] > 0], 1)
    indicators = both.astype(int)
    network = DNNClassifier(**DENSE).fit(X, indicators)
    p = network.predict_proba(X)
    truth = np.where(both, p, 1 - p).prod(1)
    display = ErrorsDisplay.from_estimator(network, X, indicators)
    np.testing.assert_allclose(display.errors, np.sort(1 - truth)[::-1][:12])
    words = np.where(both, "yes", "no").astype(object)
    words[:, 1] = np.array(list("abc"))[np.digitize(X[:, 1], [-0.5, 0.5])]
    network = DNNClassifier(**DENSE).fit(X, words)
    first, second = network.predict_proba(X)
    of_first = first[np.arange(60), both[:, 0].astype(int)]
    of_second = second[np.arange(60), np.digitize(X[:, 1], [-0.5, 0.5])]
    display = ErrorsDisplay.from_estimator(network, X, words, n_errors=3)
    np.testing.assert_allclose(
        display.errors, np.sort(1 - of_first * of_second)[::-1][:3]
    )


def test_the_worst_errors_of_regressors_have_the_largest_residuals():
    X, y = noise(50, 2), noise(50, seed=1)
    network = DNNRegressor(**DENSE).fit(X, y)
    display = ErrorsDisplay.from_estimator(network, X, y, n_errors=4)
    residuals = np.abs(network.predict(X) - y)
    np.testing.assert_array_equal(display.rows, np.argsort(-residuals)[:4])
    pair = np.stack([y, 100 * y[::-1]], 1)
    network = DNNRegressor(**DENSE).fit(X, pair)
    scaled = (network.predict(X) - pair) / pair.std(0)
    display = ErrorsDisplay.from_estimator(network, X, pair, n_errors=4)
    np.testing.assert_allclose(
        display.errors, np.sort(np.sqrt((scaled**2).mean(1)))[::-1][:4]
    )
    several = DNNRegressor(loss="quantile", quantiles=(0.1, 0.9), **DENSE).fit(X, y)
    with pytest.raises(ParameterError, match="several quantiles"):
        ErrorsDisplay.from_estimator(several, X, y)


def texts_of(display):
    return [ax.texts[0].get_text() for ax in display.axes_]


@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame, dict])
def test_errors_of_a_table_show_the_values_of_the_row(container):
    columns = {
        "size": noise(30).tolist(),
        "town": [f"town {i % 12}" for i in range(30)],
    }
    X, y = container(columns), np.arange(30) % 2
    network = DNNClassifier(**DENSE).fit(X, y)
    display = ErrorsDisplay.from_estimator(network, X, y, n_errors=2)
    for text, row in zip(texts_of(display), display.rows, strict=True):
        assert text == (
            f"size: {columns['size'][row]:.4g}\ntown: {columns['town'][row]}"
        )


def test_errors_of_a_wide_or_sparse_table_count_the_other_columns():
    dense = np.round(noise(30, 20)) + 0.0  # without -0
    network = DNNRegressor(**DENSE).fit(dense, dense[:, 0])
    X = sparse.csr_matrix(dense)
    display = ErrorsDisplay.from_estimator(network, X, dense[:, 0], n_errors=2)
    for text, row in zip(texts_of(display), display.rows, strict=True):
        assert text.splitlines()[0] == f"x0: {dense[row, 0]:.4g}"
        assert text.splitlines()[-1] == "and 13 more columns"
    plain = ErrorsDisplay.from_estimator(network, dense, dense[:, 0], n_errors=2)
    assert texts_of(plain) == texts_of(display)


def test_errors_of_texts_series_and_sounds_are_drawn_as_these():
    X, y = two()
    network = RNNClassifier(**RECURRENT).fit(X, y)
    display = ErrorsDisplay.from_estimator(network, X, y, n_errors=2)
    assert texts_of(display) == [X[i] for i in display.rows]
    tokens = [text.split() for text in X]
    display = ErrorsDisplay.from_estimator(network, tokens, y, n_errors=2)
    assert texts_of(display) == [X[i] for i in display.rows]
    S = [noise(n, 2, seed=n) for n in (5, 8, 6, 7)] * 5
    network = RNNClassifier(**RECURRENT).fit(S, y)
    display = ErrorsDisplay.from_estimator(network, S, y, n_errors=2)
    for ax, row in zip(display.axes_, display.rows, strict=True):
        values = np.stack([line.get_ydata() for line in ax.get_lines()], 1)
        np.testing.assert_array_equal(values, S[row])
    sounds = [tone(1_000), tone(2_000)] * 10
    heard = RNNClassifier(form="audio", sampling_rate=RATE, **RECURRENT).fit(sounds, y)
    display = ErrorsDisplay.from_estimator(heard, sounds, y, n_errors=2)
    assert drawn(display.axes_[0]).shape == (40, 24)


def test_what_an_errors_display_refuses_is_named(pictures, forecaster):
    network, X, y = pictures
    with pytest.raises(ParameterError, match="'n_errors'"):
        ErrorsDisplay.from_estimator(network, X, y, n_errors=0)
    with pytest.raises(ParameterError, match="'n_columns'"):
        ErrorsDisplay.from_estimator(network, X, y, n_columns=0)
    with pytest.raises(DataError, match=r"39 targets|39 samples"):
        ErrorsDisplay.from_estimator(network, X, y[:39])
    with pytest.raises(DataError, match="not among the classes"):
        ErrorsDisplay.from_estimator(network, X, np.array(["dark", "wet"] * 20))
    with pytest.raises(ParameterError, match="classifier or regressor"):
        ErrorsDisplay.from_estimator(forecaster, X, y)


def test_texts_that_look_like_formulas_are_drawn_as_they_are():
    X, y = ["a $b_ c$ d", "b_{ \u00e9 $ c"] * 10, ["$x", "\\y$"] * 10
    network = RNNClassifier(**RECURRENT).fit(X, y)
    display = ErrorsDisplay.from_estimator(network, X, y, n_errors=2)
    display.figure_.savefig("/dev/null", format="png")


# Axes ------------------------------------------------------------------------------------


def test_a_display_is_drawn_into_the_axes_of_the_caller(pictures, series, forecaster):
    network, X, y = pictures
    figure, axes = pyplot.subplots(2, 2)
    displays = [
        HistoryDisplay.from_estimator(network, ax=axes[0, 0]),
        ForecastDisplay.from_estimator(forecaster, ax=axes[0, 1]),
        FilterDisplay.from_estimator(network, ax=axes[1, 0]),
        ErrorsDisplay.from_estimator(network, X, y, ax=axes[1, 1]),
    ]
    for display, ax in zip(displays, axes.ravel(), strict=True):
        assert display.ax_ is ax and display.figure_ is figure
    inner = displays[2].axes_[0].get_position()
    outer = axes[1, 0].get_position()
    assert outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and inner.y1 <= outer.y1
    with pytest.raises(ParameterError, match="'ax'"):
        FilterDisplay.from_estimator(network, ax=figure.add_axes((0, 0, 1, 1)))


def test_the_title_of_a_grid_within_axes_covers_no_other_title(pictures):
    network, X, _ = pictures
    figure, axes = pyplot.subplots(3, figsize=(6, 6), layout="constrained")
    for ax in axes:
        FeatureMapDisplay.from_estimator(network, X[0], n_maps=3, ax=ax)
    figure.draw_without_rendering()
    drawn = [ax for ax in figure.axes if ax.axison]
    texts = [text for ax in drawn for text in (ax.title, *ax.texts)]
    boxes = [text.get_window_extent() for text in texts if text.get_text().strip()]
    assert len(boxes) == 3 * (1 + 4)
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])
    lefts = [ax.get_position().x0 for ax in drawn[:4]]
    assert np.ptp(np.diff(lefts)) < 0.01


def test_the_extra_of_plots_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for display in (
        HistoryDisplay([1.0]),
        FilterDisplay(noise(2, 1, 3), form="series"),
    ):
        with pytest.raises(MissingExtraError, match=r"lamina\[plot\]"):
            display.plot()
