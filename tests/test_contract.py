"""Every public estimator passes the checks, with every form of data that it takes."""

from typing import Annotated, ClassVar

import numpy as np
import pytest
from torch import nn

from lamina.batch import Features
from lamina.estimators.classifier import Classifier
from lamina.nn.body import Body
from lamina.params import Params, at_least
from lamina.testing import (
    Example,
    Trial,
    all_estimators,
    check_estimator,
    parametrize_with_contract,
)
from lamina.testing.parameters import check_every_parameter_matters

SMALL = {
    "DNNClassifier": {"hidden_layer_sizes": (8, 8)},
    "DNNRegressor": {"hidden_layer_sizes": (8, 8)},
    "CNNClassifier": {"n_filters": (4,)},
    "CNNRegressor": {"n_filters": (4,)},
    "Forecaster": {"hidden_size": 6, "n_layers": 1, "horizon": 3, "season": 2},
    "ImageCaptioner": {"n_filters": (8,), "decoder_size": 24},
    "LanguageModel": {"hidden_size": 6, "window": 16},
    "RNNClassifier": {"hidden_size": 6, "n_layers": 1},
    "RNNRegressor": {"hidden_size": 6, "n_layers": 1},
    "SpeechRecognizer": {"hidden_size": 12, "n_layers": 1, "n_filters": 8},
    "Translator": {"hidden_size": 12, "decoder_size": 24},
    "SequenceTagger": {"hidden_size": 6, "n_layers": 1},
}
NETWORKS = [public(**SMALL[name]) for name, public in all_estimators()]


@parametrize_with_contract(NETWORKS)
def test_contract(estimator, data, check):
    check(estimator, data)


def test_every_public_estimator_is_checked():
    assert list(SMALL) and set(SMALL) == {name for name, _ in all_estimators()}


def test_check_estimator_names_the_check_that_fails():
    class Forgetful(dict(all_estimators())["DNNRegressor"]):
        def fit(self, X, y, **others):
            super().fit(X, y, **others)
            self.max_iter = int(self.max_iter) + 1
            return self

    with pytest.raises(AssertionError) as caught:
        check_estimator(Forgetful(**SMALL["DNNRegressor"]))
    assert any("check_" in note for note in caught.value.__notes__)


class StepwiseParams(Params):
    n_units: Annotated[int, at_least(1), "Units of the layer."] = 8


class Stepwise(Body):
    """A body that reads each step by itself."""

    forms: ClassVar = ("series",)
    default_steps: ClassVar = 1_000

    def __init__(self, spec, params):
        super().__init__(spec, params)
        self.width = params.n_units
        self.layers = nn.Sequential(nn.Linear(spec.n_channels, self.width), nn.Tanh())

    def forward(self, batch):
        return Features(self.layers(batch.x), batch.lengths)


class StepwiseClassifier(Classifier, StepwiseParams):
    """A classifier that a user defines, with a parameter that lamina does not have."""

    body = Stepwise


def levels_and_noise(n=20):
    level = np.random.default_rng(0).permutation(np.linspace(-1, 1, n))
    noise = np.random.default_rng(1).normal(scale=0.2, size=(n, 6, 2))
    X = (noise + level[:, None, None]).astype(np.float32).astype(float)
    labels = np.array(["low", "middle", "high"])[np.digitize(level, [-0.5, 0.3])]
    return Example("levels", "series", X, labels=labels)


@parametrize_with_contract(
    [StepwiseClassifier()], [levels_and_noise()], {"n_units": Trial((3,))}
)
def test_an_estimator_of_a_user_is_checked_with_its_own_data(estimator, data, check):
    check(estimator, data)


def test_a_parameter_without_values_to_try_is_named_with_the_remedy():
    with pytest.raises(AssertionError, match=r"trials=\{'n_units': Trial"):
        check_every_parameter_matters(StepwiseClassifier(), levels_and_noise())
