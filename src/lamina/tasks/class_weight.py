"""The weight of each class, from the parameter `class_weight`."""

from collections.abc import Collection, Hashable, Mapping

import numpy as np

from lamina.exceptions import ParameterError
from lamina.params import positive


def class_weights(
    class_weight: Mapping[Hashable, float] | str | None,
    classes: np.ndarray,
    counts: np.ndarray,
    name: str = "y",
) -> np.ndarray:
    """Weights (K,) of the classes (K,) of one output, all of them finite and above 0.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        {label: weight}, where a label that is left out has weight 1; "balanced" is
        n / (K * count), with which the samples of each class have the same total weight.
    classes : ndarray of shape (K,)
        The labels.
    counts : ndarray of shape (K,)
        Number of samples of each label. One that does not occur has weight 1.
    name : str, default="y"
        The name of the targets in error messages.

    Returns
    -------
    weights : ndarray of shape (K,)

    Raises
    ------
    ParameterError
        A weight is not a finite number above 0, or a label is not among the classes.
    """
    weights = np.ones(len(classes))
    if class_weight is None:
        return weights
    if isinstance(class_weight, str):
        present = counts > 0
        weights[present] = counts.sum() / (present.sum() * counts[present])
        return weights
    positions = {label: i for i, label in enumerate(classes.tolist())}
    for label, weight in class_weight.items():
        _check(label, weight, positions, name)
        weights[positions[label]] = float(weight)
    return weights


def _check(
    label: Hashable, weight: object, positions: Collection[Hashable], name: str
) -> None:
    if label not in positions:
        raise ParameterError(
            f"class_weight has a weight for the label {label!r}, which {name} does not "
            f"have; its labels are {_listed(list(positions))}."
        )
    if not positive().accepts(weight):
        raise ParameterError(
            f"class_weight[{label!r}] is {weight!r}; a weight is a finite number above 0. "
            f"To leave out samples, give them sample_weight 0."
        )


def _listed(labels: list[Hashable], n_shown: int = 10) -> str:
    shown = ", ".join(map(repr, labels[:n_shown]))
    return shown if len(labels) <= n_shown else f"{shown}, ... ({len(labels)} in all)"
