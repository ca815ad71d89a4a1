"""The start of a network: the body of a fitted estimator, with its encoder."""

import copy
from collections.abc import Iterable
from os import PathLike
from typing import Annotated, Any, get_type_hints

from sklearn.base import BaseEstimator

from lamina.encoders.base import Encoder
from lamina.estimators.parameters import text_of
from lamina.estimators.saving import Saved, load
from lamina.exceptions import ParameterError
from lamina.frozen import estimator_of, unfrozen
from lamina.nn.model import Model
from lamina.params import Params, Use, declared, refuse_unused
from lamina.training.checkpoint import file_name

TRAINING_ONLY = ("dropout", "augmentation")
"""Parameters of bodies that affect training alone, so that they may differ."""


class TransferParams(Params, use=Use.FROZEN):
    """The start of a network."""

    start_from: Annotated[
        BaseEstimator | str | PathLike[str] | None,
        estimator_of(Saved, "estimator of lamina"),
        file_name(),
        """A fitted estimator, or its file, with the same body and its parameters, and the
        same form of data. Training starts from a copy of its body, and reads X as it did:
        with its scales, categories and vocabulary. `clone` and grid search drop what an
        estimator learnt unless it is wrapped in `sklearn.frozen.FrozenEstimator`; a file
        they keep. None starts from random weights.""",
    ] = None
    freeze_body: Annotated[
        bool,
        """Whether the body stays as it is in `start_from`, and only the head is trained.
        Its statistics of normalisation stay too, and it drops no features.""",
    ] = False


def source_of(params: Any) -> Any:
    """The fitted estimator of `start_from`, which has the body that the parameters describe.

    None if there is none.
    """
    source: Any = unfrozen(params.start_from)
    if source is None:
        if params.freeze_body:
            refuse_unused(params, "freeze_body", "start_from=None")
        return None
    if isinstance(source, str | PathLike):
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
    _refuse_difference(params, source, names.difference(TRAINING_ONLY))
    return source


def encoder_of(source: Any, new: Encoder, form: str, params: Any) -> Encoder:
    """A copy of the encoder of `source`, in place of a new one for this form of data."""
    if type(source.encoder_) is not type(new):
        raise ParameterError(
            f"start_from is a {type(source).__name__} that was fitted on {source.form_} "
            f"data by a {type(source.encoder_).__name__}, and here X is {form} data for a "
            f"{type(new).__name__}; pass one that was fitted on data of this form."
        )
    _refuse_difference(params, source, _names_of([type(new).params]))
    return copy.deepcopy(source.encoder_)


def start(model: Model, source: Any, *, freezes: bool) -> None:
    """Copy the body of `source` into a new network."""
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
    if freezes:
        model.body.requires_grad_(False)
        model.train()  # which leaves a frozen body in evaluation


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
