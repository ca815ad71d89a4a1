"""The estimator that options ask for: its class, and the values of its parameters."""

import ast
from collections.abc import Mapping
from inspect import isclass
from typing import Any

import lamina
from lamina.constructor import suggestion
from lamina.exceptions import ParameterError

CONSTANTS = {"true": True, "false": False, "none": None}


def estimator_class(name: str) -> Any:
    """The estimator of this name."""
    names = [n for n in lamina.__all__ if isclass(getattr(lamina, n))]
    if name in names:
        return getattr(lamina, name)
    by_lower = {n.lower(): n for n in names}
    meant = suggestion(name, by_lower)
    hint = f"use one of {', '.join(names)}."
    hint = hint if meant is None else f"use {by_lower[meant]!r}."
    raise ParameterError(f"--estimator: lamina has no {name!r}; {hint}")


def values_of(params: list[str]) -> dict[str, Any]:
    """`name=value` -> values, as Python writes them; anything else is a text."""
    values: dict[str, Any] = {}
    for param in params:
        name, equals, text = param.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParameterError(
                f"--param {param!r} has to be NAME=VALUE, such as max_iter=20."
            )
        if name in values:
            raise ParameterError(f"--param {name} is given twice; leave one out.")
        values[name] = _value(text.strip())
    return values


def with_options(
    values: dict[str, Any], options: Mapping[str, object]
) -> dict[str, Any]:
    """The parameters, with those that have an option of their own."""
    given = {name: value for name, value in options.items() if value is not None}
    for name in sorted(given.keys() & values.keys()):
        raise ParameterError(
            f"{name} has an option of its own; leave out --param {name}."
        )
    return values | given


def _value(text: str) -> Any:
    if text.lower() in CONSTANTS:
        return CONSTANTS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
