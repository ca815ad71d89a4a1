"""The network of an estimator: built by a fit, taken apart, and built from its tensors."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import torch
from torch.nn.utils import convert_conv2d_weight_memory_format as channels_last
from torch.overrides import TorchFunctionMode

from lamina.batch import Spec
from lamina.exceptions import SavedFileError
from lamina.nn.model import Model
from lamina.process import default_settings
from lamina.seeding import built_from_stream, random_stream
from lamina.tasks.base import Task

if TYPE_CHECKING:
    from lamina.estimators.base import NeuralEstimator

CALLS_PER_TENSOR = 200
"""Calls of torch with which a constructor makes a tensor and draws its values, at most."""

OF_SHAPE = {
    *("as_strided_", "detach_", "requires_grad_", "resize_", "resize_as_", "set_"),
    *("squeeze_", "swapaxes_", "swapdims_", "t_", "transpose_", "unsqueeze_"),
}
"""Operations in place that change more than values."""


class Parts(TypedDict):
    """A network taken apart."""

    tensors: dict[str, torch.Tensor]
    not_trained: list[str]
    """The names of the parameters that are not trained."""
    training: bool


def build(params: "NeuralEstimator", spec: Spec, task: Task) -> Model:
    """A new network of an estimator's parameters, for the spec of its data and its task."""
    horizon = spec.max_length if task.long_range else 1
    spec = replace(spec, causal=task.causal, horizon=horizon)
    body = params.body(spec, params)
    return Model(body, task.head(body))


def in_memory_format(model: Model) -> Model:
    """The network with the weights of its convolutions in the order of fast kernels."""
    return channels_last(model, torch.channels_last)


def taken_apart(model: Model) -> Parts:
    """The tensors of a network, which of them are not trained, and its mode."""
    return {
        "tensors": dict(model.state_dict()),
        "not_trained": [n for n, p in model.named_parameters() if not p.requires_grad],
        "training": model.training,
    }


def rebuilt(params: "NeuralEstimator", spec: Spec, task: Task, parts: Parts) -> Model:
    """The network with these parts; nothing is allocated before all shapes agree."""
    tensors = parts["tensors"]
    with default_settings(), random_stream(0):
        refuse_other_network(params, spec, task, tensors)
        with built_from_stream(params.body, type(task)):
            model = build(params, spec, task)
        model.load_state_dict(tensors)
        for name in parts["not_trained"]:
            model.get_parameter(name).requires_grad_(False)
        return in_memory_format(model).train(parts["training"])


def refuse_other_network(
    params: "NeuralEstimator", spec: Spec, task: Task, tensors: Mapping[str, object]
) -> None:
    """Raise `SavedFileError` unless parameters, spec and task give tensors of these shapes.

    The network is built without memory for its values.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.device("meta"))
        stack.enter_context(_ShapesOnly(1_000 + CALLS_PER_TENSOR * len(tensors)))
        expected = build(params, spec, task).state_dict()
    for name in dict.fromkeys([*expected, *tensors]):
        needed, given = _shape(expected, name), _shape(tensors, name)
        if needed != given:
            raise SavedFileError(
                f"The network does not agree with the parameters it was built with: "
                f"{name!r} is {given}, and {needed} is needed."
            )


def _shape(tensors: Mapping[str, object], name: str) -> str:
    if name not in tensors:
        return "absent"
    value = tensors[name]
    if not isinstance(value, torch.Tensor):
        return "no tensor"
    return f"{value.dtype} of shape {tuple(value.shape)}"


class _ShapesOnly(TorchFunctionMode):
    """Skips changes of values, and ends a constructor that makes too many tensors.

    On the meta device values do not exist, and torch would import its compiler to change
    them, which takes seconds.
    """

    def __init__(self, n_calls: int):
        super().__init__()
        self.n_calls = n_calls

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        del types
        self.n_calls -= 1
        if self.n_calls < 0:
            raise SavedFileError("The network has more layers than there are tensors.")
        kwargs = kwargs or {}
        changed = next(iter([*args, *kwargs.values()]), None)
        name = func.__name__
        is_in_place = name.endswith("_") and not name.endswith("__")
        is_meta = isinstance(changed, torch.Tensor) and changed.is_meta
        if is_in_place and name not in OF_SHAPE and is_meta:
            return changed
        return func(*args, **kwargs)
