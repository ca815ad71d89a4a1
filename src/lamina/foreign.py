"""Types of Python and of other libraries whose values are stored, each with its two functions.

A type is named by the package that it comes from and by itself, such as "pandas.Timestamp".
The list is closed: a file names an entry of it, and nothing else is imported. Libraries are
imported where a value of theirs is made, as `lamina.onnx` needs few of them.

>>> from lamina.foreign import FOREIGN, name_of
>>> from datetime import timedelta
>>> name_of(timedelta)
'datetime.timedelta'
>>> FOREIGN["datetime.timedelta"].to_state(timedelta(hours=1))
[0, 3600, 0]
"""

import datetime
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from inspect import signature
from pathlib import Path
from typing import Any
from uuid import UUID

import narwhals.stable.v2 as nw
import numpy as np

from lamina.exceptions import MissingExtraError, SavedFileError
from lamina.numeric import tensor_types

N_WORDS = 624
"""Words of the state of a Mersenne twister."""
SPLITTERS = (
    "GroupKFold",
    "GroupShuffleSplit",
    "KFold",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavePGroupsOut",
    "LeavePOut",
    "PredefinedSplit",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
)


@dataclass(frozen=True)
class Foreign:
    """How the values of a type are stored: as a value that `dismantled` takes, and back."""

    to_state: Callable[[Any], Any]
    from_state: Callable[[Any], Any]


def name_of(kind: type) -> str:
    """The name of a type in `FOREIGN`; that of all scalars of numpy is one."""
    for base in (np.generic, *tensor_types()):
        if issubclass(kind, base):
            kind = base
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def _datetime(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text[1:]).replace(fold=int(text[0]))


def _array_of_tensor(tensor: Any) -> list[Any]:
    import torch

    plain = tensor.detach().cpu().contiguous()
    if plain.dtype == torch.bfloat16:
        return ["bfloat16", plain.view(torch.int16).numpy()]
    return [str(plain.dtype), plain.numpy()]


def _tensor(state: list[Any]) -> Any:
    import torch

    name, array = state
    if not array.flags.writeable:  # joblib maps large arrays into memory
        array = array.copy()
    plain = torch.from_numpy(array)
    return plain.view(torch.bfloat16) if name == "bfloat16" else plain


def _words_of_generator(generator: np.random.RandomState) -> dict[str, Any]:
    state = generator.get_state(legacy=False)
    assert isinstance(state, dict)
    if state["bit_generator"] != "MT19937":
        raise SavedFileError(
            f"A RandomState of {state['bit_generator']} cannot be stored; pass an int."
        )
    return state


def _generator(state: dict[str, Any]) -> np.random.RandomState:
    key, position = state["state"]["key"], state["state"]["pos"]
    # numpy does not check the position, and reads beyond the words.
    if key.shape != (N_WORDS,) or not 0 <= position <= N_WORDS:
        raise SavedFileError("The state of a RandomState is not valid.")
    generator = np.random.RandomState()
    generator.set_state(state)
    return generator


def _params_of_splitter(splitter: Any) -> dict[str, Any]:
    names = signature(type(splitter)).parameters
    return {name: getattr(splitter, name) for name in names}


def _splitter(name: str) -> Callable[[dict[str, Any]], Any]:
    def of_params(params: dict[str, Any]) -> Any:
        from sklearn import model_selection

        return getattr(model_selection, name)(**params)

    return of_params


def _frozen(estimator: Any) -> Any:
    from sklearn.frozen import FrozenEstimator

    return FrozenEstimator(estimator)


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        purpose = "A saved estimator with labels or ids of pandas"
        raise MissingExtraError(purpose, "pandas", "datasets") from None
    return pandas


def _stamp(state: list[Any]) -> Any:
    moment, zone = state
    stamp = _pandas().Timestamp(moment)
    return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(zone)


FOREIGN: dict[str, Foreign] = {
    "builtins.bytes": Foreign(bytes.hex, bytes.fromhex),
    "builtins.complex": Foreign(repr, complex),
    "builtins.float": Foreign(repr, float),
    "collections.Counter": Foreign(dict, Counter),
    "collections.OrderedDict": Foreign(dict, OrderedDict),
    "datetime.date": Foreign(str, datetime.date.fromisoformat),
    "datetime.datetime": Foreign(lambda t: f"{t.fold}{t.isoformat()}", _datetime),
    "datetime.time": Foreign(datetime.time.isoformat, datetime.time.fromisoformat),
    "datetime.timedelta": Foreign(
        lambda d: [d.days, d.seconds, d.microseconds],
        lambda parts: datetime.timedelta(*parts),
    ),
    "decimal.Decimal": Foreign(str, Decimal),
    "fractions.Fraction": Foreign(
        lambda f: [f.numerator, f.denominator], lambda parts: Fraction(*parts)
    ),
    "narwhals.Implementation": Foreign(
        lambda i: i.name, lambda n: nw.Implementation[n]
    ),
    "numpy.generic": Foreign(np.asarray, lambda array: array[()]),
    "numpy.RandomState": Foreign(_words_of_generator, _generator),
    "pandas.Interval": Foreign(
        lambda i: [i.left, i.right, i.closed], lambda state: _pandas().Interval(*state)
    ),
    "pandas.Period": Foreign(
        lambda p: [p.ordinal, p.freqstr],
        lambda state: _pandas().Period(ordinal=state[0], freq=state[1]),
    ),
    "pandas.Timedelta": Foreign(
        lambda d: d.asm8, lambda state: _pandas().Timedelta(state)
    ),
    "pandas.Timestamp": Foreign(
        lambda t: [t.asm8, None if t.tz is None else str(t.tz)], _stamp
    ),
    "pathlib.PosixPath": Foreign(str, Path),
    "pathlib.WindowsPath": Foreign(str, Path),
    "sklearn.FrozenEstimator": Foreign(lambda f: f.estimator, _frozen),
    "torch.Tensor": Foreign(_array_of_tensor, _tensor),
    "uuid.UUID": Foreign(str, UUID),
    **{
        f"sklearn.{name}": Foreign(_params_of_splitter, _splitter(name))
        for name in SPLITTERS
    },
}
"""The types, by their names."""
