"""Large files: where they lie, what they must contain, and where they come from.

A file is looked for at ``$LAMINA_DATA/<folder>/<name>``, and used from there without a
network. If it is not there it is downloaded to that place, or to the user's cache where
``LAMINA_DATA`` is not set. Its SHA-256 is checked each time.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina.exceptions import DataError, MissingExtraError


@dataclass(frozen=True)
class Source:
    """One large file."""

    folder: str
    name: str
    sha256: str
    home: str
    url: str | None = None
    """The address of exactly these bytes; None if the file was put together by us."""
    twins: tuple[str, ...] = ()
    """SHA-256 of files with the same contents, compressed in another way."""


def find(source: Source) -> Path:
    """The path of the file, downloaded if need be, with the right contents."""
    root = os.environ.get("LAMINA_DATA")
    if root:
        path = Path(root).expanduser() / source.folder / source.name
        if path.exists():
            return _checked(path, source)
    if source.url is None:
        raise DataError(
            f"{source.name} is not under LAMINA_DATA (which is {root!r}), and has no "
            f"address to download it from: it was put together from {source.home}. Put "
            f"it at $LAMINA_DATA/{source.folder}/{source.name}."
        )
    return _download(source, Path(root).expanduser() if root else cache())


def cache() -> Path:
    """The user's own cache, the one folder that we write to unasked."""
    return Path(_pooch().os_cache("lamina"))


def _checked(path: Path, source: Source) -> Path:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found not in (source.sha256, *source.twins):
        raise DataError(
            f"{path} is not the file that lamina knows: its SHA-256 is {found}, "
            f"expected {source.sha256}. Remove it, and take it again from "
            f"{source.url or source.home}."
        )
    return path


def _download(source: Source, root: Path) -> Path:
    pooch = _pooch()
    try:
        path = pooch.retrieve(
            source.url, f"sha256:{source.sha256}", source.name, root / source.folder
        )
    except OSError as error:
        raise DataError(
            f"{source.name} could not be downloaded from {source.url}: {error}. Put it "
            f"at $LAMINA_DATA/{source.folder}/{source.name} by hand."
        ) from error
    return Path(path)


def _pooch() -> Any:
    try:
        import pooch
    except ImportError:
        raise MissingExtraError("Fetching data sets", "pooch", "datasets") from None
    return pooch
