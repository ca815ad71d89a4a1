"""Objects <-> JSON and arrays: what a fitted estimator, or a fit that runs, is made of.

A class whose objects are stored derives from `Stored`; what an object is made of are its
attributes, unless the class says otherwise in `to_state` and `from_state`. Of the other
types, those of Python and numpy that hold plain values are stored. Nothing is imported or
called by a name that a file contains: a class is found only in the registry, or among those
that the caller passes.

>>> from lamina.state import assembled, dismantled
>>> tree, arrays = dismantled({"a": (1, None), 2: {3.5}})
>>> tree
{'dict': [['a', {'tuple': [1, None]}], [2, {'set': [3.5]}]]}
>>> assembled(tree, arrays)
{'a': (1, None), 2: {3.5}}
"""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch

from lamina.exceptions import SavedFileError

Tree = Any
"""Values of JSON: None, bool, int, finite float, str, a list, or `{tag: content}`."""
Path = tuple[Any, ...]
"""The keys and the positions that lead to a value, for messages."""
DTYPE = re.compile(r"[<>|=][biufcSUmM]\d*(\[\d*[A-Za-z]+\])?")
"""The dtypes of arrays that are stored as their bytes."""
DIRECT = {
    np.dtype(t) for t in ("?", "u1", "i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8")
}
"""The dtypes of arrays that are stored as they are."""
MAX_DEPTH = 100
"""Containers within one another; more are not stored, and refused in a file."""


class Stored:
    """Mixin of classes whose objects can be stored."""

    registry: ClassVar[dict[str, type["Stored"]]] = {}
    """The classes of lamina, by their names; a subclass from elsewhere is not in it."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("lamina."):
            name, known = cls.__qualname__, Stored.registry
            assert known.get(name, cls).__module__ == cls.__module__, f"two {name}"
            known[name] = cls

    def to_state(self) -> dict[str, Any]:
        """The values that the object is made of."""
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The object that is made of these values."""
        new = cls.__new__(cls)
        vars(new).update(state)
        return new


def dismantled(value: object) -> tuple[Tree, dict[str, np.ndarray]]:
    """A value as JSON, and its arrays by the names that stand for them there.

    Raises `SavedFileError` for a value that cannot be stored, with the path to it.
    """
    taking = _Dismantling()
    return taking.tree(value, ()), taking.arrays


def assembled(
    tree: Tree, arrays: Mapping[str, np.ndarray], classes: Iterable[type] = ()
) -> Any:
    """The value that `dismantled` took apart; `classes` are known beside lamina's.

    Raises `SavedFileError` for what `dismantled` does not make.
    """
    try:
        return _Assembling(arrays, classes).value(tree, 0)
    except SavedFileError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise SavedFileError(f"The contents are not valid: {error!r}.") from error


class _Dismantling:
    """The arrays and objects of one value; each is stored once, however often it occurs."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.names: dict[int, str] = {}
        self.numbers: dict[int, int] = {}
        self.kept: list[object] = []  # so that no id is used twice

    def tree(self, value: Any, path: Path) -> Tree:
        kind = type(value)
        is_finite = kind is float and np.isfinite(value)
        if value is None or kind in (bool, int, str) or is_finite:
            return value
        if len(path) > MAX_DEPTH:
            raise SavedFileError(f"{_words(path)} has more than {MAX_DEPTH} levels.")
        if kind in CONTAINERS:
            return CONTAINERS[kind](self, value, path)
        if isinstance(value, Stored):
            return self._object(value, path)
        if isinstance(value, torch.Tensor):
            return self._tensor(value, path)
        if isinstance(value, np.generic):
            return {"scalar": self._array(np.asarray(value), path)}
        for plain, (tag, text, _) in AS_TEXT.items():
            if kind is plain:
                return {tag: text(value)}
        raise SavedFileError(
            f"{_words(path)} is {value!r}, and a {kind.__module__}.{kind.__qualname__} "
            f"cannot be stored in a file."
        )

    def trees(self, values: Iterable[Any], path: Path) -> list[Tree]:
        return [self.tree(v, (*path, i)) for i, v in enumerate(values)]

    def pairs(self, values: dict[Any, Any], path: Path) -> list[Tree]:
        return [
            [self.tree(k, (*path, "key")), self.tree(v, (*path, k))]
            for k, v in values.items()
        ]

    def _object(self, value: Stored, path: Path) -> Tree:
        if id(value) in self.numbers:
            return {"same": self.numbers[id(value)]}
        self.numbers[id(value)] = len(self.numbers)
        self.kept.append(value)
        return {
            "object": [type(value).__qualname__, self.pairs(value.to_state(), path)]
        }

    def _tensor(self, value: torch.Tensor, path: Path) -> Tree:
        plain = value.detach().cpu()
        name = str(plain.dtype).removeprefix("torch.")
        if plain.dtype == torch.bfloat16:
            plain = plain.view(torch.int16)
        return {"tensor": [name, self._array(plain.contiguous().numpy(), path)]}

    def array(self, value: np.ndarray, path: Path) -> Tree:
        if value.dtype.hasobject:
            values = self.trees(value.ravel().tolist(), path)
            return {"objects": [list(value.shape), values]}
        return {"array": self._array(value, path)}

    def _array(self, value: np.ndarray, path: Path) -> Tree:
        """Its name; with dtype and shape where its bytes are stored in place of it."""
        dtype = value.dtype
        if not DTYPE.fullmatch(dtype.str):
            raise SavedFileError(
                f"{_words(path)} is an array of {dtype}, which cannot be stored."
            )
        known = self.names.get(id(value))
        if known is None:
            known = self.names[id(value)] = str(len(self.names))
            self.kept.append(value)
            plain = np.ascontiguousarray(value).reshape(value.shape)
            if dtype not in DIRECT:
                plain = np.frombuffer(plain.tobytes(), np.uint8)
            self.arrays[known] = plain
        return known if dtype in DIRECT else [known, dtype.str, list(value.shape)]


CONTAINERS: dict[type, Callable[[_Dismantling, Any, Path], Tree]] = {
    list: lambda taking, v, path: taking.trees(v, path),
    tuple: lambda taking, v, path: {"tuple": taking.trees(v, path)},
    set: lambda taking, v, path: {"set": taking.trees(v, path)},
    frozenset: lambda taking, v, path: {"frozenset": taking.trees(v, path)},
    dict: lambda taking, v, path: {"dict": taking.pairs(v, path)},
    np.ndarray: lambda taking, v, path: taking.array(v, path),
}
AS_TEXT: dict[type, tuple[str, Callable[[Any], str], Callable[[str], Any]]] = {
    float: ("float", repr, float),
    bytes: ("bytes", bytes.hex, bytes.fromhex),
    complex: ("complex", repr, complex),
    datetime.datetime: (
        "datetime",
        lambda time: f"{time.fold}{time.isoformat()}",
        lambda text: datetime.datetime.fromisoformat(text[1:]).replace(
            fold=int(text[0])
        ),
    ),
    datetime.date: ("date", str, datetime.date.fromisoformat),
}
"""Type: its tag, and the functions to and from its text."""
SEQUENCES: dict[str, type] = {"tuple": tuple, "set": set, "frozenset": frozenset}


class _Assembling:
    """The objects of one value that were assembled already."""

    def __init__(self, arrays: Mapping[str, np.ndarray], classes: Iterable[type]):
        self.arrays, self.objects = arrays, list[Any]()
        self.classes = Stored.registry | {c.__qualname__: c for c in classes}

    def value(self, tree: Tree, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise SavedFileError(f"The contents have more than {MAX_DEPTH} levels.")
        if isinstance(tree, list):
            return [self.value(v, depth + 1) for v in tree]
        if not isinstance(tree, dict):
            return tree
        ((tag, content),) = tree.items()
        if tag in SEQUENCES:
            return SEQUENCES[tag](self.value(content, depth))
        for known, _, from_text in AS_TEXT.values():
            if tag == known:
                return from_text(content)
        if tag not in READERS:
            raise SavedFileError(f"The contents have the unknown tag {tag!r}.")
        return READERS[tag](self, content, depth)

    def pairs(self, content: list[list[Tree]], depth: int) -> dict[Any, Any]:
        return {self.value(k, depth + 1): self.value(v, depth + 1) for k, v in content}

    def stored(self, content: list[Any], depth: int) -> object:
        name, pairs = content
        if name not in self.classes:
            raise SavedFileError(
                f"The file contains an object of the class {name}, which is none of "
                f"lamina's; pass the class: load(path, classes=[{name}])."
            )
        number = len(self.objects)
        self.objects.append(None)
        made = self.classes[name].from_state(self.pairs(pairs, depth))
        self.objects[number] = made
        return made

    def same(self, number: int, depth: int) -> object:
        del depth
        if self.objects[number] is None:
            raise SavedFileError("The contents have an object within itself.")
        return self.objects[number]

    def array(self, content: Tree, depth: int = 0) -> np.ndarray:
        del depth
        if isinstance(content, str):
            return self.arrays[content]
        name, dtype, shape = content
        if not DTYPE.fullmatch(dtype):
            raise SavedFileError(f"The contents have an array of {dtype!r}.")
        return self.arrays[name].view(np.dtype(dtype)).reshape(shape)

    def objects_array(self, content: list[Any], depth: int) -> np.ndarray:
        shape, values = content
        flat = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            flat[i] = self.value(value, depth + 1)
        return flat.reshape(shape)

    def tensor(self, content: list[Any], depth: int) -> torch.Tensor:
        del depth
        name, array = content
        plain = torch.from_numpy(self.array(array))
        return plain.view(torch.bfloat16) if name == "bfloat16" else plain


READERS: dict[str, Callable[[_Assembling, Any, int], Any]] = {
    "dict": _Assembling.pairs,
    "object": _Assembling.stored,
    "same": _Assembling.same,
    "array": _Assembling.array,
    "objects": _Assembling.objects_array,
    "scalar": lambda making, content, _: making.array(content)[()],
    "tensor": _Assembling.tensor,
}


def _words(path: Path) -> str:
    return ".".join(map(str, path)) or "The value"
