"""Large files: their paths, checksums and addresses.

A file is read from ``$LAMINA_DATA/<folder>/<name>``, without network access. If it is
missing it is downloaded to that path, or to the user's cache if ``LAMINA_DATA`` is not set.
Its SHA-256 is checked each time.
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
    """The address of exactly this file; None if it is not published as such."""
    other_sha256: tuple[str, ...] = ()
    """SHA-256 of files with the same contents, compressed otherwise."""


def find(source: Source) -> Path:
    """The path of the file, downloaded if it is missing, with checked contents."""
    root = os.environ.get("LAMINA_DATA")
    if root:
        path = Path(root).expanduser() / source.folder / source.name
        if path.exists():
            return _checked(path, source)
    if source.url is None:
        raise DataError(
            f"{source.name} is not under LAMINA_DATA (which is {root!r}), and cannot be "
            f"downloaded: it was made from {source.home}. Put it at "
            f"$LAMINA_DATA/{source.folder}/{source.name}."
        )
    return _download(source, Path(root).expanduser() if root else cache())


def cache() -> Path:
    """The user's cache."""
    return Path(_pooch().os_cache("lamina"))


def _checked(path: Path, source: Source) -> Path:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest not in (source.sha256, *source.other_sha256):
        raise DataError(
            f"{path} does not have the expected contents: its SHA-256 is {digest}, "
            f"expected {source.sha256}. Remove it, and fetch it again from "
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
