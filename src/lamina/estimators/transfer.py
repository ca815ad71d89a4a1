"""The start of a network: a body, also with its encoder, or the vectors of words."""

import copy
from collections.abc import Iterable
from os import PathLike
from typing import Annotated, Any, get_type_hints

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

from lamina.batch import PAD
from lamina.encoders.base import Encoder
from lamina.encoders.texts.vectors import VectorParams, WordVectors
from lamina.estimators.parameters import text_of
from lamina.estimators.saving import Saved, load
from lamina.estimators.tensors import (
    load_tensors,
    module,
    tensors_by_name,
    tensors_in,
    tensors_of_file,
)
from lamina.exceptions import ParameterError
from lamina.frozen import estimator_of, unfrozen
from lamina.nn.body import TextBody
from lamina.nn.embedding import of_words
from lamina.nn.model import Model
from lamina.params import Params, Use, declared, refuse_unused
from lamina.paths import file_name

MAY_DIFFER = ("dropout", "augmentation", "word_vectors")
"""Parameters that affect training or its start alone."""


class TransferParams(Params, use=Use.FROZEN):
    """The start of a network."""

    start_from: Annotated[
        BaseEstimator | nn.Module | dict | str | PathLike[str] | None,
        estimator_of(Saved, "estimator of lamina"),
        module(),
        tensors_by_name(),
        file_name(),
        """A fitted estimator, or its file, with the same body and its parameters, and the
        same form of data. Training starts from a copy of its body, and reads X as it did:
        with its scales, categories and vocabulary. `clone` and grid search drop what an
        estimator learnt unless it is wrapped in `sklearn.frozen.FrozenEstimator`; a file
        they keep. Or a module of torch, its `state_dict()`, or a file of that (`torch.save`
        or safetensors), which has all tensors of `network_.body.state_dict()`, by name and
        shape; X is then read as without it. None starts from random weights.""",
    ] = None
    freeze_body: Annotated[
        bool,
        """Whether what training starts from stays as it is: of `start_from` the body, so
        that only the head is trained, also its statistics of normalisation, and it drops no
        features; of word vectors the embedding.""",
    ] = False


def source_of(params: Any) -> Any:
    """What `start_from` is: a fitted estimator whose body the parameters describe, or tensors.

    None if there is none.
    """
    source, freezes = unfrozen(params.start_from), params.freeze_body
    if source is None:
        starts_words = isinstance(params, VectorParams) and params.word_vectors
        if freezes and not starts_words:
            refuse_unused(params, "freeze_body", "start_from=None")
        return None
    is_file = isinstance(source, str | PathLike)
    tensors = tensors_of_file(source) if is_file else tensors_in(source)
    if tensors is not None:
        return tensors
    if is_file:
        source = load(source, (type(params),))
    if "network_" not in vars(source):
        raise ParameterError(
            "The parameter 'start_from' is not fitted; fit it first, and wrap it in "
            "sklearn.frozen.FrozenEstimator if the estimator is cloned."
        )
    if source.body is not params.body:
        raise ParameterError(
            f"start_from is a {type(source).__name__}, whose body is a "
            f"{source.body.__name__}, and {type(params).__name__} has a "
            f"{params.body.__name__}; pass an estimator with that body."
        )
    names = _names_of(_groups_of(params.body, type(params)))
    _refuse_difference(params, source, names.difference(MAY_DIFFER))
    return source


def has_encoder(source: Any) -> bool:
    """Whether X is read as the source reads it."""
    return isinstance(source, Saved)


def encoder_of(source: Any, new: Encoder, form: str, params: Any) -> Encoder:
    """A copy of the encoder of `source`, in place of a new one for this form of data."""
    if type(source.encoder_) is not type(new):
        raise ParameterError(
            f"start_from is a {type(source).__name__} that was fitted on {source.form_} "
            f"data by a {type(source.encoder_).__name__}, and here X is {form} data for a "
            f"{type(new).__name__}; pass one that was fitted on data of this form."
        )
    names = _names_of([type(new).params])
    _refuse_difference(params, source, names.difference(MAY_DIFFER))
    return copy.deepcopy(source.encoder_)


def start(model: Model, source: Any, *, freezes: bool) -> None:
    """Copy the body of `source` into a new network."""
    if has_encoder(source):
        _copy_body(model, source)
    else:
        load_tensors(model.body, source)
    if freezes:
        model.body.requires_grad_(False)
        model.train()  # which leaves a frozen body in evaluation


def start_words(model: Model, words: WordVectors, *, freezes: bool) -> None:
    """Let the embedding of words be their vectors, and random ones of the same scale."""
    body = model.body
    embedding = of_words(body.embed) if isinstance(body, TextBody) else None
    if embedding is None or embedding.embedding_dim != words.width:
        raise ParameterError(
            f"word_vectors has vectors of {words.width} values, for which the body "
            f"{type(body).__name__} has no embedding; leave it at its default."
        )
    table = embedding.weight
    with torch.no_grad():
        nn.init.normal_(table, std=float(words.vectors.std(dtype=np.float64)))
        table[PAD] = 0.0
        table[torch.from_numpy(words.token_ids)] = torch.from_numpy(words.vectors)
    table.requires_grad_(not freezes)


def _copy_body(model: Model, source: Any) -> None:
    tensors, needed = source.network_.body.state_dict(), model.body.state_dict()
    for name in dict.fromkeys([*needed, *tensors]):
        ours, theirs = (
            tuple(t[name].shape) if name in t else None for t in (needed, tensors)
        )
        if ours != theirs:
            raise ParameterError(
                f"The body of start_from does not fit: {name!r} has the shape {theirs} "
                f"there, and {ours} here. Pass an estimator of the same kind."
            )
    model.body.load_state_dict(tensors)


def _refuse_difference(params: Any, source: Any, names: set[str]) -> None:
    """Raise `ParameterError` for a parameter of these that the source has otherwise."""
    built_with = source._built_with
    for name in sorted(names & built_with.keys()):
        ours, theirs = getattr(params, name), built_with[name]
        if text_of(ours) != text_of(theirs):
            raise ParameterError(
                f"start_from was fitted with {name}={theirs!r}, and here {name}={ours!r}; "
                f"pass {name}={theirs!r}."
            )


def _names_of(groups: Iterable[type]) -> set[str]:
    return {declaration.name for group in groups for declaration in declared(group)}


def _groups_of(body: type, estimator: type) -> list[type]:
    """The groups of an estimator's parameters that are of its body."""
    group = get_type_hints(body.__init__)["params"]
    return [
        c
        for c in estimator.__mro__
        if issubclass(c, group) and not issubclass(c, BaseEstimator)
    ]
