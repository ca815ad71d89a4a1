"""Arguments of the methods that write texts, checked like constructor parameters."""

from typing import Any

from lamina.nn.decoding import MAX_BEAM
from lamina.numeric import python_numbers
from lamina.params import (
    Rule,
    at_least,
    check_value,
    none,
    not_negative,
    positive,
    seed,
)

ALLOWED: dict[str, tuple[Rule, ...]] = {
    "max_length": (at_least(1),),
    "n_best": (at_least(1, most=MAX_BEAM), none()),
    "random_state": (seed(),),
    "stop": (
        Rule("non-empty str", lambda v: isinstance(v, str) and v != ""),
        Rule(
            "list of non-empty str",
            lambda v: (
                isinstance(v, list | tuple)
                and all(isinstance(text, str) and text for text in v)
            ),
        ),
        none(),
    ),
    "temperature": (not_negative(),),
    "top_k": (at_least(1), none()),
    "top_p": (positive(most=1), none()),
}
"""The rules of each argument, by its name."""


def check_arguments(**arguments: object) -> dict[str, Any]:
    """The arguments with numbers of Python; `ParameterError` if one is not allowed."""
    for name, value in arguments.items():
        check_value(f"argument {name!r}", value, *ALLOWED[name])
    return {name: python_numbers(value) for name, value in arguments.items()}
