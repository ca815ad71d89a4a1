"""Pictures and recordings."""

from typing import Any

import numpy as np

from lamina.datasets.store import FILES, answer, part, ragged

FASHION = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
SAMPLING_RATE = 8000


def load_fashion(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Grey pictures of clothes: a tenth of Fashion-MNIST, as many of each class.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        6,000 of the official training pictures, 1,000 of the test pictures, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : ndarray of uint8 of shape (n_samples, 28, 28)
        The pictures.
    target : ndarray of int
        The class; its name is `target_names[class]`.

    Examples
    --------
    >>> from lamina.datasets import load_fashion
    >>> fashion = load_fashion()
    >>> fashion.data.shape, fashion.target_names[fashion.target[0]]
    ((6000, 28, 28), 'ankle boot')
    """
    with np.load(FILES / "fashion.npz") as file:
        rows = part(subset, int(file["n_train"]), len(file["labels"]))
        labels = file["labels"][rows].astype(np.int64)
        return answer(
            file["images"][rows], labels, return_X_y, target_names=list(FASHION)
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
    target : ndarray of int
        The digit. A Bunch has the `speaker` too.

    Examples
    --------
    >>> from lamina.datasets import load_spoken_digits
    >>> digits = load_spoken_digits()
    >>> len(digits.data), digits.sampling_rate
    (300, 8000)
    """
    with np.load(FILES / "spoken_digits.npz") as file:
        rows = part(subset, int(file["n_train"]), len(file["labels"]))
        waves = [wave.astype(np.float32) / 32768 for wave in ragged(file, rows)]
        return answer(
            waves,
            file["labels"][rows],
            return_X_y,
            sampling_rate=SAMPLING_RATE,
            speaker=file["speakers"][rows],
        )
