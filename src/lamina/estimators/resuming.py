"""Where a fit starts: anew, or from the checkpoint of the same call of `fit`."""

import json
import platform
import re
import warnings
from contextlib import suppress
from pickle import PicklingError

import joblib
import numpy as np
import torch
from sklearn.base import BaseEstimator

from lamina.archive import versions
from lamina.estimators.data import Data
from lamina.estimators.parameters import text_of
from lamina.estimators.tensors import tensors_in
from lamina.estimators.validation import Validation
from lamina.exceptions import CheckpointWarning, DataError, ParameterError
from lamina.frozen import unfrozen
from lamina.params import declared, refuse_unused
from lamina.seeding import seed_from
from lamina.training.checkpoint import Checkpoint, FitState
from lamina.training.loop import Training
from lamina.training.params import TrainerParams
from lamina.training.plan import ExecutionPlan
from lamina.training.stopping import Choice

MAY_DIFFER = ("checkpoint", "checkpoint_every", "n_threads", "verbose")
"""Parameters that may differ between a checkpoint and the call that resumes it."""
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Start:
    """The seed of a fit and the rows that it holds out, of its checkpoint if there is one."""

    def __init__(
        self,
        params: TrainerParams,
        data: Data,
        given: Data | None,
        validation: Validation,
    ):
        self.params, self.checkpoint = params, checkpoint_of(params)
        self.saved: FitState | None = None
        self.seed = seed_from(params.random_state)
        self.rows: tuple[np.ndarray, np.ndarray] | None = None
        self.choice: Choice | None = None
        if self.checkpoint is None:
            return
        self.fit = self.checkpoint.fit = FitState(
            params=_texts(params),
            digests=_digests(data, given, validation),
            plan={},
            machine={},
            seed=self.seed,
            rows=None,
        )
        self.saved = self.checkpoint.load()
        if self.saved is not None:
            self._refuse_other_call(self.saved)
            self.seed, self.rows = self.saved.seed, self.saved.rows
            self.choice = self.saved.choice

    def resume(self, training: Training) -> None:
        """Give the checkpoint to a training, and the training its state."""
        if self.checkpoint is None:
            return
        training.checkpoint = self.checkpoint
        self.fit.seed, self.fit.rows = self.seed, self.rows
        self.fit.choice = self.choice
        self.fit.plan, self.fit.machine = _plan(training.plan), _machine(training.plan)
        if self.saved is not None:
            self._check_machine(self.saved)
            assert self.saved.training is not None
            training.restore(self.saved.training)
            self.saved = None

    def end(self) -> None:
        """Delete the checkpoint of a fit that has ended."""
        if self.checkpoint is not None:
            self.checkpoint.delete()

    def _refuse_other_call(self, saved: FitState) -> None:
        path = str(self.params.checkpoint)
        for name, value in saved.params.items():
            now = self.fit.params.get(name)
            if now != value:
                raise ParameterError(
                    f"checkpoint={path!r} is of a fit with {name}={value}, and now "
                    f"{name}={now}. Restore it to resume that fit, or delete the file to "
                    f"start anew."
                )
        names = [n for n, d in self.fit.digests.items() if saved.digests[n] != d]
        if names:
            raise DataError(
                f"checkpoint={path!r} is of a fit with other data: {', '.join(names)} "
                f"differs. Pass the same to resume that fit, or delete the file to start "
                f"anew."
            )

    def _check_machine(self, saved: FitState) -> None:
        """Refuse a state that does not fit, and warn of one that is not continued exactly."""
        path = str(self.params.checkpoint)
        differing = _differences(saved.plan, self.fit.plan)
        if differing:
            raise ParameterError(
                f"checkpoint={path!r} cannot be resumed here, where the {differing}. Resume "
                f"where it was written, or delete the file to start anew."
            )
        differing = _differences(saved.machine, self.fit.machine)
        if differing:
            warnings.warn(
                f"The fit resumes from {path!r}, but its last digits may differ, because the "
                f"{differing}.",
                CheckpointWarning,
                stacklevel=2,
            )


def checkpoint_of(params: TrainerParams) -> Checkpoint | None:
    """The checkpoint that the parameters name; None if they name none."""
    if params.checkpoint is None:
        if params.checkpoint_every != TrainerParams.checkpoint_every:
            refuse_unused(params, "checkpoint_every", "checkpoint=None")
        return None
    if params.warm_start:
        refuse_unused(params, "checkpoint", "warm_start=True, which is not resumed")
    return Checkpoint(params.checkpoint, params.checkpoint_every)


def _texts(params: TrainerParams) -> dict[str, str]:
    """The parameters that affect the result."""
    names = [d.name for d in declared(type(params)) if d.name not in MAY_DIFFER]
    texts = {name: _text(getattr(params, name)) for name in names}
    return {"estimator": type(params).__name__, **texts}


def _text(value: object) -> str:
    """A parameter as text, the same in every process; of a network also its weights."""
    is_estimator = isinstance(value, BaseEstimator)
    network = vars(unfrozen(value)).get("network_") if is_estimator else value
    tensors = tensors_in(network)
    if tensors is None:
        return ADDRESS.sub("", text_of(value))
    text = ADDRESS.sub("", text_of(value)) if is_estimator else ", ".join(tensors)
    weights = [v.cpu().float().numpy() for v in tensors.values()]
    return f"{text} with weights {joblib.hash(weights)}"


def _digests(
    data: Data, given: Data | None, validation: Validation
) -> dict[str, str | None]:
    """The arguments of `fit`, in their plain form."""
    given, groups = given or Data([], None), validation.groups
    return {
        "X": _digest(data.X),
        "y": _digest(data.y),
        "sample_weight": _digest(data.weight),
        "X_val": _digest(given.X),
        "y_val": _digest(given.y),
        "sample_weight_val": _digest(given.weight),
        "validation_groups": _digest(None if groups is None else np.asarray(groups)),
    }


def _digest(value: object) -> str | None:
    with suppress(TypeError):  # strings: joblib takes ten times as long
        value = json.dumps(value)
    try:
        return joblib.hash(value)
    except (PicklingError, TypeError) as error:
        raise DataError(
            f"A fit with a checkpoint compares its data, and these cannot be compared: "
            f"{error}. Pass arrays, or the paths of files."
        ) from error


def _plan(plan: ExecutionPlan) -> dict[str, str]:
    """What a state depends on."""
    return {
        "device": plan.device.type,
        "number type": str(plan.dtype).removeprefix("torch."),
        "number of parts of a batch": str(plan.n_parts),
    }


def _machine(plan: ExecutionPlan) -> dict[str, str]:
    """What the last digits of a result depend on."""
    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    libraries = {f"version of {n}": v for n, v in versions().items() if n != "lamina"}
    threads = str(plan.n_torch_threads)
    return {"processor": processor, "number of torch's threads": threads, **libraries}


def _differences(before: dict[str, str], now: dict[str, str]) -> str:
    return " and the ".join(
        f"{name} is {now[name]} instead of {value}"
        for name, value in before.items()
        if now[name] != value
    )
