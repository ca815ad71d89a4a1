"""Every public estimator passes the checks, with every form of data that it takes."""

import pytest

from lamina.testing import all_estimators, check_estimator, parametrize_with_contract

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
