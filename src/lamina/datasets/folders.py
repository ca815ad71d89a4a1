"""The user's own images or recordings: a folder for each class."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lamina.datasets.store import bunch
from lamina.encoders.choose import AUDIO_SUFFIXES
from lamina.encoders.images.files import SUFFIXES as IMAGE_SUFFIXES
from lamina.exceptions import DataError, warn_of_data


def load_folder(path: str | Path, *, return_X_y: bool = False) -> Any:
    """Paths of the images or recordings below a folder, and their classes.

    Each folder in `path` is a class, and the files in it and in its subfolders are its
    samples. Samples are recognised by their suffix, in upper or lower case: all are images
    (.png, .jpg, ...) or all are recordings (.wav, .flac, ...). No file is opened. Hidden
    files and folders (`.DS_Store`) are ignored; other files are left out with a warning
    and counted in `n_skipped`. Links are followed.

    Parameters
    ----------
    path : str or Path
        The folder that contains the class folders.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : list of Path
        The files, sorted by class and then by path.
    target : ndarray of str of shape (n_samples,)
        The class of each: the name of its folder. A Bunch also has the sorted names of
        all classes (`target_names`, a list of str) and the number of files that are
        neither images nor recordings (`n_skipped`).

    Raises
    ------
    DataError
        The folder is missing or contains no folders, a class has no samples, a sample is
        not in a class folder, images and recordings are mixed, or a folder cannot be
        read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from lamina.datasets import load_folder
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
    ...         file = Path(folder) / name
    ...         file.parent.mkdir(exist_ok=True)
    ...         Image.new("L", (8, 8)).save(file)
    ...     X, y = load_folder(folder, return_X_y=True)
    >>> [file.name for file in X], y.tolist()
    (['1.png', '2.png', '1.png'], ['cat', 'cat', 'dog'])
    """
    folder = Path(path)
    try:
        files = {c.name: sorted(_files(c, ())) for c in _classes(folder)}
    except DataError:
        raise
    except (OSError, ValueError) as error:
        raise DataError(f"The folder {str(path)!r} cannot be read: {error}") from error
    samples = {name: [f for f in paths if _kind(f)] for name, paths in files.items()}
    _refuse_empty(folder, samples)
    data = [file for paths in samples.values() for file in paths]
    _refuse_mixed(folder, data)
    warn_of_parts({folder / name: paths for name, paths in samples.items()})
    n_skipped = sum(map(len, files.values())) - len(data)
    if n_skipped:
        warn_of_data(
            f"{n_skipped} files below {str(path)!r} are left out: by their suffixes they "
            f"are neither images nor recordings."
        )
    return bunch(
        data,
        np.repeat(list(samples), [len(paths) for paths in samples.values()]),
        return_X_y,
        target_names=list(samples),
        n_skipped=n_skipped,
    )


def warn_of_parts(files: dict[Path, list[Path]]) -> None:
    """Warn if all class folders have the same folders, as parts of a data set have."""
    folders = [
        {
            relative.parts[0]
            for f in paths
            if len((relative := f.relative_to(c)).parts) > 1
        }
        for c, paths in files.items()
    ]
    if (
        len(folders) > 1
        and len(folders[0]) > 1
        and all(f == folders[0] for f in folders)
    ):
        names = ", ".join(repr(folder.name) for folder in files)
        warn_of_data(
            f"The folders {names} are read as the classes, and each of them contains the "
            f"same folders, {', '.join(map(repr, sorted(folders[0])))}. If these are the "
            f"classes, pass one of the former by itself."
        )


def _classes(folder: Path) -> list[Path]:
    """The class folders, sorted; a sample beside them is refused."""
    if not folder.is_dir():
        raise DataError(f"{str(folder)!r} is not a folder.")
    entries = sorted(e for e in folder.iterdir() if not _is_hidden(e))
    for entry in entries:
        if not entry.is_dir() and _kind(entry):
            raise DataError(
                f"{str(entry)!r} is not in a class folder; move it into one, or pass the "
                f"parent of {str(folder)!r} if that is a class folder."
            )
    return [entry for entry in entries if entry.is_dir()]


def _files(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """The files below a folder, whose resolved parents are `above`."""
    real = folder.resolve()
    if real in above:
        raise DataError(f"{str(folder)!r} is a symbolic link to one of its parents.")
    for entry in folder.iterdir():
        if _is_hidden(entry):
            continue
        if entry.is_dir():
            yield from _files(entry, (*above, real))
        elif entry.is_file():
            yield entry
        else:
            raise DataError(
                f"{str(entry)!r} is neither a file nor a folder (a pipe, a device or a "
                f"broken link); remove it."
            )


def _kind(file: Path) -> str | None:
    """The kind of a file by its suffix; None if it is not a sample."""
    suffix = file.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return "image"
    return "recording" if suffix in AUDIO_SUFFIXES else None


def _is_hidden(entry: Path) -> bool:
    return entry.name.startswith(".")


def _refuse_empty(folder: Path, samples: dict[str, list[Path]]) -> None:
    if not samples:
        raise DataError(
            f"{str(folder)!r} contains no folders; put the samples of each class into a "
            f"folder with its name."
        )
    for name, paths in samples.items():
        if not paths:
            raise DataError(
                f"The folder of class {name!r} in {str(folder)!r} contains no images "
                f"and no recordings; fill or remove it. Texts are loaded by "
                f"sklearn.datasets.load_files."
            )


def _refuse_mixed(path: Path, data: list[Path]) -> None:
    for file in data:
        if _kind(file) != _kind(data[0]):
            raise DataError(
                f"{str(path)!r} contains files of {_kind(data[0])}s and of {_kind(file)}s, "
                f"such as {str(data[0])!r} and {str(file)!r}; keep one kind."
            )
