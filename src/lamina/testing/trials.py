"""Values of each parameter for the checks to try."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from typing import Any

from sklearn.frozen import FrozenEstimator

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.convolutional import CNNClassifier
from lamina.estimators.language import LanguageModel
from lamina.params import Rule, declared


@dataclass(frozen=True)
class Trial:
    """Values of a parameter to try, of which at least one must have an effect."""

    values: tuple
    others: Mapping[str, Any] = field(default_factory=dict)
    """Values of other parameters that are needed for an effect."""
    n_fits: int = 1
    """How often to call `fit`."""


SGD = {"optimizer": "sgd"}
LONG = {"max_iter": 100, "learning_rate_init": 0.03}
TRIALS: dict[str, Trial] = {
    "max_iter": Trial((3,)),
    # So short that no second step is taken; the schedule is tested with the loop.
    "max_time": Trial((1e-9,)),
    "batch_size": Trial((5,)),
    "learning_rate_init": Trial((0.05,)),
    "schedule": Trial(("constant", "one_cycle")),
    "averaging": Trial((0.0, 2.0)),
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
    # The loss must improve within five epochs for the default tol.
    "tol": Trial(
        (1e3,),
        {"n_iter_no_change": 5, "max_iter": 8, "learning_rate_init": 0.01},
    ),
    # It affects a second fit, which resumes or starts again.
    "warm_start": Trial((True,), n_fits=2),
    # Without a GPU, "cpu" equals "auto", and "cuda" must be refused.
    "device": Trial(("cuda",)),
    "n_threads": Trial((1, 2)),
    "precision": Trial(("bfloat16",), {"precision": "float32"}),
    "random_state": Trial((1,)),
    # Each process has its file, in which a brief fit saves nothing.
    "checkpoint": Trial((Path(gettempdir()) / f"lamina-{token_hex(8)}",)),
    "checkpoint_every": Trial(("1 epoch",)),
    "verbose": Trial((True,)),
    "loss": Trial(("focal", "huber")),
    "class_weight": Trial(("balanced",)),
    "label_smoothing": Trial((0.2,)),
    "hidden_layer_sizes": Trial(((4, 4),)),
    "n_members": Trial((1,)),
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
    "max_pixels": Trial((3,)),
    "sampling_rate": Trial((2_000,)),
    "n_mels": Trial((5,)),
    "max_samples": Trial((9,)),
    "normalize_level": Trial((False,)),
    "token_unit": Trial(("char",)),
    "ngram_features": Trial((False,)),
    "ngram_dropout": Trial((0.4,)),
    "token_dropout": Trial((0.6,)),
    "max_tokens": Trial((3, 1), {"unit": "word"}),
    "unit": Trial(("word", "char")),
    "word_vectors": Trial(("absent.vec",)),
    "start_from": Trial((FrozenEstimator(CNNClassifier()),)),
    "freeze_body": Trial((True,)),
    "decoder_size": Trial((5,)),
    "decoder_dropout": Trial((0.6,)),
    "beam_size": Trial((1, 2, 9), {"max_iter": 8, "learning_rate_init": 0.002}),
    "length_penalty": Trial((0.0, 20.0), LONG),
    "max_length": Trial((1,), LONG),
    "stride": Trial((2,)),
    "masking": Trial((False,)),
    "language_model": Trial((FrozenEstimator(LanguageModel(unit="char")),)),
    "language_weight": Trial((0.9,)),
    "window": Trial((4, 9)),
    "horizon": Trial((2,)),
    "season": Trial((3,)),
    "quantiles": Trial((0.9, (0.3,)), {"loss": "quantile"}),
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
    "text_features": Trial(([2],)),
    "numeric_embedding": Trial(("none",)),
    "linear_path": Trial(("linear",)),
    "scoring": Trial(("loss",)),
    "validation_split": Trial(("last",), {"early_stopping": True}),
}
"""The trials of the parameters of lamina's estimators, by name."""


def rules_of(estimator: NeuralEstimator) -> dict[str, tuple]:
    """The rules and the conditions of each parameter, by name."""
    group: type = type(estimator)
    return {d.name: (*d.rules, *d.conditions) for d in declared(group)}


def trial_of(
    estimator: NeuralEstimator, trials: Mapping[str, Trial], name: str
) -> Trial:
    """The trial of a parameter, without `others` that the estimator does not have."""
    known = {**TRIALS, **trials}
    assert name in known, (
        f"There are no values to try for {name}: pass trials={{{name!r}: Trial((value,))}}"
    )
    rules, trial = rules_of(estimator), known[name]
    others = {other: value for other, value in trial.others.items() if other in rules}
    return replace(trial, others=others)


def values_of(
    estimator: NeuralEstimator, trials: Mapping[str, Trial], name: str
) -> list[Any]:
    """The values to try that its rules accept, other than the current value."""
    rules = [r for r in rules_of(estimator)[name] if isinstance(r, Rule)]
    current = estimator.get_params(deep=False)[name]
    return [
        value
        for value in trial_of(estimator, trials, name).values
        if value != current and any(rule.accepts(value) for rule in rules)
    ]
