"""Exported networks give the outputs of their estimators, without torch."""

import json
import re
import subprocess
import sys
import unicodedata
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

import lamina
from lamina.batch import Features
from lamina.estimators.classifier import Classifier
from lamina.exceptions import DataError, DataWarning, ParameterError
from lamina.nn.body import Body
from lamina.params import Params
from lamina.testing.examples import EXAMPLES, examples_for
from lamina.testing.fitting import BRIEF, brief, fit

REASON = "the extra lamina[onnx] is not installed"
onnx = pytest.importorskip("onnx", reason=REASON)
onnxruntime = pytest.importorskip("onnxruntime", reason=REASON)

from lamina.onnx import Predictor  # noqa: E402
from lamina.onnx.graph import Graph  # noqa: E402
from lamina.onnx.interpolation import interpolate  # noqa: E402

TOLERANCE = 1e-5
EXPORTED = (
    lamina.DNNClassifier,
    lamina.DNNRegressor,
    lamina.CNNClassifier,
    lamina.CNNRegressor,
    lamina.RNNClassifier,
    lamina.RNNRegressor,
    lamina.SequenceTagger,
    lamina.Forecaster,
)
CASES = [
    pytest.param(estimator, data.name, id=f"{estimator.__name__}-{data.name}")
    for estimator in EXPORTED
    for data in examples_for(estimator())
]
pytestmark = pytest.mark.filterwarnings("ignore::lamina.exceptions.DataWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exported")


def predictor_of(network, folder):
    path = folder / "network.onnx"
    network.to_onnx(path)
    return Predictor(path)


@cache
def fitted(estimator, name, **params):
    data = EXAMPLES[name]
    return fit(brief(estimator(), data, max_iter=5, **params), data)


def unseen(name, n):
    """Samples of lengths, and with words and categories, that `fit` did not see."""
    X, rng = EXAMPLES[name].X, np.random.default_rng(n)
    rows = rng.integers(len(X), size=(n, 3))
    if name in ("table", "image"):
        return X[rows[:, 0]] + rng.normal(scale=0.1, size=(n, *X.shape[1:]))
    if name == "mixed_table":
        table = X[rows[:, 0]].copy()
        others = [None, "unknown", "", "red", 3]
        table[:, 2] = [others[i % 5] for i in range(n)]
        table[::2, 3] = "elsewhere"
        table[::3, 1] = None
        return table
    if name == "text":
        return [" ".join(X[i] for i in r) + " unseen" * (r[0] % 3) for r in rows]
    if name == "tokens":
        return [[*X[i], "Unseen", *X[j], "gööd" * 9] for i, j, _ in rows]
    joined = [np.concatenate([X[i] for i in r]) for r in rows]
    fewest = 9 if name == "histories" else 1
    longest = 400 if name == "waveforms" else 0
    cut = [fewest + longest + int(rng.integers(len(x))) for x in joined]
    return [x[:length] for x, length in zip(joined, cut, strict=True)]


def assert_parity(network, predictor, X):
    """Equal labels, probabilities and numbers."""
    expected, actual = network.predict(X), predictor.predict(X)
    if isinstance(expected, list):
        assert actual == expected
        return
    if hasattr(network, "predict_proba"):
        assert actual.dtype == expected.dtype and (actual == expected).all()
        expected, actual = network.predict_proba(X), predictor.predict_proba(X)
        if isinstance(expected, list):
            assert len(expected) == len(actual)
            expected, actual = np.hstack(expected), np.hstack(actual)
        limit = TOLERANCE
    else:
        limit = TOLERANCE * np.abs(expected).max()
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= limit


@pytest.mark.parametrize(("estimator", "name"), CASES)
def test_outputs_are_those_of_the_estimator(estimator, name, folder):
    network = fitted(estimator, name)
    predictor = predictor_of(network, folder)
    assert predictor.estimator == estimator.__name__
    assert predictor.form == network.form_
    assert_parity(network, predictor, EXAMPLES[name].X)
    for n in (1, 7, 64):
        assert_parity(network, predictor, unseen(name, n))


@pytest.mark.parametrize(("estimator", "name"), CASES)
def test_files_are_valid_and_their_batch_and_steps_are_dynamic(estimator, name, folder):
    path = folder / "valid.onnx"
    fitted(estimator, name).to_onnx(path)
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    names = {"table": "numbers", "image": "images", "audio": "waveforms"}
    shapes = {
        value.name: [
            d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim
        ]
        for value in model.graph.input
    }
    assert all(s[0] in ("batch", "tokens") for s in shapes.values())
    form = EXAMPLES[name].form
    if form in names:
        assert names[form] in shapes
    if form in ("series", "text", "audio") and "DNN" not in estimator.__name__:
        assert shapes["lengths"] == ["batch"]
        axes = {axis for shape in shapes.values() for axis in shape}
        assert axes & {"steps", "samples"}
    operators = [node.op_type for node in model.graph.node]
    assert "Loop" not in operators
    if "RNN" in estimator.__name__:
        layers = [node for node in model.graph.node if node.op_type == "LSTM"]
        assert len(layers) == 2 and all(node.input[4] for node in layers)


@pytest.mark.parametrize(
    ("cell", "n_layers", "bidirectional"),
    [*product(["lstm", "gru", "rnn"], [1, 3], [True, False])],
)
def test_recurrent_layers(cell, n_layers, bidirectional, folder):
    params = {"cell": cell, "n_layers": n_layers, "bidirectional": bidirectional}
    for name in ("ragged", "text"):
        network = fitted(lamina.RNNClassifier, name, hidden_size=5, **params)
        predictor = predictor_of(network, folder)
        assert_parity(network, predictor, unseen(name, 64))


@pytest.mark.parametrize(
    ("pooling", "normalization", "residual"),
    [*product(["max", "average", "none"], ["batch", "layer", "none"], [True, False])],
)
def test_convolutional_layers(pooling, normalization, residual, folder):
    params = {"pooling": pooling, "normalization": normalization, "residual": residual}
    for name in ("ragged", "image"):
        network = fitted(
            lamina.CNNRegressor, name, n_filters=(4, 6), n_blocks=2, **params
        )
        predictor = predictor_of(network, folder)
        assert_parity(network, predictor, unseen(name, 64))


@pytest.mark.parametrize("sides", [(65, 70), (7, 5), (1, 9)])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_images_of_odd_sides_and_large_ones(sides, pooling, folder):
    X = np.random.default_rng(0).integers(256, size=(12, *sides, 3)).astype(np.uint8)
    network = lamina.CNNClassifier(n_filters=(4, 4), pooling=pooling, **BRIEF)
    network.fit(X, [0, 1] * 6)
    assert_parity(network, predictor_of(network, folder), X)


@pytest.mark.parametrize(
    "activation", ["relu", "gelu", "silu", "selu", "tanh", "logistic", "identity"]
)
def test_activations(activation, folder):
    for estimator, name in (
        (lamina.DNNClassifier, "table"),
        (lamina.CNNClassifier, "series"),
    ):
        network = fitted(estimator, name, activation=activation)
        assert_parity(network, predictor_of(network, folder), unseen(name, 7))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"loss": "absolute_error"},
        {"loss": "huber"},
        {"loss": "poisson"},
        {"loss": "gamma"},
        {"loss": "quantile", "quantiles": 0.3},
        {"loss": "quantile", "quantiles": (0.9, 0.1, 0.5)},
    ],
)
@pytest.mark.parametrize("n_outputs", [None, 2])
@pytest.mark.parametrize(
    ("estimator", "name"),
    [(lamina.DNNRegressor, "table"), (lamina.CNNRegressor, "series")],
)
def test_losses_of_regressors(estimator, name, params, n_outputs, folder):
    data = EXAMPLES[name]
    y = data.numbers if n_outputs is None else np.stack([data.numbers] * n_outputs, 1)
    network = estimator(**params, **BRIEF).fit(data.X, 1e6 * (y + 1))
    assert_parity(network, predictor_of(network, folder), unseen(name, 64))


@pytest.mark.parametrize(
    "y",
    [
        np.array([2, 5, 7, 5] * 5),
        np.array([True, False] * 10),
        np.array([1.0, 2.0] * 10),
        np.array(["no", "yes"] * 10, dtype=object),
        np.eye(4, dtype=int)[np.arange(20) % 4],
        np.stack([np.arange(20) % 3, np.arange(20) % 2], 1),
        np.array([["a", "x"], ["b", "y"], ["c", "x"], ["a", "y"]] * 5),
    ],
    ids=["int", "bool", "float", "object", "indicators", "several", "several_texts"],
)
def test_labels_of_every_type(y, folder):
    network = lamina.DNNClassifier(**BRIEF).fit(EXAMPLES["table"].X, y)
    predictor = predictor_of(network, folder)
    assert_parity(network, predictor, unseen("table", 64))
    classes = (
        network.classes_ if isinstance(network.classes_, list) else [network.classes_]
    )
    read = (
        predictor.classes
        if isinstance(predictor.classes, list)
        else [predictor.classes]
    )
    assert [c.tolist() for c in read] == [c.tolist() for c in classes]


def frame_of(n, seed=0):
    """Every kind of column, with missing values, outliers and a long tail."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2024-01-01") + rng.integers(500, size=n).astype(
        "timedelta64[D]"
    )
    frame = pd.DataFrame(
        {
            "number": rng.normal(1e6, 2.0, size=n),
            "tail": np.exp(rng.normal(size=n) * 4),
            "flag": rng.integers(2, size=n).astype(bool),
            "day": days.astype("datetime64[us]"),
            "few": rng.choice(["a", "b", "c"], size=n),
            "many": [f"place {i}" for i in rng.integers(30, size=n)],
            "code": pd.Categorical(rng.integers(4, size=n)),
        }
    )
    frame.loc[::7, "number"] = np.nan
    frame.loc[::5, "few"] = None
    frame.loc[::9, "day"] = pd.NaT
    return frame


@cache
def of_frame():
    frame = frame_of(60)
    return lamina.DNNClassifier(**BRIEF).fit(frame, np.arange(60) % 3)


def test_frames_of_every_library(folder):
    network = of_frame()
    predictor, frame = predictor_of(network, folder), frame_of(64, seed=1)
    assert_parity(network, predictor, frame)
    expected = predictor.predict_proba(frame)
    for other in (pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        np.testing.assert_array_equal(predictor.predict_proba(other), expected)


ANY_TEXT = st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["a", "1", "1.0"]))
ANY_NUMBER = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=False))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(ANY_NUMBER, ANY_NUMBER, ANY_TEXT, ANY_TEXT), min_size=1))
def test_any_number_and_any_text_of_a_table(mixed_predictor, rows):
    network, predictor = mixed_predictor
    X = np.empty((len(rows), 4), dtype=object)
    X[:] = rows
    try:
        network.predict(X)
    except DataError as error:  # beyond float32 once it is scaled
        with pytest.raises(DataError, match=re.escape(str(error))):
            predictor.predict(X)
    else:
        assert_parity(network, predictor, X)


@pytest.fixture(scope="module")
def mixed_predictor(folder):
    rng = np.random.default_rng(0)
    X = np.empty((40, 4), dtype=object)
    X[:, 0] = rng.normal(size=40)
    X[:, 1] = np.exp(3 * rng.normal(size=40))
    X[:, 2] = [["a", "", None, "1"][i % 4] for i in range(40)]
    X[:, 3] = [str(i % 15) for i in range(40)]
    X[3, 0] = None
    network = lamina.DNNClassifier(**BRIEF).fit(X, np.arange(40) % 3)
    path = folder / "mixed.onnx"
    network.to_onnx(path)
    return network, Predictor(path)


@pytest.mark.parametrize("n_columns", [1, 3])
def test_tables_of_embedded_categories_only(n_columns, folder):
    X = np.array([[f"{i % 20}", f"x{i % 12}", f"{i % 11}"] for i in range(40)], object)
    X = X[:, :n_columns]
    network = lamina.DNNClassifier(**BRIEF).fit(X, np.arange(40) % 2)
    X[::3, 0] = "other"
    assert_parity(network, predictor_of(network, folder), X)


def numbers_of(n):
    """Columns of 1, 2, 3, 7 and many values, with missing ones, a long tail, a large mean."""
    rng, rows = np.random.default_rng(0), np.arange(n)
    X = np.stack(
        [
            np.ones(n),
            rows % 2,
            rows % 3,
            rng.integers(7, size=n),
            rng.normal(size=n),
            np.exp(4 * rng.normal(size=n)),
            rng.normal(1e6, 1.0, size=n),
        ],
        axis=1,
    )
    X[::7, 4] = np.nan
    return X


def around(X):
    """Values of X, which are edges of bins; some beside, between and far beyond them."""
    low, high = np.nanmin(X, 0), np.nanmax(X, 0)
    ends = [low - 0.1, low - 1e30, high + 0.1, high + 1e30, np.full_like(low, np.nan)]
    beside = [np.nextafter(X, -np.inf), np.nextafter(X, np.inf)]
    return np.vstack([X, *beside, (X[1:] + X[:-1]) / 2, ends])


TARGETS = {
    "label": np.array(["a", "b", "c"])[np.arange(90) % 3],
    "indicators": np.arange(90)[:, None] % [2, 3, 4] == 0,
    "several": np.stack([np.arange(90) % 3, np.arange(90) % 5], 1),
    "squared_error": np.arange(90.0),
    "poisson": np.arange(180.0).reshape(90, 2),
}


@pytest.mark.parametrize("n_members", [1, 8])
@pytest.mark.parametrize("embedding", ["none", "piecewise_linear"])
@pytest.mark.parametrize("targets", TARGETS)
def test_numbers_and_members_of_dense_networks(n_members, embedding, targets, folder):
    params = {"n_members": n_members, "numeric_embedding": embedding, **BRIEF}
    network = lamina.DNNClassifier(**params)
    if targets in ("squared_error", "poisson"):
        network = lamina.DNNRegressor(loss=targets, **params)
    X = numbers_of(90)
    network.fit(X, TARGETS[targets])
    assert_parity(network, predictor_of(network, folder), around(X))


@pytest.mark.parametrize("n_members", [1, 2])
def test_calibrated_probabilities(n_members, folder):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X[:, 0] + rng.normal(size=80) > 0
    params = {"hidden_layer_sizes": 16, "n_members": n_members, "random_state": 0}
    network = lamina.DNNClassifier(**params).fit(X, y)
    p = network.predict_proba(X)
    plain = p**network.task_.temperature
    plain /= plain.sum(1, keepdims=True)
    assert np.abs(p - plain).max() > 100 * TOLERANCE
    assert_parity(network, predictor_of(network, folder), around(X))


EDGES = st.lists(st.integers(-999, 999), min_size=2, max_size=40, unique=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EDGES, min_size=1, max_size=3), st.lists(st.integers(-2000, 2000)))
def test_interpolation_is_that_of_numpy(edges, halves):
    edges = [np.sort(np.float32(e)) for e in edges]
    longest = max(map(len, edges))
    padded = np.stack([np.pad(e, (0, longest - len(e)), mode="edge") for e in edges])
    tables = np.random.default_rng(0).normal(size=(*padded.shape, 2))
    tables = tables.astype(np.float32)
    x = np.concatenate([*edges, np.float32(halves) / 2])
    graph = Graph()
    name = graph.input("x", onnx.TensorProto.FLOAT, ["batch", len(edges)])
    y = interpolate(graph, tables, padded, name)
    graph.output(y, "y", onnx.TensorProto.FLOAT, ["batch", len(edges), 2])
    session = onnxruntime.InferenceSession(graph.file("interpolation", "0", {}))
    (y,) = session.run(["y"], {"x": np.stack([x] * len(edges), 1)})
    for i, e in enumerate(edges):
        for j in range(2):
            expected = np.interp(x, e, tables[i, : len(e), j])
            np.testing.assert_allclose(y[:, i, j], expected, atol=TOLERANCE)


def test_missing_values_of_series(folder):
    X = [x.copy() for x in EXAMPLES["ragged"].X]
    X[3][0, 0] = np.nan
    network = lamina.RNNClassifier(**BRIEF).fit(X, EXAMPLES["ragged"].labels)
    X[5][:2, 1] = np.nan
    X[6][0] = 1e9
    assert_parity(network, predictor_of(network, folder), X)


def test_frames_with_a_row_for_each_step(folder):
    frame = pd.DataFrame({"id": np.repeat(np.arange(20), 6), "time": [*range(6)] * 20})
    frame["a"], frame["b"] = np.random.default_rng(0).normal(size=(2, 120))
    network = lamina.RNNClassifier(id_column="id", time_column="time", **BRIEF)
    network.fit(frame, [0, 1] * 10)
    predictor = predictor_of(network, folder)
    shuffled = frame.sample(frac=1, random_state=0)
    assert_parity(network, predictor, shuffled)
    with pytest.raises(DataError, match="feature names should match"):
        predictor.predict(frame.rename(columns={"b": "c"}))


def test_loud_and_quiet_recordings(folder):
    for params in ({"normalize_level": False}, {"n_mels": 40, "sampling_rate": 11_025}):
        network = fitted(lamina.RNNClassifier, "waveforms", **params)
        X = [*unseen("waveforms", 16), np.zeros(700), np.full(3, 0.1), np.ones(281) / 2]
        X.append((np.sin(np.arange(900)) * 30_000).astype(np.int16))
        assert_parity(network, predictor_of(network, folder), X)


def test_texts_in_any_normal_form_and_case(folder):
    X, y = ["Très bien", "pas mal"] * 10, [1, 0] * 10
    for unit in ("word", "char"):
        network = lamina.CNNClassifier(token_unit=unit, **BRIEF).fit(X, y)
        others = [unicodedata.normalize("NFD", "très BIEN"), "PAS très", "??"]
        assert_parity(network, predictor_of(network, folder), others)
    many = [f"w{i}" for i in range(40)] * 2
    wide = lamina.DNNClassifier(**BRIEF).fit(many, [*range(40)] * 2)
    assert_parity(wide, predictor_of(wide, folder), ["w3 w4", "W39", "v"])
    network = lamina.RNNClassifier(ngram_features=False, **BRIEF)
    network.fit([text.split() for text in X], y)
    assert_parity(network, predictor_of(network, folder), [["pas", "Mal"], ["bien"]])


TAGS = {"bio": ["O", "B-x", "I-x", "O"], "bioes": ["B-x", "E-x", "S-x", "O"]}


@pytest.mark.parametrize(
    ("crf", "scheme", "char_features"),
    [*product([True, False], ["bio", "bioes", None], [True, False])],
)
def test_taggers_decode_in_the_graph(crf, scheme, char_features, folder):
    words = [[f"w{i % 5}", "x", f"{i}", "Y"][: 1 + i % 4] for i in range(40)]
    tags = TAGS[scheme or "bio"]
    y = [["S-x" if scheme == "bioes" and len(w) == 1 else "O"] * len(w) for w in words]
    y = [tags if len(w) == 4 else row for w, row in zip(words, y, strict=True)]
    params = {"crf": crf, "scheme": scheme, "char_features": char_features}
    network = lamina.SequenceTagger(hidden_size=4, **params, **BRIEF).fit(words, y)
    sentences = [
        [f"w{i % 7}", "Y", "new", f"{i}", "ÿ" * 30] * (1 + i % 9) for i in range(64)
    ]
    assert_parity(network, predictor_of(network, folder), sentences)


def test_taggers_have_no_probabilities(folder):
    predictor = predictor_of(fitted(lamina.SequenceTagger, "tokens"), folder)
    with pytest.raises(ParameterError, match="SequenceTagger has no predict_proba"):
        predictor.predict_proba([["a"]])


def histories():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=n).cumsum() for n in (30, 55, 90)]
    X[1][[0, 7, 8, 50]] = np.nan
    return [*X, np.full(40, 3.0), np.zeros(33)]


@pytest.mark.parametrize(
    "params",
    [
        {"season": 1},
        {"season": 7, "quantiles": (0.9, 0.1)},
        {"season": 4, "window": 9, "cell": "gru"},
    ],
)
def test_forecasts_of_series(params, folder):
    network = lamina.Forecaster(horizon=5, **params, **BRIEF).fit(histories()[:3])
    network.set_params(lower=-1.0, upper=4.0)
    predictor = predictor_of(network, folder)
    for X in (histories(), histories()[2], np.stack([x[:30] for x in histories()])):
        expected, actual = network.predict(X), predictor.predict(X)
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=1e-5)
    with pytest.raises(DataError, match="Series 0 has 1 steps"):
        predictor.predict([[1.0]])
    with pytest.raises(DataError, match="takes arrays"):
        predictor.predict(pd.Series([1.0, 2.0]))


def inputs_of(name, X):
    """The inputs of a graph for ragged samples, without padding."""
    if name == "text":
        X = [np.array(text.split(), dtype=object) for text in X]
    names = {"text": "tokens", "waveforms": "waveforms", "ragged": "series"}
    dtypes = {"text": object, "waveforms": np.float32, "ragged": np.float64}
    return names[name], [x.astype(dtypes[name]) for x in X]


@pytest.mark.parametrize("name", ["ragged", "text", "waveforms"])
@pytest.mark.parametrize("estimator", [lamina.RNNClassifier, lamina.CNNClassifier])
@pytest.mark.parametrize("padding", ["unseen", np.nan, np.inf, 1e30])
def test_padding_may_have_any_value(estimator, name, padding, folder):
    if (name == "text") != isinstance(padding, str):
        padding = "good" if name == "text" else -3.0
    params = {"ngram_features": False} if name == "text" else {}
    network, X = fitted(estimator, name, **params), unseen(name, 7)
    path = folder / "padded.onnx"
    network.to_onnx(path)
    session = onnxruntime.InferenceSession(path)
    key, rows = inputs_of(name, X)
    lengths = np.array([len(row) for row in rows])
    values = np.full(
        (7, lengths.max() + 50, *rows[0].shape[1:]), padding, rows[0].dtype
    )
    for value, row in zip(values, rows, strict=True):
        value[: len(row)] = row
    (p,) = session.run(["probabilities"], {key: values, "lengths": lengths})
    np.testing.assert_allclose(p, network.predict_proba(X), atol=TOLERANCE)


def test_more_samples_than_are_computed_at_a_time(folder):
    network = fitted(lamina.RNNClassifier, "ragged", hidden_size=5)
    assert_parity(network, predictor_of(network, folder), unseen("ragged", 1_100))


WITHOUT_TORCH = """
import json, sys
sys.modules.update(dict.fromkeys(["torch", "sklearn", "pandas"]))
if sys.argv[3] != "text":  # counts of n-grams are sparse matrices
    sys.modules["scipy"] = None
import numpy as np
from lamina.onnx import Predictor
X = json.load(open(sys.argv[2]))
if sys.argv[3] == "ragged":
    X = [np.array(x) for x in X]
predictor = Predictor(sys.argv[1])
print(json.dumps(predictor.predict_proba(X).tolist()))
"""


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (lamina.DNNClassifier, "table"),
        (lamina.DNNClassifier, "mixed_table"),
        (lamina.CNNClassifier, "image"),
        (lamina.RNNClassifier, "ragged"),
        (lamina.RNNClassifier, "text"),
        (lamina.RNNClassifier, "waveforms"),
    ],
)
def test_the_predictor_needs_no_torch(estimator, name, tmp_path):
    network, X = fitted(estimator, name), unseen(name, 7)
    path, data = tmp_path / "network.onnx", tmp_path / "samples.json"
    network.to_onnx(path)
    plain = X if name == "text" else [x.tolist() for x in X]
    data.write_text(json.dumps(plain))
    command = [sys.executable, "-c", WITHOUT_TORCH, path, data, name]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    p = np.array(json.loads(process.stdout))
    np.testing.assert_allclose(p, network.predict_proba(X), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("package", "action"),
    [("onnx", "network.to_onnx('a.onnx')"), ("onnxruntime", "Predictor('a.onnx')")],
)
def test_missing_packages_are_named(package, action):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from lamina import DNNClassifier\nfrom lamina.onnx import Predictor\n"
        f"network = DNNClassifier(max_iter=1).fit([[0.0], [1.0]], [0, 1])\n{action}"
    )
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"needs the package {package!r}" in process.stderr
    assert "pip install 'lamina[onnx]'" in process.stderr


class NoParams(Params):
    """No parameters."""


class LastStep(Body):
    """x (B, T, C) -> h (B, T, C), the input."""

    forms = ("series",)
    default_steps = 10

    def __init__(self, spec, params):
        super().__init__(spec, params)
        self.width = spec.n_channels

    def forward(self, batch):
        return Features(batch.x, batch.lengths)


class OwnClassifier(Classifier, NoParams):
    """A classifier from outside of lamina."""

    body = LastStep


def refused():
    data = EXAMPLES["documents"]
    known = [np.random.default_rng(0).normal(size=(30, 2))]
    return {
        "LanguageModel": lambda: lamina.LanguageModel(max_iter=1).fit(data.X),
        "Translator": lambda: lamina.Translator(unit="char", max_iter=1).fit(
            data.X, data.X
        ),
        "ImageCaptioner": lambda: lamina.ImageCaptioner(max_iter=1).fit(
            EXAMPLES["image"].X, data.X
        ),
        "SpeechRecognizer": lambda: fitted(lamina.SpeechRecognizer, "waveforms"),
        "body of OwnClassifier, LastStep": lambda: OwnClassifier(**BRIEF).fit(
            EXAMPLES["series"].X, EXAMPLES["series"].labels
        ),
        "known_columns": lambda: lamina.Forecaster(
            horizon=2, season=2, known_columns=[1], max_iter=1
        ).fit(known),
    }


@pytest.mark.parametrize("name", refused())
def test_what_cannot_be_exported_is_refused_by_name(name, tmp_path):
    network = refused()[name]()
    with pytest.raises(
        ParameterError, match=f"{name}.*cannot be exported to ONNX|{name}"
    ):
        network.to_onnx(tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_has_to_be_fitted(tmp_path):
    with pytest.raises(NotFittedError):
        lamina.DNNClassifier().to_onnx(tmp_path / "network.onnx")


def test_a_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"old")

    def fail(_):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(OSError, match="no space left"):
            fitted(lamina.DNNClassifier, "table").to_onnx(path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    fitted(lamina.DNNClassifier, "table").to_onnx(str(path))
    assert Predictor(str(path)).estimator == "DNNClassifier"
    assert list(tmp_path.iterdir()) == [path]


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "network.onnx"
    fitted(lamina.DNNClassifier, "table").to_onnx(path)
    model = onnx.load(path)
    metadata = json.loads(model.metadata_props[0].value)
    onnx.helper.set_model_props(
        model, {"lamina": json.dumps(metadata | {"format": 99})}
    )
    onnx.save(model, path)
    with pytest.raises(ParameterError, match="has format 99"):
        Predictor(path)
    onnx.helper.set_model_props(model, {})
    onnx.save(model, path)
    with pytest.raises(ParameterError, match="not written by to_onnx"):
        Predictor(path)


@pytest.mark.parametrize(
    ("estimator", "name", "spoil"),
    [
        (lamina.DNNClassifier, "table", lambda X: X[:, :2]),
        (lamina.DNNClassifier, "table", lambda X: np.where(X.max() == X, np.inf, X)),
        (lamina.DNNClassifier, "mixed_table", lambda X: X[:, [2, 1, 0, 3]]),
        (lamina.RNNClassifier, "series", lambda X: X[:, :, :2]),
        (lamina.RNNClassifier, "series", lambda X: X[0]),
        (lamina.RNNClassifier, "ragged", lambda X: [*X, np.zeros((0, 2))]),
        (lamina.CNNClassifier, "image", lambda X: X[:, :4]),
        (lamina.CNNClassifier, "image", lambda X: np.where(X.max() == X, np.nan, X)),
        (lamina.CNNClassifier, "text", lambda X: [*X, ""]),
        (lamina.CNNClassifier, "text", lambda X: [*X, None]),
        (lamina.CNNClassifier, "waveforms", lambda X: [*X, np.full(300, 9.0)]),
        (lamina.CNNClassifier, "waveforms", lambda X: [*X, np.zeros(0)]),
    ],
)
def test_the_same_data_are_refused_with_the_same_message(
    estimator, name, spoil, folder
):
    network = fitted(estimator, name)
    predictor, X = predictor_of(network, folder), spoil(EXAMPLES[name].X)
    with pytest.raises(DataError) as expected:
        network.predict(X)
    with pytest.raises(DataError) as actual:
        predictor.predict(X)
    assert str(actual.value) == str(expected.value)


def test_columns_of_a_frame_are_compared_by_name(folder):
    network, frame = of_frame(), frame_of(10)
    predictor = predictor_of(network, folder)
    for other in (frame.rename(columns={"few": "fewer"}), frame[frame.columns[::-1]]):
        with pytest.raises(DataError, match="feature names") as expected:
            network.predict(other)
        with pytest.raises(DataError, match="feature names") as actual:
            predictor.predict(other)
        assert str(actual.value) == str(expected.value)


@pytest.mark.filterwarnings("always::lamina.exceptions.DataWarning")
def test_new_missing_values_are_warned_of(folder):
    network = fitted(lamina.DNNClassifier, "mixed_table")
    X = EXAMPLES["mixed_table"].X.copy()
    X[4, 1] = None
    with pytest.warns(DataWarning, match="Column 1 has missing values"):
        predictor_of(network, folder).predict(X)


def test_texts_that_utf8_cannot_encode_are_refused(folder, tmp_path):
    X = np.array([["a", "b"], ["c", "d"]] * 10, dtype=object)
    network = lamina.DNNClassifier(**BRIEF).fit(X, [0, 1] * 10)
    predictor = predictor_of(network, folder)
    X[3, 1] = "\ud800"
    with pytest.raises(DataError, match="A value of column 1"):
        predictor.predict(X)
    with pytest.raises(ParameterError, match="cannot be exported to ONNX"):
        network.fit(X, [0, 1] * 10).to_onnx(tmp_path / "network.onnx")
    tokens = predictor_of(fitted(lamina.RNNClassifier, "text"), folder)
    with pytest.raises(DataError, match="Sample 1"):
        tokens.predict(["good", "a\ud800"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ngram_features", [True, False])
def test_texts_with_and_without_their_n_grams(ngram_features, folder):
    network = fitted(lamina.RNNClassifier, "text", ngram_features=ngram_features)
    assert_parity(network, predictor_of(network, folder), unseen("text", 20))


@pytest.mark.parametrize("others", [["number", "level"], ["number"], []])
def test_columns_of_texts(others, folder):
    rng = np.random.default_rng(0)
    words = rng.choice(["good", "bad", "film", "a", "the", "plot"], (80, 5))
    X = pd.DataFrame(
        {
            "first": [f"{' '.join(row)} {i}" for i, row in enumerate(words)],
            "second": [f"{' '.join(row[::-1])} {i}" for i, row in enumerate(words)],
            "number": rng.normal(size=80),
            "level": rng.choice(list("abc"), 80),
        }
    )
    X = X[["first", "second", *others]]
    X.loc[::9, "first"] = None
    network = lamina.DNNClassifier(max_iter=5, random_state=0)
    network.fit(X, (words == "good").sum(1) > 0)
    later = X[::-1].assign(second="the unseen good of them")
    later.loc[::5, "second"] = ""
    predictor = predictor_of(network, folder)
    assert_parity(network, predictor, X)
    assert_parity(network, predictor, later)
    with pytest.raises(DataError, match="'first' held texts in fit"):
        predictor.predict(X.assign(first=1))


def test_sound_files_are_refused(folder):
    predictor = predictor_of(fitted(lamina.RNNClassifier, "waveforms"), folder)
    path = folder / "a.wav"
    path.touch()
    with pytest.raises(DataError, match=r"Sample 0 is a file.*4000 samples per second"):
        predictor.predict([path])


def test_image_files_are_read(folder, tmp_path):
    image = pytest.importorskip("PIL.Image")
    X = np.random.default_rng(0).integers(256, size=(12, 9, 8, 3)).astype(np.uint8)
    paths = [tmp_path / f"{i}.png" for i in range(12)]
    for path, pixels in zip(paths, X, strict=True):
        image.fromarray(pixels).save(path)
    network = lamina.CNNClassifier(n_filters=4, image_size=(6, 7), **BRIEF)
    network.fit(paths, [0, 1] * 6)
    assert_parity(network, predictor_of(network, folder), paths)


def test_sparse_matrices_are_refused(folder):
    sparse = pytest.importorskip("scipy.sparse")
    predictor = predictor_of(fitted(lamina.DNNClassifier, "table"), folder)
    with pytest.raises(DataError, match="not a table"):
        predictor.predict(sparse.csr_matrix(EXAMPLES["table"].X))
