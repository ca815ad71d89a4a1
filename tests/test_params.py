"""A declaration becomes signature, default, documentation and check."""

import re
from inspect import Parameter, signature
from typing import Annotated, Literal, get_args, get_origin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import lamina
from lamina.constructor import parts_of
from lamina.encoders.choose import ENCODERS
from lamina.encoders.tokenizers import TOKENIZERS
from lamina.exceptions import ParameterError
from lamina.kernels.activations import ACTIVATIONS
from lamina.nn.augmentation import AUGMENTATIONS
from lamina.nn.normalization import NORMALIZATIONS
from lamina.nn.pooling import POOLINGS
from lamina.nn.recurrent import CELLS
from lamina.params import (
    Params,
    at_least,
    boolean,
    check_params,
    declared,
    fraction,
    none,
    not_negative,
    odd,
    one_of,
    only_with,
    positive,
    seed,
    sizes,
)
from lamina.tasks.label_task import GAMMAS
from lamina.tasks.regression_loss import LOSSES as REGRESSION_LOSSES
from lamina.tasks.schemes import PREFIXES
from lamina.testing import all_estimators
from lamina.training.optimizers import OPTIMIZERS
from lamina.training.precision import PRECISIONS
from lamina.training.schedules import SCHEDULES
from lamina.units import UNITS

CALM = settings(deadline=None, max_examples=40)
ESTIMATORS = [estimator for _, estimator in all_estimators()]


class Oven(Params):
    """Bakes.

    {parameters}
    """

    heat: Annotated[int, at_least(50), none(), "Degrees inside."] = 180
    kind: Annotated[Literal["gas", "wood"], "What burns."] = "gas"
    logs: Annotated[int, at_least(1), only_with(kind="wood"), "Pieces of wood."] = 4


class BigOven(Oven):
    """Bakes more.

    {parameters}
    """

    trays: Annotated[int, odd(), "Trays at once."] = 3


def test_declaration_becomes_a_keyword_only_signature_with_its_default():
    parameters = signature(BigOven).parameters
    defaults = {name: p.default for name, p in parameters.items()}
    assert defaults == {"heat": 180, "kind": "gas", "logs": 4, "trays": 3}
    assert {p.kind for p in parameters.values()} == {Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError):
        Oven(200)


def test_values_are_stored_as_they_are_given():
    logs = np.int64(7)
    oven = Oven(logs=logs, heat=None)
    assert oven.logs is logs
    assert oven.heat is None
    assert oven.kind == "gas"


def test_declaration_becomes_a_numpydoc_section():
    lines = BigOven.__doc__.splitlines()
    at = lines.index("Parameters")
    assert lines[at + 1] == "-" * len("Parameters")
    assert "heat : int >= 50 or None, default=180" in lines
    assert "    Degrees inside." in lines
    assert "kind : {'gas', 'wood'}, default='gas'" in lines
    assert "trays : odd int >= 1, default=3" in lines
    assert "    Only with `kind='wood'`." in lines
    assert "{parameters}" not in BigOven.__doc__


class Stove(Params):
    """Warms."""

    fan: Annotated[bool, "Whether air is moved."] = False
    timer: Annotated[int | Literal["auto"] | None, at_least(1), "Minutes."] = None


@pytest.mark.parametrize(
    ("name", "good", "bad", "words"),
    [
        ("fan", [True, np.False_], [0, None, "True"], "bool"),
        ("timer", [3, "auto", None], [0, True, "on"], "int >= 1 or {'auto'} or None"),
    ],
)
def test_type_states_choices_booleans_and_none(name, good, bad, words):
    for value in good:
        check_params(Stove(**{name: value}))
    for value in bad:
        with pytest.raises(ParameterError, match=re.escape(f"must be {words}. Got")):
            check_params(Stove(**{name: value}))


OBJECTS = {
    "activation": ACTIVATIONS,
    "augmentation": AUGMENTATIONS,
    "cell": CELLS,
    "form": [form for form in ENCODERS if form != "table"],
    "normalization": NORMALIZATIONS,
    "optimizer": OPTIMIZERS,
    "pooling": POOLINGS,
    "precision": PRECISIONS,
    "schedule": SCHEDULES,
    "scheme": PREFIXES,
    "token_unit": TOKENIZERS,
    "unit": UNITS,
}
LOSSES = {"Classifier": GAMMAS, "Regressor": REGRESSION_LOSSES}
WITHOUT_OBJECTS = {
    "alpha",
    "averaging",
    "batch_size",
    "class_weight",
    "kernel_size",
    "linear_path",
    "max_iter",
    "max_length",
    "early_stopping",
    "n_threads",
    "numeric_embedding",
    "season",
    "validation_fraction",
    "validation_split",
    "window",
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_choices_of_a_parameter_are_the_names_of_its_objects(estimator):
    for declaration in declared(estimator):
        name, parts = declaration.name, parts_of(declaration.type)
        choices = {c for p in parts if get_origin(p) is Literal for c in get_args(p)}
        if not choices or name in WITHOUT_OBJECTS:
            continue
        objects = OBJECTS.get(name) or LOSSES[estimator.__name__[3:]]
        assert choices - {"auto"} == set(objects) - {"auto"}, name


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_constructor_parameter_is_documented_with_its_default(estimator):
    for name, parameter in signature(estimator).parameters.items():
        entry = f"\n{name} : "
        assert estimator.__doc__.count(entry) == 1, name
        head = estimator.__doc__.split(entry)[1].splitlines()[0]
        assert head.endswith(f"default={parameter.default!r}"), name


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_defaults_of_every_estimator_are_allowed(estimator):
    check_params(estimator())


@pytest.mark.parametrize(
    ("name", "value"),
    [("heat", 49), ("heat", 180.0), ("heat", True), ("kind", "coal"), ("kind", None)],
)
def test_error_names_parameter_owner_rules_and_value(name, value):
    with pytest.raises(ParameterError) as caught:
        check_params(Oven(**{name: value}))
    message = str(caught.value)
    for part in (repr(name), "Oven", repr(value)):
        assert part in message
    assert ("int >= 50 or None" if name == "heat" else "'gas', 'wood'") in message


def test_only_with_refuses_a_value_without_effect_and_says_what_it_needs():
    with pytest.raises(ParameterError) as caught:
        check_params(Oven(logs=5))
    for part in ("logs=5", "Oven", "kind='gas'", "'wood'"):
        assert part in str(caught.value)
    check_params(Oven(kind="wood", logs=5))
    check_params(Oven(kind="gas", logs=4))


@pytest.mark.parametrize(
    "params",
    [
        {"momentum": 0.5},
        {"optimizer": "sgd", "beta_1": 0.5},
        {"early_stopping": False, "validation_fraction": 0.3},
        {"loss": "focal", "label_smoothing": 0.1},
    ],
)
def test_estimators_refuse_parameters_without_effect(params):
    name = list(params)[-1]
    with pytest.raises(ParameterError, match=f"{name}=.* has no effect"):
        lamina.DNNClassifier(**params).fit([[0.0], [1.0]], [0, 1])


def test_quantiles_are_refused_without_the_quantile_loss():
    with pytest.raises(ParameterError, match=r"quantiles=0\.9 has no effect"):
        lamina.DNNRegressor(quantiles=0.9).fit([[0.0], [1.0]], [0.0, 1.0])


def test_a_parameter_error_is_a_value_error_and_a_type_error():
    assert issubclass(ParameterError, ValueError)
    assert issubclass(ParameterError, TypeError)


RULES = [
    (at_least(2), [2, np.int32(5)], [1, 2.0, True, "2", None, np.array([3])]),
    (odd(), [1, 7, np.int8(3)], [0, 2, -1, 3.0, True]),
    (positive(), [1e-300, 1, np.float32(2)], [0, -1, np.inf, np.nan, True, "1"]),
    (not_negative(), [0, 0.0, 3.5], [-1e-9, np.inf, np.nan, False, None]),
    (fraction(), [0, 0.0, 0.999], [1, 1.0, -0.1, np.nan, True]),
    (fraction(zero=False), [1e-9, 0.5], [0, 0.0, 1]),
    (one_of("a", "b"), ["a", np.str_("b")], ["c", None, 1, ["a"], np.array(["a"])]),
    (boolean(), [True, np.bool_(False)], [0, 1, None, "True"]),
    (none(), [None], [0, False, "None"]),
    (
        sizes(),
        [(), (1, 2), [3], np.array([4]), 3],
        [0, 3.0, (0,), (1.0,), "12", (True,)],
    ),
    (
        seed(),
        [None, 0, np.int64(3), 2**32 - 1, np.random.RandomState(0)],
        [-1, 2**32, 1.0, True, "0", np.random.default_rng(0)],
    ),
]


@pytest.mark.parametrize(("rule", "good", "bad"), RULES, ids=lambda r: str(r)[:24])
def test_rule_accepts_what_it_says_and_nothing_else(rule, good, bad):
    assert all(rule.accepts(value) for value in good)
    assert not [value for value in bad if rule.accepts(value)]


@CALM
@given(st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.booleans()))
def test_fraction_is_exactly_the_numbers_from_0_below_1(value):
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    assert fraction().accepts(value) == (is_number and 0 <= value < 1)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_get_params_is_the_signature_and_survives_set_and_clone(estimator):
    names = set(signature(estimator).parameters)
    rng = np.random.RandomState(0)
    network = estimator(dropout=0.25, batch_size=np.int64(3), random_state=rng)
    assert set(network.get_params()) == names
    assert network.get_params()["dropout"] == 0.25
    copied = clone(network).get_params()
    assert copied.pop("random_state") is not rng
    assert copied == {k: v for k, v in network.get_params().items() if k in copied}
    assert network.set_params(alpha=0.5).alpha == 0.5
    assert vars(estimator())["alpha"] != 0.5
    with pytest.raises(ValueError, match="nonsense"):
        network.set_params(nonsense=1)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_repr_shows_only_what_was_changed(estimator):
    assert repr(estimator()) == f"{estimator.__name__}()"
    assert repr(estimator(dropout=0.5)) == f"{estimator.__name__}(dropout=0.5)"


def test_a_refused_parameter_leaves_a_fitted_estimator_as_it_was():
    X, y = [[0.0], [1.0]] * 10, [0, 1] * 10
    network = lamina.DNNClassifier(hidden_layer_sizes=(4,), max_iter=2).fit(X, y)
    before = network.predict_proba(X)
    with pytest.raises(ParameterError):
        network.set_params(dropout=2).fit(X, y)
    np.testing.assert_array_equal(network.predict_proba(X), before)
