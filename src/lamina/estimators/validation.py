"""Validation samples, passed or held out, and how they are scored."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.metrics import get_scorer
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from lamina.encoders.base import Encoder, Samples
from lamina.estimators.auto import Recipe
from lamina.estimators.data import (
    Data,
    read_targets,
    read_weight,
    weights_with_targets,
)
from lamina.exceptions import DataError, data_errors
from lamina.inputs import DataLike
from lamina.nn.model import Model
from lamina.params import refuse_unused
from lamina.tasks.base import Task
from lamina.tasks.targets import as_targets
from lamina.training.loader import Loader
from lamina.training.params import TrainerParams
from lamina.training.precision import device_of
from lamina.training.progress import History

if TYPE_CHECKING:
    from lamina.estimators.base import NeuralEstimator
    from lamina.estimators.fitting import Fitting


@dataclass
class Validation:
    """The arguments of `fit` for validation."""

    X: DataLike | None = None
    y: DataLike | None = None
    weight: ArrayLike | None = None
    groups: ArrayLike | None = None

    def read(self, owner: str, encoder: Encoder, task: Task) -> Data | None:
        """The validation samples that were passed; None if none were."""
        self._refuse_incomplete(task)
        if self.X is None:
            return None
        with data_errors("X_val"):
            X = encoder.read(self.X)
        with data_errors("y_val"):
            y = read_targets(owner, task, self.y, X, "y_val")
        task.encode(y)  # refuses labels that y lacks
        return Data(X, y, read_weight(self.weight, len(X), "sample_weight_val"))

    def split(  # noqa: PLR0913, PLR0917
        self,
        params: TrainerParams,
        recipe: Recipe,
        data: Data,
        task: Task,
        seed: int,
        rows: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """The rows to train on, and those that early stopping holds out; None for none.

        `rows` are those of the samples that were passed, if not all.
        """
        if not recipe.selects or self.X is not None:
            if self.groups is not None:
                raise DataError(
                    "validation_groups has no effect without early_stopping=True, or beside "
                    "X_val; leave it out."
                )
            return None
        if len(data) < 2:
            raise DataError(
                "early_stopping=True holds samples out, and there is only one; pass "
                "X_val, or pass more samples."
            )
        groups = self._groups(rows, len(data))
        with data_errors("The split of the samples"):
            size = recipe.validation_fraction
            kept, held_out = _split(params, size, data, task, seed, groups)
        if not len(kept) or not len(held_out):
            raise DataError(
                f"{len(kept)} samples are left to train on and {len(held_out)} to "
                f"validate by; change validation_fraction or validation_split."
            )
        return np.sort(kept), np.sort(held_out)

    def _groups(self, rows: np.ndarray | None, n: int) -> np.ndarray | None:
        if self.groups is None:
            return None
        groups = as_targets(self.groups, "validation_groups")
        if groups.dtype.kind == "O":  # of types that cannot be compared
            codes = {group: i for i, group in enumerate(dict.fromkeys(groups.flat))}
            groups = np.vectorize(codes.__getitem__)(groups)
        if groups.ndim == 1 and rows is not None and len(groups) > rows[-1]:
            groups = groups[rows]
        if groups.shape != (n,):
            raise DataError(
                f"validation_groups has shape {groups.shape} for {n} samples."
            )
        return groups

    def _refuse_incomplete(self, task: Task) -> None:
        if task.requires_y and (self.X is None) != (self.y is None):
            raise DataError("X_val and y_val come together; one of them is None.")
        if self.weight is not None and self.X is None:
            raise DataError("sample_weight_val has no effect without X_val and y_val.")


def _split(  # noqa: PLR0913, PLR0917
    params: TrainerParams,
    size: float,
    data: Data,
    task: Task,
    seed: int,
    groups: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the samples to train on, and of those that are held out."""
    how = params.validation_split
    rows = np.arange(len(data))
    if not isinstance(how, str):
        return next(iter(how.split(rows, data.y, groups)))
    if how == "last":
        if groups is not None:
            refuse_unused(params, "validation_split", "validation_groups")
        return tuple(train_test_split(rows, test_size=size, shuffle=False))
    if groups is not None:
        splitter = GroupShuffleSplit(1, test_size=size, random_state=seed)
        return next(iter(splitter.split(rows, groups=groups)))
    groups = task.stratify_by(data.y)
    if groups is not None and len(np.unique(groups)) > int(size * len(rows)):
        groups = None  # a split cannot hold out a sample of each class
    split = train_test_split(rows, test_size=size, random_state=seed, stratify=groups)
    return tuple(split)


def scorer_of(
    estimator: "NeuralEstimator", fitting: "Fitting", held_out: Data | None
) -> Callable[[Model], float] | None:
    """A function that scores a model on the validation samples; None without any."""
    scoring, selects = estimator.scoring, fitting.recipe.selects
    if scoring is None and selects and estimator.early_stopping == "auto":
        scoring = "loss"
    if held_out is None:
        if scoring is not None and not selects:
            refuse_unused(estimator, "scoring", "no validation samples")
        return None
    if scoring is None:
        return _by_task(estimator, fitting, held_out)
    if scoring == "loss":
        return _by_loss(estimator, fitting, held_out)
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    weight = weights_with_targets(fitting.task, held_out)
    given = {} if weight is None else {"sample_weight": weight}

    def score(model: Model) -> float:
        probe = copy.copy(estimator)
        probe.__dict__ |= fitting.attributes(model, History())
        probe.encoder_ = AlreadyRead(fitting.encoder)
        return float(scorer(probe, held_out.X, held_out.y, **given))

    return score


def _by_task(
    estimator: "NeuralEstimator", fitting: "Fitting", held_out: Data
) -> Callable[[Model], float]:
    task, weight = fitting.task, weights_with_targets(fitting.task, held_out)
    samples = fitting.encoder.encode(held_out.X).in_validation()

    def score(model: Model) -> float:
        outputs = estimator.outputs_of(model, samples, task.predict)
        return task.stopping_score(held_out.y, outputs, weight)

    return score


def _by_loss(
    estimator: "NeuralEstimator", fitting: "Fitting", held_out: Data
) -> Callable[[Model], float]:
    """A function that gives minus the mean loss, in evaluation mode."""
    samples = fitting.encoder.encode(held_out.X).in_training()
    weight = weights_with_targets(fitting.task, held_out)
    if weight is not None:
        weight = torch.tensor(weight).float()[samples.sample_index]
    size, task = min(len(samples), 256), fitting.task
    loader = Loader(samples, task.encode(held_out.y), weight, size, shuffle=False)
    device = device_of(estimator.device)

    @torch.no_grad()
    def score(model: Model) -> float:
        total, n = 0.0, 0.0
        for batch in loader:
            part = len(batch) if batch.weight is None else float(batch.weight.sum())
            mean = task.validation_loss(model, batch.to(device)).item()
            # The loss of a batch is a sum over samples divided by their number.
            total, n = total + mean * len(batch), n + part
        return -total / n

    return score


class AlreadyRead(Encoder[object]):
    """An encoder of samples that are in its plain form already."""

    def __init__(self, encoder: Encoder):
        self.encoder, self.spec = encoder, encoder.spec

    def read(self, X: object) -> object:
        return X

    def fit(self, plain: object, weight: np.ndarray | None = None) -> "AlreadyRead":
        raise NotImplementedError

    def encode(self, plain: object) -> Samples:
        return self.encoder.encode(plain)
