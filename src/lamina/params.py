"""A parameter is declared once: its name, type, allowed values, meaning and default.

    max_iter: Annotated[int, at_least(1), "Passes over the training samples."] = 100

The declaration becomes the constructor's signature, the check at the start of `fit`, and
the entry under "Parameters" in the docstring of every estimator that has it. A parameter
may carry several rules (one of them must accept the value) and one `only_with`, which
refuses a value that would have no effect. It may also carry a `Use`, which says when a
value that is set after `fit` takes effect.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import Field, dataclass, fields
from enum import Enum
from functools import cache
from inspect import cleandoc, get_annotations
from numbers import Integral
from textwrap import indent
from typing import Any, ClassVar, dataclass_transform, get_args, get_type_hints

import numpy as np

from lamina.exceptions import ParameterError


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

    def unmet(self, params: Any) -> str | None:
        """The first condition that does not hold, in words."""
        for name, allowed in self.others.items():
            value = getattr(params, name)
            if not any(value is a or (value == a) is True for a in allowed):
                return f"{name}={value!r} (it needs {_either(allowed)})"
        return None


def at_least(low: int) -> Rule:
    """An integer from `low` on."""
    return Rule(f"int >= {low}", lambda v: _is_integer(v) and v >= low)


def odd() -> Rule:
    """An odd integer from 1 on."""
    return Rule("odd int >= 1", lambda v: _is_integer(v) and v >= 1 and v % 2 == 1)


def positive() -> Rule:
    """A finite number above 0."""
    return Rule("float > 0", lambda v: _is_real(v) and 0 < v < np.inf)


def not_negative() -> Rule:
    """A finite number from 0 on."""
    return Rule("float >= 0", lambda v: _is_real(v) and 0 <= v < np.inf)


def fraction(*, zero: bool = True) -> Rule:
    """A number below 1, from 0 on (above 0 with `zero=False`)."""
    words = "float in [0, 1)" if zero else "float in (0, 1)"
    return Rule(words, lambda v: _is_real(v) and 0 <= v < 1 and (zero or v > 0))


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


def sizes(low: int = 1) -> Rule:
    """A sequence of integers from `low` on, one a layer, or an integer for one layer."""
    one = at_least(low)
    return Rule(
        f"int >= {low} or array-like of int >= {low}",
        lambda v: (
            one.accepts(v)
            or (isinstance(v, np.ndarray) and v.ndim == 1 and all(map(one.accepts, v)))
            or (isinstance(v, list | tuple) and all(map(one.accepts, v)))
        ),
    )


def sizes_of(value: Any) -> list[int]:
    """What `sizes` accepts, as a list."""
    return [int(value)] if _is_integer(value) else [int(n) for n in value]


def mapping() -> Rule:
    """A dict."""
    return Rule("dict", lambda v: isinstance(v, dict))


def seed() -> Rule:
    """What scikit-learn calls a random state."""
    return Rule(
        "int, RandomState instance or None",
        lambda v: (
            v is None
            or isinstance(v, np.random.RandomState)
            or (_is_integer(v) and 0 <= v < 2**32)
        ),
    )


def only_with(**others: Any) -> OnlyWith:
    """The parameter has an effect only when each named one has (one of) these values."""
    return OnlyWith({k: v if isinstance(v, tuple) else (v,) for k, v in others.items()})


@dataclass_transform(kw_only_default=True, eq_default=False)
class Params:
    """Base of parameter groups; a group holds declarations and no behaviour."""

    use: ClassVar[Use | None] = None
    """The `Use` of the parameters that a group declares, of those that say none."""

    def __init_subclass__(cls, use: Use | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.use = use
        dataclass(cls, kw_only=True, eq=False, repr=False)
        cls.__init__.__doc__ = None
        if "{parameters}" in (cls.__doc__ or ""):
            entries = [_entry(f, hint) for f, hint in declared(cls)]
            doc = cleandoc(cls.__doc__ or "")
            doc = doc.replace("{parameters}", _section("Parameters", entries))
            cls.__doc__ = doc.replace(
                "{attributes}", _section("Attributes", _fitted(cls))
            )


class Fitted:
    """Base of groups of fitted attributes, each declared once.

    `name_: Annotated[type, "its type in words", "what it holds"]`. A group holds
    declarations and no values; the docstring of an estimator lists them.
    """


@cache
def declared(cls: type) -> list[tuple[Field, Any]]:
    """Every field of a group with its annotation."""
    hints = get_type_hints(cls, include_extras=True)
    return [(f, hints[f.name]) for f in fields(cls)]


@cache
def names_with(cls: type, use: Use) -> tuple[str, ...]:
    """The parameters of a group that are declared to take effect so."""
    return tuple(f.name for f, hint in declared(cls) if _use(cls, f, hint) is use)


@cache
def _rules(cls: type, only: Use | None) -> list[tuple[str, list[Rule]]]:
    """The rules of each parameter, or of those that are declared so."""
    return [
        (field.name, [m for m in hint.__metadata__ if isinstance(m, Rule)])
        for field, hint in declared(cls)
        if only is None or _use(cls, field, hint) is only
    ]


def _use(cls: type, field: Field, hint: Any) -> Use | None:
    """What a declaration says, or the group in which it stands."""
    uses = [m for m in hint.__metadata__ if isinstance(m, Use)]
    if uses:
        return uses[0]
    group = next(c for c in cls.__mro__ if field.name in get_annotations(c))
    return group.use if issubclass(group, Params) else None


def check_params(params: Any, only: Use | None = None) -> None:
    """Raise `ParameterError` for the first parameter that is not allowed."""
    owner = type(params).__name__
    for name, rules in _rules(type(params), only):
        value = getattr(params, name)
        if not any(rule.accepts(value) for rule in rules):
            allowed = " or ".join(rule.words for rule in rules)
            raise ParameterError(
                f"The parameter {name!r} of {owner} must be {allowed}. "
                f"Got {value!r} instead."
            )
    if only is not None:
        return
    for field, hint in declared(type(params)):
        for condition in hint.__metadata__:
            if isinstance(condition, OnlyWith) and not _is_default(params, field):
                refuse_unused(params, field.name, condition.unmet(params))


def with_python_numbers(params: Any) -> Any:
    """The same parameters, numbers of numpy as those of Python, which torch wants."""
    values = {f.name: getattr(params, f.name) for f, _ in declared(type(params))}
    changed = {k: v.item() for k, v in values.items() if isinstance(v, np.generic)}
    if not changed:
        return params
    plain = copy(params)
    vars(plain).update(changed)
    return plain


def refuse_unused(params: Any, name: str, because: str | None) -> None:
    """Raise `ParameterError` if there is a reason why the parameter has no effect."""
    if because is not None:
        raise ParameterError(
            f"{name}={getattr(params, name)!r} has no effect on {type(params).__name__} "
            f"with {because}; leave it at its default."
        )


def _is_default(params: Any, field: Field) -> bool:
    value = getattr(params, field.name)
    return value is field.default or (value == field.default) is True


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool | np.bool_
    )


def _either(values: tuple) -> str:
    return " or ".join(repr(v) for v in values)


def _entry(field: Field, hint: Any) -> str:
    rules = " or ".join(m.words for m in hint.__metadata__ if isinstance(m, Rule))
    text = cleandoc(get_args(hint)[-1])
    for condition in hint.__metadata__:
        if isinstance(condition, OnlyWith):
            needs = " and ".join(
                f"`{name}={_either(allowed)}`"
                for name, allowed in condition.others.items()
            )
            text += f"\nOnly with {needs}."
    return (
        f"{field.name} : {rules}, default={field.default!r}\n{indent(text, '    ')}\n"
    )


def _section(title: str, entries: list[str]) -> str:
    return "\n".join([title, "-" * len(title), *entries]).rstrip()


def _fitted(cls: type) -> list[str]:
    """The entries of the fitted attributes, those of the nearest class first."""
    found: dict[str, str] = {}
    for group in cls.__mro__:
        if Fitted not in group.__bases__:
            continue
        for name, hint in get_type_hints(group, include_extras=True).items():
            if name in vars(group).get("__annotations__", {}):
                words, text = hint.__metadata__
                found.setdefault(
                    name, f"{name} : {words}\n{indent(cleandoc(text), '    ')}"
                )
    return list(found.values())
