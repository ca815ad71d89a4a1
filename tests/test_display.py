"""Pictures of attributions against the values that they show."""

import numpy as np
import pytest

from lamina import (
    CNNClassifier,
    CNNRegressor,
    DNNClassifier,
    DNNRegressor,
    RNNClassifier,
)
from lamina.exceptions import ParameterError
from lamina.inspection import AttributionDisplay, explain

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

RNG = np.random.default_rng(0)
TEXTS = ["a good film", "a bad film", "good", "so bad, so bad"] * 5
CNN = {"n_filters": (4, 4), "max_iter": 2, "random_state": 0}


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def of_table():
    X = RNG.normal(size=(60, 6))
    network = DNNRegressor(hidden_layer_sizes=(8,), max_iter=3, random_state=0)
    return explain(network.fit(X, X[:, 0] - X[:, 3]), X[:4])


@pytest.fixture(scope="module")
def of_series():
    X = [RNG.normal(size=(5 + i % 4, 3)) for i in range(20)]
    network = RNNClassifier(hidden_size=4, max_iter=2, random_state=0)
    return explain(network.fit(X, np.arange(20) % 2), X[:4])


@pytest.fixture(scope="module")
def of_images():
    X = RNG.random((20, 8, 6, 3))
    return explain(CNNRegressor(**CNN).fit(X, X.mean((1, 2, 3))), X[:4])


@pytest.fixture(scope="module")
def of_sounds():
    X = [0.1 * RNG.normal(size=1200) for _ in range(12)]
    network = CNNClassifier(sampling_rate=4000, n_mels=8, **CNN)
    return explain(network.fit(X, np.arange(12) % 2), X[:4])


@pytest.fixture(scope="module")
def of_texts():
    network = DNNClassifier(hidden_layer_sizes=(8,), max_iter=20, random_state=0)
    return explain(network.fit(TEXTS, [1, 0, 1, 0] * 5), TEXTS[:4])


def widths(display):
    return np.array([bar.get_width() for bar in display.ax_.patches])


def test_the_bars_of_a_row_add_up_to_its_difference(of_table):
    display = AttributionDisplay(of_table).plot(row=2, max_columns=3)
    bars, labels = widths(display), display.ax_.get_yticklabels()
    assert len(bars) == 3 and labels[-1].get_text() == "4 other columns"
    assert bars.sum() == pytest.approx(of_table.values[2].sum())
    assert abs(bars[0]) == pytest.approx(np.abs(of_table.values[2]).max())
    assert display.figure_ is display.ax_.figure


def test_the_bars_of_a_table_are_its_importances(of_table):
    display = AttributionDisplay(of_table).plot()
    np.testing.assert_allclose(widths(display), np.sort(of_table.importances)[::-1])
    assert len(widths(AttributionDisplay(of_table).plot(max_columns=2))) == 2


def test_rows_and_bars_that_there_are_not_are_refused(of_table):
    display = AttributionDisplay(of_table)
    with pytest.raises(ParameterError, match=r"'row'.* 4"):
        display.plot(row=4)
    with pytest.raises(ParameterError, match="'max_columns'"):
        display.plot(max_columns=0)


def test_an_estimator_is_explained_and_plotted():
    X = RNG.random((20, 6, 4, 1))
    network = CNNRegressor(**CNN).fit(X, X.mean((1, 2, 3)))
    display = AttributionDisplay.from_estimator(
        network, X[:3], row=1, method="grad_cam"
    )
    assert display.attribution.method == "grad_cam"
    assert "contribution" in display.figure_.axes[1].get_ylabel()


def test_the_colours_of_words_are_their_values(of_texts):
    ax = AttributionDisplay(of_texts).plot(row=3).ax_
    words = ax.texts
    assert [word.get_text() for word in words] == ["so", "bad", ",", "so", "bad"]
    colours = [word.get_bbox_patch().get_facecolor() for word in words]
    values = of_texts.values[3]
    expected = matplotlib.colormaps["RdBu"](0.5 + values / np.abs(values).max() / 2)
    np.testing.assert_allclose(colours, expected)
    assert ax.get_title().startswith("from ")


def test_words_stand_in_lines_and_do_not_overlap(of_texts):
    network_text = "so bad a film, $5 for a good story\nand " + "a good film " * 20
    network = DNNClassifier(hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    network.fit(TEXTS, [1, 0, 1, 0] * 5)
    display = AttributionDisplay.from_estimator(network, [network_text], row=0)
    display.figure_.canvas.draw()
    boxes = [word.get_window_extent() for word in display.ax_.texts]
    area = display.figure_.bbox
    assert all(area.x0 <= b.x0 and b.x1 <= area.x1 and b.y0 >= area.y0 for b in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    starts = [word.get_position()[0] for word in display.ax_.texts]
    words = [word.get_text() for word in display.ax_.texts]
    assert starts[words.index("and")] == 0


def test_a_series_has_a_lane_for_each_channel(of_series):
    display = AttributionDisplay(of_series).plot(row=1)
    (picture,) = display.ax_.get_images()
    np.testing.assert_allclose(picture.get_array(), of_series.values[1].T)
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == of_series.feature_names.tolist()
    assert display.ax_.get_xlabel() == "step"
    for channel, line in enumerate(display.ax_.lines):
        x, y = line.get_data()
        np.testing.assert_array_equal(x, np.arange(len(of_series.samples[1])))
        assert ((channel <= y) & (y <= channel + 1)).all()
        # The axis of lanes points down.
        assert np.corrcoef(y, of_series.samples[1][:, channel])[0, 1] < -0.99
    ax = AttributionDisplay(of_series).plot(row=1, max_columns=2).ax_
    assert len(ax.lines) == 2 and ax.get_ylabel() == "2 of 3 channels"


def test_a_series_of_one_channel_is_drawn_in_its_units():
    X = RNG.normal(size=(20, 7)) * 100
    X[0, 2] = np.nan
    network = RNNClassifier(hidden_size=4, max_iter=2, random_state=0)
    display = AttributionDisplay.from_estimator(
        network.fit(X, np.arange(20) % 2), X[:2], row=0
    )
    np.testing.assert_array_equal(display.ax_.lines[0].get_ydata(), X[0])
    low, high = display.ax_.get_ylim()
    assert low < np.nanmin(X[0]) and np.nanmax(X[0]) < high


def test_a_map_of_pixels_is_over_the_image(of_images):
    ax = AttributionDisplay(of_images).plot(row=1).ax_
    picture, values = (image.get_array() for image in ax.get_images())
    np.testing.assert_allclose(picture, of_images.samples[1].sum(2))
    np.testing.assert_allclose(values, of_images.values[1].sum(2))
    assert ax.get_images()[0].get_extent() == ax.get_images()[1].get_extent()
    (mean,) = AttributionDisplay(of_images).plot().ax_.get_images()
    expected = np.abs(of_images.values).mean(0).sum(2)
    np.testing.assert_allclose(mean.get_array(), expected)


def test_a_spectrogram_has_seconds_and_hertz(of_sounds):
    ax = AttributionDisplay(of_sounds).plot(row=1).ax_
    picture, values = ax.get_images()
    np.testing.assert_allclose(picture.get_array(), of_sounds.samples[1].levels.T)
    np.testing.assert_allclose(values.get_array(), of_sounds.values[1].T)
    n_frames = len(of_sounds.values[1])
    assert values.get_extent()[:2] == [0, n_frames / 100]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("seconds", "Hz")
    for band, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True):
        frequency = of_sounds.samples[1].frequencies[int(band)]
        assert label.get_text() == f"{frequency:.0f}"


@pytest.mark.parametrize(
    "name", ["of_table", "of_series", "of_images", "of_sounds", "of_texts"]
)
def test_pictures_are_drawn_into_given_axes(name, request):
    attribution = request.getfixturevalue(name)
    figure, axes = pyplot.subplots(1, 2, figsize=(12, 4))
    for row, ax in zip((-1, None), axes, strict=True):
        display = AttributionDisplay(attribution).plot(row=row, ax=ax)
        assert display.ax_ is ax and display.figure_ is figure
        assert display.ax_.get_title() or row is None
    figure.canvas.draw()


def test_samples_without_contributions_are_drawn():
    X = np.zeros((10, 6, 4, 1))
    X[::2] = 1
    network = CNNRegressor(**CNN).fit(X, np.arange(10.0) % 2)
    attribution = explain(network, X[:2], baseline=X[:1], method="occlusion")
    assert not attribution.values[0].any()
    AttributionDisplay(attribution).plot(row=0).figure_.canvas.draw()
