"""Large data sets, fetched once and checked by their hash."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from lamina.datasets.signals import FASHION, SAMPLING_RATE
from lamina.datasets.store import answer, fetch_file, part
from lamina.exceptions import MissingExtraError

FASHION_HOME = "https://github.com/zalandoresearch/fashion-mnist"
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION_FILES = {
    "train-images-idx3-ubyte.gz": (
        "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"
    ),
    "train-labels-idx1-ubyte.gz": (
        "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"
    ),
}
DIGITS_HOME = "https://github.com/Jakobovski/free-spoken-digit-dataset"
DIGITS_SHA256 = "f19814a642af455d727161c83a4178f271707ee978e3dd1cf2cf40209f6deb84"
N_TEST = 5


def fetch_fashion(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """All of Fashion-MNIST (30 MB).

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        60,000 training pictures, 10,000 test pictures, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : ndarray of uint8 of shape (n_samples, 28, 28)
        The pictures.
    target : ndarray of int
        The class; its name is `target_names[class]`.

    Raises
    ------
    MissingExtraError
        The files are not under LAMINA_DATA, and pooch is not installed.
    DataError
        A file under LAMINA_DATA has other contents.
    """
    arrays = []
    for name, sha256 in FASHION_FILES.items():
        path = fetch_file(
            "fashion_mnist", name, sha256, FASHION_URL + name, FASHION_HOME
        )
        header = 16 if "images" in name else 8
        data = gzip.decompress(path.read_bytes())
        arrays.append(np.frombuffer(data, np.uint8, offset=header))
    images = np.concatenate(arrays[::2]).reshape(-1, 28, 28)
    labels = np.concatenate(arrays[1::2]).astype(np.int64)
    rows = part(subset, len(arrays[1]), len(labels))
    return answer(images[rows], labels[rows], return_X_y, target_names=list(FASHION))


def fetch_spoken_digits(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """All of the Free Spoken Digit Dataset (16 MB).

    The archive, `recordings.tar.gz`, holds the project's folder of recordings and has no
    address of its own: pack that folder, or use `load_spoken_digits`.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Recordings 5 to 49, recordings 0 to 4 (the official test), or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : list of ndarray of float32 of shape (n,)
        Waveforms between -1 and 1, 8,000 values a second (`sampling_rate`).
    target : ndarray of int
        The digit. A Bunch has the `speaker` and the file's `name` too.

    Raises
    ------
    DataError
        The archive is not under LAMINA_DATA, or has other contents.
    """
    path = fetch_file(
        "spoken_digits", "recordings.tar.gz", DIGITS_SHA256, None, DIGITS_HOME
    )
    recordings = sorted(_read_recordings(path), key=lambda r: (r[0], r[1]))
    n_train = sum(not is_test for is_test, _, _ in recordings)
    kept = recordings[part(subset, n_train, len(recordings))]
    names = [name for _, name, _ in kept]
    return answer(
        [wave for _, _, wave in kept],
        np.array([int(name.split("_")[0]) for name in names]),
        return_X_y,
        sampling_rate=SAMPLING_RATE,
        speaker=np.array([name.split("_")[1] for name in names]),
        name=names,
    )


def _read_recordings(path: Path) -> list[tuple[bool, str, np.ndarray]]:
    """(whether it is a test recording, file name, waveform) of each recording."""
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("Reading sound files", "soundfile", "audio") from None
    recordings = []
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            if file is None or not member.name.endswith(".wav"):
                continue
            name = Path(member.name).stem
            wave, _ = soundfile.read(io.BytesIO(file.read()), dtype="float32")
            recordings.append((int(name.split("_")[2]) < N_TEST, name, wave))
    return recordings
