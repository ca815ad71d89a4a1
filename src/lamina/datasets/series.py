"""Time series for classification, with the archive's own split."""

from typing import Any

import numpy as np

from lamina.datasets.store import FILES, bunch, part, ragged


def load_japanese_vowels(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Two vowels spoken by nine speakers, as series of unequal length.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The archive's 270 training samples, its 370 test samples, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : list of ndarray of float32 of shape (7 to 29 steps, 12)
        Coefficients of linear prediction.
    target : ndarray of str of shape (n_samples,)
        The speaker, "1" to "9".

    Examples
    --------
    >>> from lamina.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> len(X), X[0].shape
    (270, (20, 12))
    """
    return _load("japanese_vowels", subset, return_X_y, is_ragged=True)


def load_basic_motions(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Movements of a smart watch in four activities.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The archive's 40 training samples, its 40 test samples, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : ndarray of float32 of shape (n_samples, 100, 6)
        Acceleration and rotation along three axes.
    target : ndarray of str of shape (n_samples,)
        "Standing", "Running", "Walking" or "Badminton".

    Examples
    --------
    >>> from lamina.datasets import load_basic_motions
    >>> load_basic_motions().data.shape
    (40, 100, 6)
    """
    return _load("basic_motions", subset, return_X_y)


def load_gun_point(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Movements of a hand that draws a gun, or points.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The archive's 50 training samples, its 150 test samples, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : ndarray of float32 of shape (n_samples, 150)
        Horizontal position of the hand, standardised.
    target : ndarray of str of shape (n_samples,)
        "1" gun, "2" point.

    Examples
    --------
    >>> from lamina.datasets import load_gun_point
    >>> load_gun_point(subset="test").data.shape
    (150, 150)
    """
    return _load("gun_point", subset, return_X_y)


def load_italy_power(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Daily electric power demand in Italy, in winter or in summer.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The archive's 67 training samples, its 1,029 test samples, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : ndarray of float32 of shape (n_samples, 24)
        Demand by the hour, standardised.
    target : ndarray of str of shape (n_samples,)
        "1" October to March, "2" April to September.

    Examples
    --------
    >>> from lamina.datasets import load_italy_power
    >>> load_italy_power().data.shape
    (67, 24)
    """
    return _load("italy_power_demand", subset, return_X_y)


def _load(name: str, subset: str, return_X_y: bool, is_ragged: bool = False) -> Any:
    with np.load(FILES / f"{name}.npz") as file:
        rows = part(subset, int(file["n_train"]), len(file["labels"]))
        data: Any = ragged(file, rows)
        if not is_ragged:
            data = np.stack(data)
            data = data[:, :, 0] if data.shape[2] == 1 else data
        return bunch(data, file["labels"][rows], return_X_y)
