"""Objects <-> JSON and arrays: what a fitted estimator, or a fit that runs, is made of.

A class whose objects are stored derives from `Stored`; what an object is made of are its
attributes, unless the class says otherwise in `to_state` and `from_state`. Of the other
types, those of Python and numpy that hold plain values are stored, and those of `FOREIGN`.
Nothing is imported or called by a name that a file contains: a class is found only in the
registry, or among those that the caller passes.

>>> from lamina.state import assembled, dismantled
>>> tree, arrays = dismantled({"a": (1, None), 2: {3.5}})
>>> tree
{'dict': [['a', {'tuple': [1, None]}], [2, {'set': [3.5]}]]}
>>> assembled(tree, arrays)
{'a': (1, None), 2: {3.5}}
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from lamina.exceptions import MissingExtraError, SavedFileError
from lamina.foreign import FOREIGN, name_of

Tree = Any
"""Values of JSON: None, bool, int, finite float, str, a list, or `{tag: content}`."""
Path = tuple[Any, ...]
"""The keys and the positions that lead to a value, for messages."""
LEAVES = (bool, int, str, type(None))
"""The types of which a list is stored as it is."""
DTYPE = re.compile(r"[<>|=][biufcSUmM]\d*(\[\d*[A-Za-z]+\])?")
"""The dtypes of arrays that are stored as their bytes."""
DIRECT = {
    np.dtype(t) for t in ("?", "u1", "i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8")
}
"""The dtypes of arrays that are stored as they are."""
OF_OBJECTS = {"O": np.dtype(object), "T": np.dtypes.StringDType()}
"""The dtypes of arrays of which the elements are stored, by their letters."""
MAX_DEPTH = 100
"""Containers within one another; more are not stored, and refused in a file."""


class Stored:
    """Mixin of classes whose objects can be stored."""

    registry: ClassVar[dict[str, type["Stored"]]] = {}
    """The classes of lamina, by their names; a subclass from elsewhere is not in it."""
    pickles_itself: ClassVar[bool] = False
    """Whether pickle stores objects of the class as they are, and not taken apart."""

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


def dismantled(
    value: object, others: list[Any] | None = None
) -> tuple[Tree, dict[str, np.ndarray]]:
    """A value as JSON, and its arrays by the names that stand for them there.

    What cannot be stored, and any object of a class that is not in the registry, is added
    to `others`, for a caller who can store it by itself, as pickle can. Without `others`
    it raises `SavedFileError`, with the path to the value.
    """
    taking = _Dismantling(others)
    return taking.tree(value, ()), taking.arrays


def assembled(
    tree: Tree,
    arrays: Mapping[str, np.ndarray],
    classes: Iterable[type] = (),
    others: Sequence[Any] = (),
) -> Any:
    """The value that `dismantled` took apart; `classes` are known beside lamina's.

    Raises `SavedFileError` for what `dismantled` does not make.
    """
    try:
        return _Assembling(arrays, classes, others).value(tree, 0)
    except (SavedFileError, MissingExtraError):
        raise
    except (
        Exception
    ) as error:  # what constructors raise for values that they do not take
        raise SavedFileError(f"The contents are not valid: {error!r}.") from error


class _Dismantling:
    """The arrays and objects of one value; each is stored once, however often it occurs."""

    def __init__(self, others: list[Any] | None):
        self.arrays: dict[str, np.ndarray] = {}
        self.names: dict[int, str] = {}
        self.numbers: dict[int, int] = {}
        self.others, self.positions = others, dict[int, int]()
        self.kept: list[object] = []  # so that no id is used twice

    def tree(self, value: Any, path: Path) -> Tree:
        kind = type(value)
        if kind in LEAVES or (kind is float and np.isfinite(value)):
            return value
        if len(path) > MAX_DEPTH:
            raise SavedFileError(f"{_words(path)} has more than {MAX_DEPTH} levels.")
        if kind in CONTAINERS:
            return CONTAINERS[kind](self, value, path)
        if issubclass(kind, Stored) and self._takes(kind):
            return self._object(value, path)
        name = name_of(kind)
        if name in FOREIGN:
            return {name: self.tree(FOREIGN[name].to_state(value), (*path, "state"))}
        if self.others is not None:
            return {"other": self._other(value)}
        raise SavedFileError(
            f"{_words(path)} is {value!r}, and a {kind.__module__}.{kind.__qualname__} "
            f"cannot be stored in a file."
        )

    def _takes(self, kind: type[Stored]) -> bool:
        """Whether an object is taken apart; pickle stores some of them by itself."""
        if self.others is None:
            return True
        return (
            not kind.pickles_itself and Stored.registry.get(kind.__qualname__) is kind
        )

    def _other(self, value: object) -> int:
        assert self.others is not None
        position = self.positions.setdefault(id(value), len(self.others))
        if position == len(self.others):
            self.others.append(value)
        return position

    def trees(self, values: Iterable[Any], path: Path) -> list[Tree]:
        values = list(values)
        if all(type(v) in LEAVES for v in values):  # often thousands of texts
            return values
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

    def array(self, value: np.ndarray, path: Path) -> Tree:
        if value.dtype.hasobject:
            values = self.trees(value.ravel().tolist(), path)
            return {"objects": [value.dtype.char, list(value.shape), values]}
        return {"array": self._array(value, path)}

    def _array(self, value: np.ndarray, path: Path) -> Tree:
        """Its name; with dtype and shape where its bytes are stored in place of it."""
        dtype = value.dtype
        if not DTYPE.fullmatch(dtype.str):
            raise SavedFileError(
                f"{_words(path)} is an array of {dtype}, which cannot be stored."
            )
        known = self.names.setdefault(id(value), str(len(self.names)))
        if known not in self.arrays:
            self.kept.append(value)
            plain = np.ascontiguousarray(value).reshape(value.shape)
            if dtype not in DIRECT:
                plain = np.frombuffer(plain.tobytes(), np.uint8)
            self.arrays[known] = plain
        return known if dtype in DIRECT else [known, dtype.str, list(value.shape)]


CONTAINERS: dict[type, Callable[[_Dismantling, Any, Path], Tree]] = {
    list: lambda taking, v, path: taking.trees(v, path),
    tuple: lambda taking, v, path: {"tuple": taking.trees(v, path)},
    # In a fixed order, so that the same value gives the same file.
    set: lambda taking, v, path: {"set": taking.trees(sorted(v, key=repr), path)},
    frozenset: lambda taking, v, path: {
        "frozenset": taking.trees(sorted(v, key=repr), path)
    },
    dict: lambda taking, v, path: {"dict": taking.pairs(v, path)},
    np.ndarray: lambda taking, v, path: taking.array(v, path),
}
SEQUENCES: dict[str, type] = {"tuple": tuple, "set": set, "frozenset": frozenset}


class _Assembling:
    """The objects of one value that were assembled already."""

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        classes: Iterable[type],
        others: Sequence[Any],
    ):
        self.arrays, self.others, self.objects = arrays, others, list[Any]()
        self.views: dict[tuple[Any, ...], np.ndarray] = {}
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
        if tag in FOREIGN:
            return FOREIGN[tag].from_state(self.value(content, depth + 1))
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

    def same(self, number: int) -> object:
        if self.objects[number] is None:
            raise SavedFileError("The contents have an object within itself.")
        return self.objects[number]

    def array(self, content: Tree) -> np.ndarray:
        if isinstance(content, str):
            return self.arrays[content]
        name, dtype, shape = content
        if not DTYPE.fullmatch(dtype):
            raise SavedFileError(f"The contents have an array of {dtype!r}.")
        key = name, dtype, *shape
        if key not in self.views:  # so that an array that is shared stays one array
            self.views[key] = self.arrays[name].view(np.dtype(dtype)).reshape(shape)
        return self.views[key]

    def objects_array(self, content: list[Any], depth: int) -> np.ndarray:
        kind, shape, values = content
        flat = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            flat[i] = self.value(value, depth + 1)
        return flat.reshape(shape).astype(OF_OBJECTS[kind], copy=False)


READERS: dict[str, Callable[[_Assembling, Any, int], Any]] = {
    "dict": _Assembling.pairs,
    "object": _Assembling.stored,
    "objects": _Assembling.objects_array,
    "same": lambda making, content, _: making.same(content),
    "array": lambda making, content, _: making.array(content),
    "other": lambda making, content, _: making.others[content],
}


def _words(path: Path) -> str:
    return ".".join(map(str, path)) or "The value"
