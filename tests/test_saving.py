"""Fitted estimators in files and pickles, for every kind of data and of parameter."""

import copy
import datetime
import pickle
import subprocess
import sys
import warnings
from decimal import Decimal
from typing import Annotated, ClassVar

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
import torch
from scipy import sparse
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import make_scorer, max_error
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

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
    SequenceTagger,
    SpeechRecognizer,
    Translator,
    archive,
)
from lamina.batch import Features
from lamina.estimators.classifier import Classifier
from lamina.exceptions import (
    MissingExtraError,
    ParameterError,
    SavedFileError,
    SavedFileWarning,
)
from lamina.nn.body import Body
from lamina.params import Params, at_least
from lamina.testing import all_estimators

BRIEF = {"max_iter": 1, "random_state": 0}
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(30, 3))
LABELS = np.arange(30) % 3
IMAGES = RNG.normal(size=(20, 8, 8, 1))
TEXTS = ["the film was good", "the film was bad", "a story"] * 10


@pytest.fixture
def path(tmp_path):
    return tmp_path / "network.lamina"


def again(network, path, classes=()):
    lamina.save(network, path)
    return lamina.load(path, classes)


def dnn(X=NUMBERS, y=LABELS, **params):
    small = BRIEF | {"hidden_layer_sizes": 8}
    return DNNClassifier(**small | params).fit(X, y)


def frame():
    return pd.DataFrame(
        {
            "number": NUMBERS[:, 0],
            7: ["a", None, "c"] * 10,
            ("a", 1): [f"town {i % 15}" for i in range(30)],
            datetime.date(2024, 1, 1): pd.date_range("2024", periods=30, tz="CET"),
            pd.Timestamp("2024-03-01"): pd.to_timedelta(np.arange(30), unit="h"),
            None: pd.Categorical([3, 1, 2] * 10),
        }
    )


def months(n=60):
    stamps = pd.date_range("2015-01-31", periods=n, freq="ME")
    return pd.DataFrame(
        {
            "shop": [Decimal(1)] * n + [Decimal(2)] * n,
            "month": [*stamps, *stamps],
            "sales": RNG.normal(size=2 * n),
            "price": RNG.normal(size=2 * n),
        }
    )


TABLES = {
    "an array": NUMBERS,
    "a sparse matrix": sparse.csr_matrix(np.round(NUMBERS)),
    "a frame of every type and mixed labels": frame(),
    "a frame of polars": pl.DataFrame({"a": NUMBERS[:, 0], "b": ["x", "y", "z"] * 10}),
    "a structured array": np.array(
        [(1.0, "x"), (2.0, "y"), (3.0, "z")] * 10, dtype=[("a", float), ("b", "U1")]
    ),
    "missing values": np.where(NUMBERS > 1, np.nan, NUMBERS),
}
TARGETS = {
    "texts": np.array(["b", "a", "c"])[LABELS],
    "objects": np.array(["b", "a", "c"], dtype=object)[LABELS],
    "booleans": LABELS > 0,
    "small integers": LABELS.astype(np.int8),
    "big-endian integers": LABELS.astype(">i4"),
    "several outputs": np.stack([LABELS, LABELS + 1], 1),
    "indicators": np.stack([LABELS == 0, LABELS > 0], 1).astype(int),
    "indicators in a sparse matrix": sparse.csr_matrix(
        np.stack([LABELS == 0, LABELS > 0], 1).astype(int)
    ),
}


@pytest.mark.parametrize("X", TABLES.values(), ids=TABLES)
def test_every_table_is_read_as_before(X, path):
    network = dnn(X)
    loaded = again(network, path)
    np.testing.assert_array_equal(loaded.predict_proba(X), network.predict_proba(X))
    assert loaded.schema_ == network.schema_
    assert loaded.score(X, LABELS) == network.score(X, LABELS)
    assert loaded.encoder_.schema is loaded.schema_


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_labels_of_every_type_are_the_same(y, path):
    network = dnn(y=y)
    loaded = again(network, path)
    assert repr(loaded.classes_) == repr(network.classes_)
    actual, expected = loaded.predict(NUMBERS), network.predict(NUMBERS)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson", "gamma"])
def test_targets_are_scaled_as_before(loss, path):
    y = np.abs(NUMBERS[:, :2])
    network = DNNRegressor(loss=loss, **BRIEF).fit(NUMBERS, y)
    loaded = again(network, path)
    np.testing.assert_array_equal(loaded.predict(NUMBERS), network.predict(NUMBERS))


@pytest.mark.parametrize("quantiles", [0.2, (0.9, 0.1)])
def test_quantiles_are_predicted_as_before(quantiles, path):
    network = DNNRegressor(loss="quantile", quantiles=quantiles, **BRIEF)
    loaded = again(network.fit(NUMBERS, NUMBERS[:, :2]), path)
    np.testing.assert_array_equal(loaded.predict(NUMBERS), network.predict(NUMBERS))


@pytest.mark.parametrize("library", [pd.DataFrame, pl.from_pandas])
def test_forecasts_have_ids_and_stamps_as_before(library, path):
    table = months()
    if library is not pd.DataFrame:
        table["shop"] = table["shop"].astype(str)
    X = library(table)
    future = RNG.normal(size=(2, 12, 1))
    columns = {"id_column": "shop", "time_column": "month", "value_column": "sales"}
    network = Forecaster(
        known_columns=["price"], quantiles=[0.1], **columns, **BRIEF
    ).fit(X)
    loaded = again(network, path)
    for method in ("predict", "predict_quantiles"):
        actual = getattr(loaded, method)(future=future)
        assert actual.equals(getattr(network, method)(future=future))
        assert actual.equals(getattr(loaded, method)(X, future))
    assert path.stat().st_size < 150_000


@pytest.mark.parametrize(
    "index",
    [
        pd.period_range("2020-01", periods=80, freq="M"),
        pd.date_range("2020-01-01", periods=80, freq="h", tz="Europe/Berlin"),
        pd.RangeIndex(80),
        pd.Index([f"2020-01-{d:02d}" for d in range(1, 32)]),
    ],
)
def test_the_index_of_a_forecast_is_as_before(index, path):
    series = pd.Series(np.sin(np.arange(len(index))), index=index, name="waves")
    network = Forecaster(horizon=3, **BRIEF).fit(series)
    pd.testing.assert_series_equal(again(network, path).predict(), network.predict())


@pytest.mark.parametrize(
    ("missing", "n_kept"),
    [
        ([], 36),
        ([950, 999], 36),
        ([*range(963, 1000, 12)], 49),
        ([*range(3, 1000, 12)], 1000),
    ],
)
def test_a_forecaster_keeps_what_the_next_forecast_reads(missing, n_kept):
    X = np.sin(np.arange(1000) * 2 * np.pi / 12) + RNG.normal(size=1000) / 10
    X[missing] = np.nan
    network = Forecaster(season=12, **BRIEF).fit(X)
    np.testing.assert_array_equal(network.predict(), network.predict(X))
    assert [len(x) for x in network.series_] == [n_kept]


@pytest.mark.parametrize("unit", ["char", "word", "bpe"])
def test_units_of_texts_are_the_same(unit, path):
    params = BRIEF if unit == "char" else BRIEF | {"max_tokens": 300}
    network = LanguageModel(unit=unit, hidden_size=8, n_layers=1, **params).fit(TEXTS)
    loaded = again(network, path)
    texts = [*TEXTS, "naïve 日本", ""]
    np.testing.assert_array_equal(
        loaded.score_samples(texts), network.score_samples(texts)
    )
    assert loaded.vocabulary_ == network.vocabulary_
    assert loaded.generate("the", random_state=0) == network.generate(
        "the", random_state=0
    )


def test_byte_pairs_need_tokenizers(path, monkeypatch):
    network = Translator(unit="bpe", max_tokens=300, hidden_size=8, decoder_size=8)
    network.set_params(**BRIEF).fit(TEXTS, TEXTS).save(path)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match="tokenizers"):
        lamina.load(path)


@pytest.mark.parametrize("freeze", [FrozenEstimator, lambda network: network])
def test_an_estimator_within_an_estimator_is_saved_with_it(freeze, path):
    inner = CNNClassifier(n_filters=4, **BRIEF).fit(IMAGES, np.arange(20) % 2)
    network = ImageCaptioner(
        start_from=freeze(inner), n_filters=4, decoder_size=8, **BRIEF
    )
    network.fit(IMAGES, ["left", "right"] * 10)
    loaded = again(network, path)
    np.testing.assert_array_equal(
        loaded.score_samples(IMAGES, ["left"] * 20),
        network.score_samples(IMAGES, ["left"] * 20),
    )
    loaded.fit(IMAGES, ["a", "b"] * 10)


def test_a_language_model_stays_one_object(path):
    waves = [np.sin(np.arange(800 + i) * 0.3) for i in range(6)]
    texts = ["ab", "ba"] * 3
    model = LanguageModel(unit="char", hidden_size=8, n_layers=1, **BRIEF).fit(texts)
    network = SpeechRecognizer(
        hidden_size=8, n_layers=1, language_model=model, sampling_rate=4000, **BRIEF
    ).fit(waves, texts)
    expected = network.predict(waves)
    loaded = again(network, path)
    assert loaded.predict(waves) == expected
    assert loaded.task_.language_model is loaded.language_model


def test_labels_of_steps_of_any_type_are_saved(path):
    X = [NUMBERS[i : i + 4] for i in range(10)]
    y = [[(1, "a"), (2, "b"), (1, "a"), (2, "b")]] * 10
    network = SequenceTagger(
        hidden_size=4, n_layers=1, class_weight="balanced", **BRIEF
    )
    loaded = again(network.fit(X, [[str(v) for v in row] for row in y]), path)
    assert [list(row) for row in loaded.predict(X)] == [
        list(row) for row in network.predict(X)
    ]


def test_parameters_are_the_same(path):
    generator = np.random.RandomState(3)
    params = {
        "class_weight": {0: 1.0, 1: 2.0, 2: 3.0},
        "random_state": generator,
        "early_stopping": True,
        "validation_split": KFold(3, shuffle=True, random_state=4),
        "scoring": "balanced_accuracy",
        "hidden_layer_sizes": np.array([4, 5]),
    }
    network = dnn(**params)
    loaded = again(network, path)
    assert repr(loaded.get_params()) == repr(network.get_params()).replace(
        repr(generator), repr(loaded.random_state)
    )
    assert loaded.random_state.randint(1000) == generator.randint(1000)
    assert loaded.validation_scores_ == network.validation_scores_
    assert loaded.loss_curve_ == network.loss_curve_


def test_the_network_is_that_of_the_fit_after_set_params(path):
    network = dnn()
    expected = network.predict_proba(NUMBERS)
    network.set_params(hidden_layer_sizes=(3, 3), activation="tanh")
    loaded = again(network, path)
    np.testing.assert_array_equal(loaded.predict_proba(NUMBERS), expected)
    assert loaded.hidden_layer_sizes == (3, 3)
    assert loaded.fit(NUMBERS, LABELS).network_.body.width == 3


def test_a_warm_start_continues_after_loading(path):
    network = dnn(warm_start=True)
    loaded = again(network, path)
    for each in (network, loaded):
        each.fit(NUMBERS, LABELS)
        assert each.n_iter_ == 2
    np.testing.assert_array_equal(
        loaded.predict_proba(NUMBERS), network.predict_proba(NUMBERS)
    )
    with pytest.raises(ParameterError, match="hidden_layer_sizes"):
        loaded.set_params(hidden_layer_sizes=3).fit(NUMBERS, LABELS)


def test_weights_that_are_not_trained_stay_so(path):
    network = dnn()
    network.network_.body.requires_grad_(False)
    trained = {
        n
        for n, p in again(network, path).network_.named_parameters()
        if p.requires_grad
    }
    assert trained == {"head.out.weight", "head.out.bias"}
    assert not again(network, path).network_.training


def test_the_optimizer_is_saved_on_request(path):
    network = DNNRegressor(**BRIEF)
    network.partial_fit(NUMBERS, NUMBERS[:, 0])
    network.save(path)
    small = path.stat().st_size
    network.save(path, training_state=True)
    assert path.stat().st_size > 2.5 * small


def test_what_only_fit_reads_is_omitted_with_a_warning(path):
    scorer = make_scorer(max_error, greater_is_better=False)
    network = DNNRegressor(early_stopping=True, scoring=scorer, **BRIEF)
    network.fit(NUMBERS, NUMBERS[:, 0])
    with pytest.warns(SavedFileWarning, match="scoring of DNNRegressor"):
        lamina.save(network, path)
    with pytest.warns(SavedFileWarning, match="set scoring again"):
        loaded = lamina.load(path)
    assert loaded.scoring is None
    np.testing.assert_array_equal(loaded.predict(NUMBERS), network.predict(NUMBERS))
    twin = pickle.loads(pickle.dumps(network))
    assert repr(twin.scoring) == repr(scorer)


class Label:
    """A label of a column that no file can contain."""


def test_what_predictions_need_is_refused_by_its_place(path):
    X = pd.DataFrame({Label(): [1.0, 2.0], "b": [3.0, 4.0]})
    network = dnn(X, [0, 1])
    with pytest.raises(SavedFileError, match=r"names.*Label cannot be stored"):
        lamina.save(network, path)
    assert not path.exists()
    twin = pickle.loads(pickle.dumps(network))
    assert twin.schema_.n_columns == 2


def test_an_estimator_that_is_not_fitted_is_refused(path):
    with pytest.raises(NotFittedError):
        lamina.save(DNNClassifier(), path)
    with pytest.raises(NotFittedError):
        DNNClassifier().save(path)
    with pytest.raises(SavedFileError, match="skops"):
        lamina.save(make_pipeline(StandardScaler(), DNNClassifier()), path)


def test_a_file_of_another_class_is_refused_by_name(path):
    dnn().save(path)
    with pytest.raises(SavedFileError, match="a DNNClassifier, not a CNNRegressor"):
        CNNRegressor.load(path)
    assert type(DNNClassifier.load(path)) is DNNClassifier


class StepwiseParams(Params):
    n_units: Annotated[int, at_least(1), "Units of the layer."] = 8


class Stepwise(Body):
    """A body that reads each step by itself, with a buffer that is not saved."""

    forms: ClassVar = ("series",)
    default_steps: ClassVar = 1_000

    def __init__(self, spec, params):
        super().__init__(spec, params)
        self.width = params.n_units
        self.layers = nn.Sequential(nn.Linear(spec.n_channels, self.width), nn.ReLU())
        ramp = torch.linspace(1, 2, self.width)
        self.register_buffer("ramp", ramp, persistent=False)

    def forward(self, batch):
        return Features(self.layers(batch.x) * self.ramp, batch.lengths)


class StepwiseClassifier(Classifier, StepwiseParams):
    body = Stepwise


def test_a_class_of_the_user_is_passed(path):
    X = RNG.normal(size=(30, 5, 2))
    network = StepwiseClassifier(n_units=3, **BRIEF).fit(X, LABELS)
    expected = network.predict_proba(X)
    network.set_params(n_units=5).save(path)
    with pytest.raises(SavedFileError, match=r"classes=\[StepwiseClassifier\]"):
        lamina.load(path)
    with pytest.raises(ParameterError, match="the class of its estimator"):
        lamina.load(path, [Stepwise])
    for loaded in (
        lamina.load(path, [StepwiseClassifier]),
        StepwiseClassifier.load(path),
        pickle.loads(pickle.dumps(network)),
        pickle.loads(cloudpickle.dumps(network)),
    ):
        np.testing.assert_array_equal(loaded.predict_proba(X), expected)
        assert loaded.n_units == 5


def test_a_network_that_cannot_be_built_again_is_refused(path):
    network = dnn()
    network.network_.head.out.weight = nn.Parameter(torch.zeros(8, 8, 7))
    with pytest.raises(SavedFileError, match=r"head\.out\.weight.*8, 7\).*8, 3\)"):
        lamina.save(network, path)


def changed(path, change):
    """The file with other contents, and hashes that agree with them."""
    tree, arrays, _ = archive.read(path, "estimator")
    attributes = {
        key: (value, pair) for pair in tree["object"][1] for key, value in [pair]
    }
    change(attributes)
    archive.write(path, "estimator", tree, arrays)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", 10**9),
        ("hidden_layer_sizes", [1] * 10**5),
        ("dropout", 7),
    ],
)
def test_nothing_is_allocated_because_a_file_claims_it(name, value, path):
    dnn().save(path)

    def change(attributes):
        _, pair = attributes["_built_with"]
        pairs = pair[1]["dict"]
        next(p for p in pairs if p[0] == name)[1] = value

    changed(path, change)
    with pytest.raises(SavedFileError):
        lamina.load(path)


def test_loading_changes_nothing_in_the_process(path):
    CNNClassifier(n_filters=4, **BRIEF).fit(IMAGES, np.arange(20) % 2).save(path)
    before = torch.get_rng_state(), repr(np.random.get_state()), torch.get_num_threads()
    with torch.inference_mode(), torch.device("meta"):
        lamina.load(path).save(path)
        loaded = lamina.load(path)
    after = torch.get_rng_state(), repr(np.random.get_state()), torch.get_num_threads()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert not any(p.is_inference() for p in loaded.network_.parameters())
    assert not any(p.is_meta for p in loaded.network_.state_dict().values())


FRESH = """
import sys
from lamina import load
before = set(sys.modules)
load(sys.argv[1])
print(len(set(sys.modules) - before))
"""


def test_loading_imports_no_compiler(path):
    RNNClassifier(hidden_size=4, **BRIEF).fit(NUMBERS, LABELS).save(path)
    process = subprocess.run(
        [sys.executable, "-c", FRESH, path], capture_output=True, text=True, check=True
    )
    assert int(process.stdout) < 50


def test_a_pickle_of_another_version_warns():
    network = dnn()
    name, arguments, state = network.__reduce_ex__(4)[:3]
    assert state["_lamina_version"] == lamina.__version__
    with pytest.warns(InconsistentVersionWarning, match=r"0\.0\.7"):
        name(*arguments).__setstate__(state | {"_lamina_version": "0.0.7"})
    with pytest.warns(InconsistentVersionWarning, match=r"0\.9"):
        name(*arguments).__setstate__(state | {"_sklearn_version": "0.9"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickle.dumps(network))
        pickle.loads(pickle.dumps(DNNClassifier()))


def test_a_pickle_holds_weights_as_arrays_of_numpy():
    state = dnn().__getstate__()
    assert {type(value) for value in state.values()} == {str, dict, list}
    assert {type(array) for array in state["arrays"].values()} == {np.ndarray}
    assert b"_rebuild_tensor" not in pickle.dumps(dnn())


def test_copies_share_or_copy_the_network():
    network = dnn()
    assert copy.copy(network).network_ is network.network_
    twin = copy.deepcopy(network)
    assert twin.network_ is not network.network_
    assert twin.encoder_.schema is twin.schema_
    np.testing.assert_array_equal(
        twin.predict_proba(NUMBERS), network.predict_proba(NUMBERS)
    )


def test_a_search_in_processes_works(path):
    search = GridSearchCV(
        DNNClassifier(**BRIEF), {"hidden_layer_sizes": [4, 5]}, cv=2, n_jobs=2
    ).fit(NUMBERS, LABELS)
    joblib.dump(search, path)
    np.testing.assert_array_equal(
        joblib.load(path).predict_proba(NUMBERS), search.predict_proba(NUMBERS)
    )


def test_a_pickle_may_be_mapped_into_memory(path):
    network = CNNClassifier(n_filters=4, **BRIEF).fit(IMAGES, np.arange(20) % 2)
    joblib.dump(network, path)
    mapped = joblib.load(path, mmap_mode="r")
    np.testing.assert_array_equal(
        mapped.predict_proba(IMAGES), network.predict_proba(IMAGES)
    )
    mapped.partial_fit(IMAGES, np.arange(20) % 2)


def test_pipelines_are_saved_by_skops(path):
    for network in (
        make_pipeline(StandardScaler(), DNNClassifier(**BRIEF)).fit(NUMBERS, LABELS),
        ImageCaptioner(
            start_from=FrozenEstimator(
                CNNClassifier(n_filters=4, **BRIEF).fit(IMAGES, np.arange(20) % 2)
            ),
            n_filters=4,
            decoder_size=8,
            **BRIEF,
        ).fit(IMAGES, ["left", "right"] * 10),
    ):
        skops.io.dump(network, path)
        trusted = lamina.TRUSTED_TYPES
        assert set(skops.io.get_untrusted_types(file=path)) <= set(trusted)
        loaded = skops.io.load(path, trusted=trusted)
        X = NUMBERS if hasattr(network, "steps") else IMAGES
        assert list(loaded.predict(X)) == list(network.predict(X))


def test_the_trusted_types_are_the_estimators():
    names = {name.rpartition(".")[2] for name in lamina.TRUSTED_TYPES}
    assert {name for name, _ in all_estimators()} <= names
