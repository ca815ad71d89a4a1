"""The constructor of a class of parameters: its signature, and unknown names refused.

An unknown name is refused with the parameter that is probably meant: the one that other
libraries (scikit-learn, Keras, skorch, PyTorch, XGBoost and others) call so, or the one of
nearly the same spelling.
"""

import re
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from inspect import Parameter, Signature, formatannotation
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from lamina.exceptions import ParameterError

MIN_SIMILARITY = 0.75
"""Of a misspelt name to the right one, from 0 to 1, as `difflib` measures it."""
SYNONYMS: dict[str, str] = {
    "hidden_layer_sizes": """units n_units hidden_units hidden_layers layers layer_sizes
        layer_widths hidden_sizes hidden_dims n_hidden mlp_dims""",
    "hidden_size": """units n_units hidden_units hidden_dim hidden_layer_sizes n_hidden
        num_hidden rnn_units lstm_units d_model""",
    "n_filters": """filters num_filters channels out_channels n_channels units n_units
        hidden_layer_sizes hidden_layers layers""",
    "n_layers": "num_layers hidden_layers layers depth n_hidden_layers num_rnn_layers",
    "n_blocks": "num_blocks depth num_layers n_layers",
    "kernel_size": "kernel filter_size kernel_sizes",
    "activation": "act activation_function hidden_activation nonlinearity",
    "dropout": "dropout_rate dropout_prob drop_rate p_dropout recurrent_dropout",
    "cell": "cell_type rnn_type rnn_cell unit_type",
    "pooling": "pool pool_type",
    "normalization": "norm batch_norm batch_normalization normalisation",
    "augmentation": "data_augmentation augment transforms",
    "optimizer": "solver optim optimiser algorithm",
    "max_iter": """epochs n_epochs num_epochs max_epochs nb_epoch n_iter iterations
        n_estimators num_boost_round n_iterations""",
    "max_time": "timeout time_limit max_seconds",
    "batch_size": "minibatch_size mini_batch_size train_batch_size",
    "learning_rate_init": "lr learning_rate eta eta0 step_size max_lr",
    "schedule": "lr_schedule lr_scheduler scheduler learning_rate_schedule",
    "alpha": "weight_decay l2 reg_lambda lambda_l2 l2_regularization wd regularization",
    "beta_1": "beta1 betas",
    "beta_2": "beta2",
    "epsilon": "eps adam_epsilon",
    "nesterovs_momentum": "nesterov use_nesterov",
    "max_grad_norm": "clipnorm clip_norm grad_clip gradient_clip_val clipvalue",
    "early_stopping": "early_stop use_early_stopping earlystopping",
    "validation_fraction": "val_fraction valid_fraction val_size valid_size",
    "validation_split": "train_split val_split cv",
    "scoring": "metric metrics scorer eval_metric",
    "n_iter_no_change": "patience early_stopping_rounds n_iter_no_improvement",
    "tol": "tolerance min_delta threshold",
    "random_state": "seed random_seed rng torch_seed",
    "verbose": "verbosity print_log",
    "device": "gpu use_gpu use_cuda accelerator",
    "checkpoint": "checkpoint_path checkpoint_file ckpt ckpt_path resume_from",
    "checkpoint_every": "checkpoint_interval save_every checkpoint_freq",
    "n_threads": "n_jobs num_threads threads n_workers num_workers",
    "precision": "dtype mixed_precision amp",
    "loss": "loss_function loss_fn criterion objective",
    "class_weight": "scale_pos_weight weights pos_weight",
    "token_unit": "tokenizer analyzer tokenization",
    "unit": "tokenizer analyzer tokenization token_unit",
    "max_tokens": "vocab_size vocabulary_size max_features num_words",
    "categorical_features": "cat_features categorical enable_categorical cat_cols",
    "image_size": "img_size input_size target_size",
    "sampling_rate": "sample_rate sr",
    "n_mels": "num_mels n_bands",
    "horizon": "forecast_horizon prediction_length output_chunk_length fh",
    "season": "seasonality season_length seasonal_periods sp period m",
    "window": "context_length lookback input_chunk_length bptt seq_len",
    "quantiles": "quantile quantile_levels levels",
    "id_column": "unique_id id_col group_ids item_id",
    "time_column": "ds time_col date_column time_idx timestamp_column",
    "value_column": "target target_col target_column",
    "known_columns": "future_covariates exog known_reals",
    "beam_size": "beam_width num_beams n_beams",
    "max_length": "maxlen max_len max_new_tokens",
    "decoder_size": "decoder_units decoder_dim",
    "language_model": "lm",
    "language_weight": "lm_weight lm_alpha",
    "crf": "use_crf",
    "word_vectors": """embeddings embedding_matrix pretrained_embeddings word_embeddings
        embedding_weights glove word2vec vectors""",
    "start_from": "pretrained encoder backbone pretrained_encoder init_from weights",
    "freeze_body": "freeze frozen trainable freeze_encoder",
}
"""What other libraries call a parameter. A word may stand for several parameters; the first
of them that an estimator has is meant."""

ELSEWHERE: dict[str, str] = {
    "word_vectors": """CNNClassifier, CNNRegressor, RNNClassifier, RNNRegressor and
        SequenceTagger, which read words in their order, have it.""",
}
"""What has a parameter that an estimator may be expected to have."""

PATH = "str | PathLike[str]"
"""The type of a path, which a signature shows in short."""

NameTypeDefault = tuple[str, Any, Any]


class TypeText(str):
    """A type as a signature shows it, without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def signature_of(parameters: Iterable[NameTypeDefault]) -> Signature:
    """Keyword-only parameters, their types in short."""
    this = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    return Signature([this, *(_parameter(*p) for p in parameters)])


def _parameter(name: str, kind: object, default: object) -> Parameter:
    """A parameter of the signature, without the part of its type that the default shows."""
    parts = parts_of(kind)
    if default is not None and type(default) in parts:
        return Parameter(name, Parameter.KEYWORD_ONLY, default=default)
    shown = [_text(p, default) for p in parts if p not in (NoneType, Literal[default])]
    text = TypeText(" | ".join(shown).replace(PATH, "Path"))
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=text)


def parts_of(kind: object) -> tuple[Any, ...]:
    """The members of a union, or the type itself."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _text(kind: object, default: object) -> str:
    """Choices by their values, without a default of "auto"; other types by name."""
    if get_origin(kind) is Literal:
        choices = [c for c in get_args(kind) if not c == default == "auto"]
        return " | ".join(map(repr, choices))
    return re.sub(r"\w+\.", "", formatannotation(kind))


def constructor_of(cls: type, signature: Signature) -> Callable[..., None]:
    """The constructor of a dataclass, which refuses unknown names with a suggestion."""
    assign, names = cls.__init__, [*signature.parameters][1:]

    def __init__(self: object, **params: object) -> None:  # noqa: N807
        refuse_unknown(cls.__name__, params, names)
        assign(self, **params)

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    __init__.__signature__ = signature
    return __init__


def refuse_unknown(owner: str, given: Iterable[str], names: Collection[str]) -> None:
    """Raise `ParameterError` for names that are no parameters of the owner."""
    sentences = []
    for name in given:
        if name not in names:
            meant = suggestion(name, names)
            hint = f"It has {', '.join(sorted(names))}."
            if meant is not None:
                hint = f"Did you mean {meant!r}?"
            elif name in ELSEWHERE:
                hint = " ".join(ELSEWHERE[name].split())
            sentences.append(f"{owner} has no parameter {name!r}. {hint}")
    if sentences:
        raise ParameterError(" ".join(sentences))


def suggestion(unknown: str, names: Collection[str]) -> str | None:
    """The one of `names` that is probably meant; None if none is likely."""
    meant = {name: name for name in names}
    for name, synonyms in SYNONYMS.items():
        if name in names:
            for word in synonyms.split():
                meant.setdefault(word, name)
    word = unknown.lower().replace("-", "_")
    close = (
        [word] if word in meant else get_close_matches(word, meant, 1, MIN_SIMILARITY)
    )
    return meant[close[0]] if close else None
