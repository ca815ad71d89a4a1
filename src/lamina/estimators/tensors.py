"""The tensors of a torch module or of its file, and those of them that a body needs."""

import os
from collections.abc import Mapping
from typing import Any, TypeGuard

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor, nn

from lamina.exceptions import ParameterError
from lamina.params import Rule
from lamina.paths import open_regular

OF_BODY = "body."
"""What the names of a whole network have before those of its body."""
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
"""With what a file of `torch.save` begins: now, and before torch 1.6."""
N_SHOWN = 8

Tensors = dict[str, Tensor]


def tensors_by_name() -> Rule:
    """What `state_dict` of a module returns."""
    return Rule("dict of torch.Tensor", _are_tensors)


def module() -> Rule:
    """A module of torch."""
    return Rule("torch.nn.Module", lambda v: isinstance(v, nn.Module))


def tensors_in(value: object) -> Tensors | None:
    """The tensors of a module, or of a dict of them; None for another value."""
    if isinstance(value, nn.Module):
        state = value.state_dict()
        return {n: tensor for n, tensor in state.items() if isinstance(tensor, Tensor)}
    if not _are_tensors(value):
        return None
    return {name: tensor.detach() for name, tensor in value.items()}


def as_tensors(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with the tensors of each module, of which a file has no class."""
    tensors = {name: tensors_in(value) for name, value in params.items()}
    return params | {n: given for n, given in tensors.items() if given is not None}


def tensors_of_file(path: str | os.PathLike[str]) -> Tensors | None:
    """The tensors of a file of torch or safetensors; None for another, as lamina's is."""
    with open_regular(path, ParameterError) as file:
        beginning = file.read(len(ZIP))
    try:
        with safe_open(path, "pt") as contents:
            metadata = contents.metadata() or {}
        if "lamina" in metadata:
            return None
        with open_regular(path) as file:
            return load(file.read())
    except SafetensorError:
        is_torch = beginning == ZIP or beginning.startswith(PICKLE)
        return _of_torch(path) if is_torch else None


def load_tensors(body: nn.Module, given: Tensors) -> None:
    """Copy the tensors of all that a body consists of, found by their names.

    Where names begin with "body.", as those of a whole network do, only these count.

    Examples
    --------
    >>> from torch import nn
    >>> from lamina.estimators.tensors import load_tensors, tensors_in
    >>> source, body = nn.Linear(2, 1), nn.Linear(2, 1)
    >>> load_tensors(body, tensors_in(source))
    >>> bool((body.weight == source.weight).all())
    True
    """
    needed = body.state_dict()
    if any(name.startswith(OF_BODY) for name in given):
        given = {
            name.removeprefix(OF_BODY): tensor
            for name, tensor in given.items()
            if name.startswith(OF_BODY)
        }
    wrong = [n for n in needed if _shape(n, given) != _shape(n, needed)]
    if wrong:
        raise ParameterError(
            f"start_from has not all tensors of the body. It needs "
            f"{_listed({n: needed[n] for n in wrong})}, {len(wrong)} of {len(needed)}, and "
            f"there are {_listed(given) or 'none'}. Pass them under the names and with the "
            f"shapes of network_.body.state_dict() of an estimator with these parameters."
        )
    for name in needed:
        _refuse_values(name, given[name], needed[name])
    body.load_state_dict({name: given[name] for name in needed})


def _of_torch(path: str | os.PathLike[str]) -> Tensors:
    """The tensors of a file of `torch.save`, of which no code is run."""
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # its type depends on the damage
        raise ParameterError(
            f"start_from={os.fspath(path)!r} has more than tensors, or is damaged, and a "
            f"file may run code if all of it is loaded. Save the tensors alone, by "
            f"torch.save(module.state_dict(), path)."
        ) from error
    if not _are_tensors(value):
        keys = list(value)[:N_SHOWN] if isinstance(value, Mapping) else []
        raise ParameterError(
            f"start_from={os.fspath(path)!r} has a {type(value).__name__}"
            f"{f' of {keys}' if keys else ''}, which is not a dict of tensors. Save one by "
            f"torch.save(module.state_dict(), path)."
        )
    return dict(value)


def _are_tensors(value: Any) -> TypeGuard[Mapping[str, Tensor]]:
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(isinstance(name, str) for name in value)
        and all(isinstance(tensor, Tensor) for tensor in value.values())
    )


def _refuse_values(name: str, given: Tensor, needed: Tensor) -> None:
    """Raise `ParameterError` for values that a network cannot have."""
    is_other = given.is_meta or given.is_quantized or given.is_complex()
    if is_other or given.layout is not torch.strided:
        problem = f"is a {given.dtype} of layout {given.layout} on {given.device}"
    elif not torch.isfinite(given.to(needed.dtype)).all():
        problem = "has values that are NaN, infinite or too large"
    else:
        return
    raise ParameterError(
        f"start_from cannot be used: {name!r} {problem}; pass finite real numbers."
    )


def _shape(name: str, tensors: Mapping[str, Tensor]) -> tuple[int, ...] | None:
    return tuple(tensors[name].shape) if name in tensors else None


def _listed(tensors: Mapping[str, Tensor]) -> str:
    """Names and shapes, of many tensors the first ones."""
    shown = [f"{n} {tuple(t.shape)}" for n, t in tensors.items()][:N_SHOWN]
    n_more = len(tensors) - len(shown)
    return ", ".join(shown) + (f" and {n_more} more" if n_more else "")
