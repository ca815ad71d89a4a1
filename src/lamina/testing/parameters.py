"""Checks of the constructor's parameters: kept, obeyed, and each with an effect."""

import io
import re
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from lamina.estimators.convolutional import CNNClassifier
from lamina.estimators.language import LanguageModel
from lamina.exceptions import DataWarning
from lamina.params import OnlyWith, Rule
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import assert_same, brief, fit, outputs, rules_of


@dataclass(frozen=True)
class Trial:
    """Values of a parameter one of which should change something, if others are so."""

    values: tuple
    others: dict[str, Any] = field(default_factory=dict)
    n_fits: int = 1


SGD = {"optimizer": "sgd"}
LEARNT = {"max_iter": 100, "learning_rate_init": 0.03}
TRIALS: dict[str, Trial] = {
    "max_iter": Trial((3,)),
    # So short that no step is left; the paced schedule is a matter of the loop's tests.
    "max_time": Trial((1e-9,)),
    "batch_size": Trial((5,)),
    "learning_rate_init": Trial((0.05,)),
    "schedule": Trial(("constant",)),
    "optimizer": Trial(("adam", "sgd")),
    "alpha": Trial((0.5,)),
    "beta_1": Trial((0.5,)),
    "beta_2": Trial((0.5,)),
    "epsilon": Trial((0.1,)),
    "momentum": Trial((0.3,), SGD),
    "nesterovs_momentum": Trial((False,), SGD),
    "max_grad_norm": Trial((1e-3,)),
    "shuffle": Trial((False,)),
    "early_stopping": Trial((True,)),
    "validation_fraction": Trial((0.4,), {"early_stopping": True}),
    "n_iter_no_change": Trial((1,), {"tol": 1e3, "max_iter": 4}),
    # The losses must not stand still for four epochs by themselves.
    "tol": Trial(
        (1e3,), {"n_iter_no_change": 4, "max_iter": 8, "learning_rate_init": 0.03}
    ),
    # It is about a second fit, which goes on or starts again.
    "warm_start": Trial((True,), n_fits=2),
    # "cpu" is what "auto" means without a GPU, where "cuda" must be refused.
    "device": Trial(("cuda",)),
    "precision": Trial(("bfloat16",), {"precision": "float32"}),
    "random_state": Trial((1,)),
    "verbose": Trial((True,)),
    "loss": Trial(("focal", "huber")),
    "class_weight": Trial(("balanced",)),
    "label_smoothing": Trial((0.2,)),
    "quantile": Trial((0.9,), {"loss": "quantile"}),
    "hidden_layer_sizes": Trial(((4, 4),)),
    "activation": Trial(("tanh",)),
    "dropout": Trial((0.5,)),
    "cell": Trial(("gru",)),
    "hidden_size": Trial((5,)),
    "n_layers": Trial((1, 2)),
    "bidirectional": Trial((False,)),
    "n_filters": Trial(((3,), 3)),
    "kernel_size": Trial((5,)),
    "n_blocks": Trial((2,)),
    "residual": Trial((False,)),
    "pooling": Trial(("average",)),
    "normalization": Trial(("layer",)),
    "augmentation": Trial(("shift",)),
    "form": Trial(("image", "series", "text", "audio")),
    "image_size": Trial((4,)),
    "sampling_rate": Trial((2_000,)),
    "n_mels": Trial((5,)),
    "normalize_level": Trial((False,)),
    "token_unit": Trial(("char",)),
    "max_tokens": Trial((3, 1), {"unit": "word"}),
    "unit": Trial(("word", "char")),
    "pretrained": Trial((FrozenEstimator(CNNClassifier()),)),
    "decoder_size": Trial((5,)),
    "decoder_dropout": Trial((0.6,)),
    "beam_size": Trial((1, 2, 9), {"max_iter": 8, "learning_rate_init": 0.002}),
    "length_penalty": Trial((0.0, 20.0), LEARNT),
    "max_length": Trial((1,), LEARNT),
    "stride": Trial((2,)),
    "masking": Trial((False,)),
    "language_model": Trial((FrozenEstimator(LanguageModel(unit="char")),)),
    "language_weight": Trial((0.9,)),
    "window": Trial((4, 9)),
    "horizon": Trial((2,)),
    "season": Trial((3,)),
    "quantiles": Trial(((0.3,),)),
    "id_column": Trial(("a",)),
    "time_column": Trial(("a",)),
    "value_column": Trial(("a",)),
    "known_columns": Trial(((1,),)),
    "lower": Trial((0.5,)),
    "upper": Trial((0.5,)),
    "char_features": Trial((False,)),
    "crf": Trial((False,)),
    # A scheme that the labels do not have is refused.
    "scheme": Trial(("bio",)),
    "categorical_features": Trial(([0],)),
    "scoring": Trial(("loss",)),
    "validation_split": Trial(("last",), {"early_stopping": True}),
}
"""What to try, by name; an estimator with a parameter of its own adds an entry."""


def check_clone_keeps_every_parameter(estimator: Any, data: Example) -> None:
    """`clone` of an estimator with no parameter at its default is equal to it."""
    unusual = {name: _values(estimator, name)[0] for name in rules_of(estimator)}
    fitted = fit(brief(estimator, data), data).set_params(**unusual)
    copied = clone(fitted)
    assert copied.get_params(deep=False) == unusual, "clone lost a parameter"
    assert type(estimator)(**unusual).get_params(deep=False) == unusual
    left = [name for name in vars(copied) if name.endswith("_")]
    assert left == [], f"clone kept the fitted {left}"


def check_set_params_is_construction(estimator: Any, data: Example) -> None:
    """Parameters set later, even on a fitted estimator, count as those given at first."""
    params = brief(estimator, data).get_params(deep=False)
    params |= {"learning_rate_init": 0.01, "random_state": 3}
    constructed = fit(type(estimator)(**params), data)
    later = fit(brief(estimator, data), data).set_params(**params)
    assert_same(
        outputs(fit(later, data), data.X),
        outputs(constructed, data.X),
        "predictions after set_params and after construction",
    )


def check_every_parameter_matters(estimator: Any, data: Example) -> None:
    """Another value of each parameter changes what happens, or is refused."""
    known: dict[str, list] = {}
    idle = []
    for name in rules_of(estimator):
        trial = _trial(estimator, name)
        key = repr((trial.others, trial.n_fits))
        if key not in known:
            known[key] = _behaviour(estimator, data, trial.others, trial.n_fits)
        if not any(
            _matters(estimator, data, name, value, known[key])
            for value in _values(estimator, name)
        ):
            idle.append(name)
    assert idle == [], f"Another value changes nothing: {', '.join(idle)}"


def check_invalid_parameter_is_named(estimator: Any, data: Example) -> None:
    """A value of the wrong type is refused in `fit`, by name and with the value."""
    for name in rules_of(estimator):
        wrong = brief(estimator, data).set_params(**{name: {1, 2}})
        message = _refusal(wrong, data)
        assert message and re.search(rf"\b{name}\b", message), f"{name}: {message}"
        assert "{1, 2}" in message, f"The message lacks the value seen: {message}"


def check_unused_parameter_is_refused(estimator: Any, data: Example) -> None:
    """What would have no effect beside another parameter is refused, by both names."""
    for name, rules in rules_of(estimator).items():
        for condition in (r for r in rules if isinstance(r, OnlyWith)):
            value = _values(estimator, name)[0]
            for other, allowed in condition.others.items():
                unmet = _unmet(estimator, other, allowed)
                wrong = brief(estimator, data, **{name: value, other: unmet})
                message = _refusal(wrong, data) or ""
                assert name in message and other in message, f"{name}: {message!r}"


def _trial(estimator: Any, name: str) -> Trial:
    """What to try; others that this estimator does not have are left out."""
    assert name in TRIALS, f"lamina.testing.parameters.TRIALS lacks {name!r}"
    trial, known = TRIALS[name], rules_of(estimator)
    others = {other: value for other, value in trial.others.items() if other in known}
    return replace(trial, others=others)


def _values(estimator: Any, name: str) -> list:
    """Values to try: those allowed, and not the value that a brief fit has anyway."""
    rules = [r for r in rules_of(estimator)[name] if isinstance(r, Rule)]
    current = estimator.get_params(deep=False)[name]
    return [
        value
        for value in _trial(estimator, name).values
        if value != current and any(rule.accepts(value) for rule in rules)
    ]


def _unmet(estimator: Any, name: str, allowed: tuple) -> Any:
    rules = [r for r in rules_of(estimator)[name] if isinstance(r, Rule)]
    known = [True, False, "adamw", "sgd", *TRIALS[name].values]
    return next(
        v for v in known if v not in allowed and any(rule.accepts(v) for rule in rules)
    )


def _matters(estimator: Any, data: Example, name: str, value: Any, known: list) -> bool:
    trial = _trial(estimator, name)
    try:
        changed = trial.others | {name: value}
        behaviour = _behaviour(estimator, data, changed, trial.n_fits)
    except ValueError as error:
        assert str(error), f"{name}={value!r} is refused without a word"
        return True
    return not all(map(np.array_equal, behaviour, known))


def _behaviour(
    estimator: Any, data: Example, params: dict[str, Any], n_fits: int
) -> list:
    """What can be seen of a fit: outputs, epochs, printed lines, texts."""
    network = brief(estimator, data).set_params(**params)
    printed = io.StringIO()
    with redirect_stdout(printed):
        for _ in range(n_fits):
            fit(network, data)
        texts = _texts(network, data.X)
    return [outputs(network, data.X), network.n_iter_, printed.getvalue(), texts]


def _texts(network: Any, X: Any) -> list:
    """What an estimator writes, if it does; after two epochs a text need not end."""
    if kind_of(network) != "texts":
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return network.predict(X)


def _refusal(network: Any, data: Example) -> str | None:
    try:
        fit(network, data)
    except (ValueError, TypeError) as error:
        return str(error)
    return None
