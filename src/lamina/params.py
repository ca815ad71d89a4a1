"""A parameter is declared once: its name, type, allowed values, meaning and default.

    max_iter: Annotated[int, at_least(1), "Passes over the training samples."] = 100
    cell: Annotated[Literal["lstm", "gru"], "Kind of the recurrent layers."] = "lstm"

The declaration becomes the constructor's signature, the check at the start of `fit`, and
the entry in the docstring of every estimator that has it. One rule must accept the value; a
`Literal`, `bool` or `None` in the type is a rule. `only_with` refuses a value that would
have no effect, and a `Use` says when a value that is set after `fit` takes effect. Groups
stand in reverse order of the bases of the class, as in any dataclass: the last comes first.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from inspect import cleandoc, get_annotations
from sys import float_info
from types import NoneType
from typing import (
    Any,
    ClassVar,
    Literal,
    TypeVar,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from lamina.constructor import constructor_of, parts_of, signature_of
from lamina.docstrings import entry, fill_sections
from lamina.exceptions import ParameterError
from lamina.numeric import is_integer, real, with_python_numbers

LARGEST = float_info.max
MAX_LAYERS = 1_000
Group = TypeVar("Group", bound="Params")


class Use(Enum):
    """When a value that is set after `fit` takes effect; without one, at the next `fit`."""

    AT_ONCE = "at once, in predictions"
    FROZEN = "at the next fit that starts anew; refused where training is continued"


@dataclass(frozen=True)
class Rule:
    """Allowed values, in words and as a test."""

    words: str
    accepts: Callable[[Any], bool]


@dataclass(frozen=True)
class OnlyWith:
    """The other parameters' values under which a parameter has an effect."""

    others: dict[str, tuple]

    @property
    def words(self) -> str:
        """All conditions."""
        return " and ".join(
            f"`{name}={_either(allowed)}`" for name, allowed in self.others.items()
        )

    def unmet(self, params: object) -> str | None:
        """The first condition that does not hold, in words."""
        for name, allowed in self.others.items():
            value = getattr(params, name)
            if not any(value is a or (value == a) is True for a in allowed):
                return f"{name}={value!r} (it needs {_either(allowed)})"
        return None


def at_least(low: int, most: int | None = None) -> Rule:
    """An integer from `low` on, up to `most`."""
    if most is None:
        return Rule(f"int >= {low}", lambda v: is_integer(v) and v >= low)
    words = f"int from {low} to {most}"
    return Rule(words, lambda v: is_integer(v) and low <= v <= most)


def layers() -> Rule:
    """A number of layers, as many as are built and computed in a reasonable time."""
    return at_least(1, most=MAX_LAYERS)


def odd() -> Rule:
    """An odd integer from 1 on."""
    return Rule("odd int >= 1", lambda v: is_integer(v) and v >= 1 and v % 2 == 1)


def positive(most: float = LARGEST) -> Rule:
    """A finite number above 0, up to `most`."""
    words = "float > 0" if most == LARGEST else f"float in (0, {most:g}]"
    return Rule(words, lambda v: 0 < real(v) <= most)


def not_negative(most: float = LARGEST) -> Rule:
    """A finite number from 0 on, up to `most`."""
    words = "float >= 0" if most == LARGEST else f"float in [0, {most:g}]"
    return Rule(words, lambda v: 0 <= real(v) <= most)


def from_to(low: float, high: float) -> Rule:
    """A number in these limits."""
    return Rule(f"float in [{low:g}, {high:g}]", lambda v: low <= real(v) <= high)


def fraction(*, zero: bool = True) -> Rule:
    """A number below 1, from 0 on (above 0 with `zero=False`)."""
    words = "float in [0, 1)" if zero else "float in (0, 1)"
    return Rule(words, lambda v: 0 <= real(v) < 1 and (zero or real(v) > 0))


def one_of(*names: str) -> Rule:
    """One of these strings."""
    words = "{" + ", ".join(repr(n) for n in names) + "}"
    return Rule(words, lambda v: isinstance(v, str) and v in names)


def boolean() -> Rule:
    """True or False."""
    return Rule("bool", lambda v: isinstance(v, bool | np.bool_))


def none() -> Rule:
    """None."""
    return Rule("None", lambda v: v is None)


def sizes() -> Rule:
    """A sequence of integers from 1 on, one a layer, or an integer for one layer."""
    one = at_least(1).accepts

    def accepts(v: Any) -> bool:
        is_row = isinstance(v, list | tuple) or (
            isinstance(v, np.ndarray) and v.ndim == 1
        )
        return one(v) or (is_row and len(v) <= MAX_LAYERS and all(map(one, v)))

    return Rule("int >= 1 or array-like of int >= 1", accepts)


def sizes_of(value: int | Iterable[int]) -> list[int]:
    """A value that `sizes` accepts, as a list."""
    return [int(n) for n in (value if isinstance(value, Iterable) else [value])]


def mapping() -> Rule:
    """A dict."""
    return Rule("dict", lambda v: isinstance(v, dict))


def seed() -> Rule:
    """A random state, as in scikit-learn."""
    return Rule(
        "int, RandomState instance or None",
        lambda v: (
            v is None
            or isinstance(v, np.random.RandomState)
            or (is_integer(v) and 0 <= v < 2**32)
        ),
    )


def only_with(**others: object) -> OnlyWith:
    """The parameter has an effect only when each named one has (one of) these values."""
    return OnlyWith({k: v if isinstance(v, tuple) else (v,) for k, v in others.items()})


@dataclass(frozen=True)
class Declaration:
    """The declaration of one parameter."""

    name: str
    type: Any
    default: Any
    rules: tuple[Rule, ...]
    conditions: tuple[OnlyWith, ...]
    use: Use | None
    text: str

    def is_default(self, value: object) -> bool:
        """Whether the value is the default."""
        return value is self.default or (value == self.default) is True

    @property
    def words(self) -> str:
        """The allowed values."""
        return " or ".join(rule.words for rule in self.rules)

    @property
    def entry(self) -> str:
        """The entry in the docstring."""
        text = cleandoc(self.text)
        for condition in self.conditions:
            text += f"\nOnly with {condition.words}."
        return entry(self.name, f"{self.words}, default={self.default!r}", text) + "\n"


@dataclass_transform(kw_only_default=True, eq_default=False)
class Params:
    """Base of parameter groups; a group holds declarations and no behaviour."""

    use: ClassVar[Use | None] = None
    """The `Use` of the parameters of a group that are declared without one."""

    def __init_subclass__(cls, use: Use | None = None, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.use = use
        has_constructor = "__init__" in vars(cls)
        dataclass(cls, kw_only=True, eq=False, repr=False)
        if not has_constructor:
            signature = signature_of((d.name, d.type, d.default) for d in declared(cls))
            cls.__init__ = constructor_of(cls, signature)
        fill_sections(cls, (declaration.entry for declaration in declared(cls)))


@cache
def declared(cls: type) -> tuple[Declaration, ...]:
    """The parameters of a class, in the order of its signature."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        _declaration(cls, f.name, f.default, hints[f.name]) for f in fields(cls)
    )


def _declaration(cls: type, name: str, default: object, hint: object) -> Declaration:
    kind, *others, text = get_args(hint)
    rules = [m for m in others if isinstance(m, Rule)]
    uses = [m for m in others if isinstance(m, Use)]
    group = next(c for c in cls.__mro__ if name in get_annotations(c))
    return Declaration(
        name,
        kind,
        default,
        rules=(*rules, *_rules_of_type(kind)),
        conditions=tuple(m for m in others if isinstance(m, OnlyWith)),
        use=uses[0] if uses else group.use if issubclass(group, Params) else None,
        text=text,
    )


def _rules_of_type(kind: object) -> list[Rule]:
    """The rules that a type states: its `Literal`, `bool` and `None`."""
    parts = parts_of(kind)
    names = [n for p in parts if get_origin(p) is Literal for n in get_args(p)]
    rules = [one_of(*names)] if names else []
    if bool in parts:
        rules.append(boolean())
    return [*rules, none()] if NoneType in parts else rules


def names_with(cls: type, use: Use) -> tuple[str, ...]:
    """The parameters of a class that are declared to take effect so."""
    return tuple(d.name for d in declared(cls) if d.use is use)


def check_params(params: Group, only: Use | None = None) -> Group:
    """The parameters as they are read: all numbers are those of Python.

    Raises `ParameterError` for the first parameter (of use `only`) that is not allowed.
    """
    declarations = [d for d in declared(type(params)) if only in (None, d.use)]
    for declaration in declarations:
        what = f"parameter {declaration.name!r} of {type(params).__name__}"
        check_value(what, getattr(params, declaration.name), *declaration.rules)
    for declaration in declarations if only is None else ():
        if not declaration.is_default(getattr(params, declaration.name)):
            for condition in declaration.conditions:
                refuse_unused(params, declaration.name, condition.unmet(params))
    return with_python_numbers(params, [d.name for d in declarations])


def check_value(what: str, value: object, *rules: Rule) -> None:
    """Raise `ParameterError` unless a rule accepts the value of `what`."""
    if not any(rule.accepts(value) for rule in rules):
        words = " or ".join(rule.words for rule in rules)
        raise ParameterError(f"The {what} must be {words}. Got {value!r} instead.")


def refuse_unused(params: Params, name: str, because: str | None) -> None:
    """Raise `ParameterError` that the parameter has no effect, unless `because` is None."""
    if because is not None:
        raise ParameterError(
            f"{name}={getattr(params, name)!r} has no effect on {type(params).__name__} "
            f"with {because}; leave it at its default."
        )


def _either(values: tuple) -> str:
    return " or ".join(repr(v) for v in values)
