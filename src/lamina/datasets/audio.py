"""Recordings of spoken digits."""

import io
import shutil
import tarfile
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np

from lamina.datasets.source import Source, cache, find
from lamina.datasets.store import FILES, bunch, part, ragged, rows_of
from lamina.exceptions import DataError

SAMPLING_RATE = 8000
N_TEST = 5
DIGITS = Source(
    "spoken_digits",
    "recordings.tar.gz",
    "f19814a642af455d727161c83a4178f271707ee978e3dd1cf2cf40209f6deb84",
    "the folder recordings/ of https://github.com/Jakobovski/free-spoken-digit-dataset",
)


def load_spoken_digits(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Six people saying the digits from zero to nine, ten times each.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Recordings 5 to 9, recordings 0 to 4 (the official test), or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : list of ndarray of float32 of shape (n,)
        Waveforms between -1 and 1, 8,000 values a second (`sampling_rate`).
    target : ndarray of int of shape (n_samples,)
        The digit. A Bunch also has the `speaker` (ndarray of str).

    Examples
    --------
    >>> from lamina.datasets import load_spoken_digits
    >>> digits = load_spoken_digits()
    >>> len(digits.data), digits.sampling_rate
    (300, 8000)
    """
    with np.load(FILES / "spoken_digits.npz") as file:
        rows = part(subset, int(file["n_train"]), len(file["labels"]))
        return bunch(
            [_between_one(samples) for samples in ragged(file, rows)],
            file["labels"][rows],
            return_X_y,
            sampling_rate=SAMPLING_RATE,
            speaker=file["speakers"][rows],
        )


def fetch_spoken_digits(
    *, subset: str = "train", return_X_y: bool = False, as_paths: bool = False
) -> Any:
    """All of the Free Spoken Digit Dataset (16 MB, only from LAMINA_DATA).

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        2,700 recordings 5 to 49, 300 recordings 0 to 4 (the official test), or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.
    as_paths : bool, default=False
        Unpack the WAV files, once, into the user's cache and return their paths.

    Returns
    -------
    data : list of ndarray of float32 of shape (n,), or list of Path
        Waveforms between -1 and 1, 8,000 values a second (`sampling_rate`).
    target : ndarray of int of shape (n_samples,)
        The digit. A Bunch also has the `speaker` (ndarray of str) and the `name` of the
        file (list of str).

    Raises
    ------
    MissingExtraError
        `as_paths` is True, and pooch, which locates the user's cache, is not installed.
    DataError
        The archive is not under LAMINA_DATA, or it or an unpacked file has other contents.
    """
    files = _read_archive(find(DIGITS))
    names = sorted(files)
    fields = [Path(name).stem.split("_") for name in names]
    rows = rows_of(subset, [int(index) < N_TEST for _, _, index in fields])
    kept = [names[i] for i in rows]
    if as_paths:
        folder = _unpacked(files)
        data: list[Any] = [folder / name for name in kept]
    else:
        data = [_decode(files[name]) for name in kept]
    return bunch(
        data,
        np.array([int(fields[i][0]) for i in rows]),
        return_X_y,
        sampling_rate=SAMPLING_RATE,
        speaker=np.array([fields[i][1] for i in rows]),
        name=kept,
    )


def _read_archive(path: Path) -> dict[str, bytes]:
    """The contents of each recording, by file name."""
    files = {}
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None and member.name.endswith(".wav"):
                files[Path(member.name).name] = file.read()
    return files


def _unpacked(files: dict[str, bytes]) -> Path:
    """The folder in the user's cache that holds these files, with checked contents."""
    folder = cache() / "spoken_digits" / f"recordings-{DIGITS.sha256[:8]}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent))
        for name, contents in files.items():
            (draft / name).write_bytes(contents)
        try:
            # Renamed when complete, so that no process reads a partial folder.
            draft.rename(folder)
        except OSError:
            shutil.rmtree(draft)
            if not folder.exists():
                raise
    for name, contents in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != contents:
            raise DataError(
                f"{path} is not the file of that name in {DIGITS.name}, or is missing. "
                f"Remove the folder {folder}, and fetch it again."
            )
    return folder


def _decode(contents: bytes) -> np.ndarray:
    """The waveform of a WAV file of 16 bits and one channel."""
    with wave.open(io.BytesIO(contents)) as file:
        return _between_one(np.frombuffer(file.readframes(file.getnframes()), "<i2"))


def _between_one(samples: np.ndarray) -> np.ndarray:
    return samples.astype(np.float32) / 32768
