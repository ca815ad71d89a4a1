"""A file of JSON and arrays, in the format of safetensors, which holds no code.

The metadata of the file have the entry "lamina", a JSON document, and its "sha256". The
document states the number of the format, the kind of the file, the versions of the
libraries that wrote it, and dtype, shape and SHA-256 of each array. So a file that was
changed anywhere is refused, or has the same contents. It may have a note, which is JSON of
the program that wrote the file.
"""

import glob
import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from lamina.exceptions import SavedFileError
from lamina.paths import open_regular
from lamina.state import Tree

FORMAT = 1
"""The number of the format; files of this and of all lower numbers are read."""
LIBRARIES = ("lamina", "torch", "numpy", "scikit-learn")


def write(
    path: str | os.PathLike[str],
    kind: str,
    tree: Tree,
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Write the file, atomically: `path` is the old file or the new one, and whole."""
    document = {
        "format": FORMAT,
        "kind": kind,
        "versions": versions(),
        "arrays": {name: _summary(array) for name, array in arrays.items()},
        "content": tree,
    }
    _write(path, document, arrays)


def annotate(path: str | os.PathLike[str], kind: str, note: Tree) -> None:
    """Give a file that `write` wrote a note, atomically."""
    document, arrays = _checked(path, kind)
    _write(path, document | {"note": note}, arrays)


def _write(
    path: str | os.PathLike[str],
    document: dict[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> None:
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    metadata = {"lamina": text, "sha256": _sha256(text.encode())}
    # Not by `save_file`, which lets no other user read the file.
    with replacing(path) as part:
        part.write_bytes(save(dict(arrays), metadata))


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new file for the block to write, which then replaces `path` as a whole."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{token_hex(8)}.part")
    try:
        yield part
        _sync(part)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()
    if os.name == "posix":
        _sync(path.parent)


def read(
    path: str | os.PathLike[str], kind: str
) -> tuple[Tree, dict[str, np.ndarray], dict[str, str]]:
    """The JSON and the arrays of a file of this kind, and the versions that wrote it.

    Raises `SavedFileError` if the file is not exactly what `write` wrote.
    """
    document, arrays = _checked(path, kind)
    return document["content"], arrays, document["versions"]


def header(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """The document of a file of this kind; raises as `read` does."""
    return _checked(path, kind)[0]


def _checked(
    path: str | os.PathLike[str], kind: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The document and the arrays of a file that is exactly what `write` wrote."""
    data = _bytes_of_file(path)
    try:
        arrays = load(data)
        document = _document(data)
        _check(document, kind, arrays)
    except SavedFileError as error:
        raise SavedFileError(f"{os.fspath(path)!r}: {error}") from None
    except (
        SafetensorError,
        ValueError,
        LookupError,
        TypeError,
        RecursionError,
    ) as error:
        raise SavedFileError(
            f"{os.fspath(path)!r} is not a file of lamina, or it is damaged: {error}."
            f"{_hint(data)}"
        ) from None
    return document, arrays


def remove_parts(path: str | os.PathLike[str]) -> None:
    """Delete what `write` left where its process was killed."""
    path = Path(path)
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):
            part.unlink()


def versions() -> dict[str, str]:
    """The version of each library that determines what a file contains."""
    return {"python": platform.python_version()} | {n: version(n) for n in LIBRARIES}


def _document(data: bytes) -> dict[str, Any]:
    n_bytes = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + n_bytes])["__metadata__"]
    text = metadata["lamina"]
    if _sha256(text.encode("utf-8", "surrogatepass")) != metadata["sha256"]:
        raise SavedFileError("the header does not have the SHA-256 that it states.")
    return json.loads(text)


def _check(document: dict[str, Any], kind: str, arrays: dict[str, np.ndarray]) -> None:
    if document["format"] > FORMAT:
        raise SavedFileError(
            f"the file has format {document['format']}, written by lamina "
            f"{document['versions']['lamina']}, and this version reads formats up to "
            f"{FORMAT}; update lamina."
        )
    if document["kind"] != kind:
        raise SavedFileError(
            f"the file contains {document['kind']!r} and not {kind!r}."
        )
    if {name: _summary(array) for name, array in arrays.items()} != document["arrays"]:
        raise SavedFileError(
            "an array does not have the SHA-256 that the header states."
        )


def _summary(array: np.ndarray) -> list[Any]:
    digest = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
    return [array.dtype.str, list(array.shape), digest]


def _bytes_of_file(path: str | os.PathLike[str]) -> bytes:
    with open_regular(path, SavedFileError) as file:
        return file.read()


def _hint(data: bytes) -> str:
    if data[:1] == b"\x80" or data[:2] in (b"PK", b"\x1f\x8b", b"x\x9c"):
        return (
            " It looks like a pickle, which may run code when it is loaded: use joblib or "
            "pickle, and only if you trust the file."
        )
    return ""


def _sync(path: Path) -> None:
    """Wait until the file, or the folder's list of files, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
