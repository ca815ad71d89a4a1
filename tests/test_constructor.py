"""A constructor has a readable signature, and answers an unknown name with a suggestion."""

from inspect import signature
from pydoc import plain, render_doc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

import lamina
from lamina.constructor import SYNONYMS
from lamina.exceptions import ParameterError
from lamina.testing import all_estimators
from lamina.testing.examples import examples_for

ESTIMATORS = [estimator for _, estimator in all_estimators()]
MAX_SIGNATURE = 1_800
FORMS = {
    "form",
    "max_tokens",
    "id_column",
    "sampling_rate",
    "n_mels",
    "max_samples",
    "image_size",
    "max_pixels",
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_signature_is_short_and_shows_types_and_defaults(estimator):
    text = str(signature(estimator))
    assert len(text) < MAX_SIGNATURE
    assert "optimizer: 'adamw' | 'adam' | 'sgd' = 'adamw'" in text
    for piece in (
        "max_iter: int = 'auto'",
        "max_time: float = None",
        " alpha: float = 'auto'",
    ):
        assert piece in text
    for noise in ("Annotated", "Rule", "lamina.", "<"):
        assert noise not in text


def test_help_of_the_first_class_opens_with_its_signature():
    opening = plain(render_doc(lamina.DNNClassifier)).split("\n |  \n")[0]
    assert "DNNClassifier(*, hidden_layer_sizes: int | Sequence[int]" in opening
    assert len(opening) < MAX_SIGNATURE


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_architecture_comes_first_then_training_then_data(estimator):
    names = [*signature(estimator).parameters]
    architecture = {"hidden_layer_sizes", "n_filters", "cell", "hidden_size"}
    assert names[0] in architecture
    trained = names.index("max_iter"), names.index("verbose")
    assert names.index("dropout") < trained[0] < trained[1]
    for name in FORMS.intersection(names):
        assert names.index(name) > trained[1], name


MEANT = {
    "solver": "optimizer",
    "epochs": "max_iter",
    "n_epochs": "max_iter",
    "n_estimators": "max_iter",
    "lr": "learning_rate_init",
    "learning_rate": "learning_rate_init",
    "hidden_layers": "hidden_layer_sizes",
    "units": "hidden_layer_sizes",
    "batchsize": "batch_size",
    "weight_decay": "alpha",
    "l2": "alpha",
    "early_stop": "early_stopping",
    "patience": "n_iter_no_change",
    "seed": "random_state",
    "loss_function": "loss",
    "dropot": "dropout",
    "Activation": "activation",
}


@pytest.mark.parametrize(("name", "meant"), MEANT.items())
def test_unknown_name_is_answered_with_the_one_that_is_meant(name, meant):
    expected = f"DNNClassifier has no parameter '{name}'. Did you mean '{meant}'?"
    with pytest.raises(TypeError) as caught:
        lamina.DNNClassifier(**{name: 1})
    assert str(caught.value) == expected
    with pytest.raises(ValueError, match="Did you mean") as caught:
        lamina.DNNClassifier().set_params(**{name: 1})
    assert str(caught.value) == expected


@pytest.mark.parametrize("name", ["gamma", "max_depth"])
def test_unknown_name_that_is_like_no_other_is_answered_with_all(name):
    with pytest.raises(
        TypeError, match=r"has no parameter .* It has activation, alpha"
    ):
        lamina.DNNClassifier(**{name: 1})


@pytest.mark.parametrize("estimator", ESTIMATORS)
@settings(deadline=None, max_examples=50)
@given(
    name=st.sampled_from(
        [word for words in SYNONYMS.values() for word in words.split()]
    )
    | st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
)
def test_suggestion_is_a_parameter_of_the_estimator(estimator, name):
    names = signature(estimator).parameters
    if name in names:
        return
    with pytest.raises(ParameterError) as caught:
        estimator(**{name: 1})
    _, _, question = str(caught.value).partition("Did you mean ")
    assert not question or question.strip("'?") in names


def test_every_synonym_is_of_a_parameter_of_some_estimator():
    known = set().union(*(signature(estimator).parameters for estimator in ESTIMATORS))
    assert set(SYNONYMS) - known == set()


def test_search_over_an_unknown_parameter_says_what_is_meant():
    search = GridSearchCV(
        lamina.DNNClassifier(), {"epochs": [1, 2]}, error_score="raise"
    )
    with pytest.raises(ValueError, match="Did you mean 'max_iter'"):
        search.fit(*load_iris(return_X_y=True))


def test_class_with_its_own_constructor_keeps_it():
    class Small(lamina.DNNClassifier):
        """A small network."""

        def __init__(self, hidden_layer_sizes=(4,)):
            super().__init__(hidden_layer_sizes=hidden_layer_sizes)

    assert Small().get_params() == {"hidden_layer_sizes": (4,)}
    assert Small((3, 3)).hidden_layer_sizes == (3, 3)
    assert Small().max_iter == "auto"


@pytest.mark.parametrize("size", [20, np.int64(20), (20,), [20], np.array([20])])
@pytest.mark.parametrize("estimator", [lamina.DNNClassifier, lamina.DNNRegressor])
def test_one_hidden_layer_may_be_an_integer(estimator, size):
    X = np.random.default_rng(0).normal(size=(20, 3))
    network = estimator(hidden_layer_sizes=size, max_iter=1, random_state=0)
    network.set_params(numeric_embedding="none").fit(X, np.arange(20) % 2)
    assert (20, 3) in [tuple(p.shape) for p in network.network_.parameters()]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("verbose", "n_lines"), [(1, 2), (True, 2), (np.int64(2), 2), (0, 0), (False, 0)]
)
def test_verbose_is_a_number_or_a_boolean(estimator, verbose, n_lines, capsys):
    data = examples_for(estimator())[0]
    network = estimator(max_iter=np.int64(2), batch_size=np.int32(16), random_state=0)
    network.set_params(verbose=verbose, **data.params)
    network.fit(data.X, data.target(network))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == n_lines
    assert all(line.startswith("Epoch ") for line in lines)
