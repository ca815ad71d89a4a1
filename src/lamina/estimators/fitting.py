"""One fit, new or resumed: read, split, encode, train, publish."""

import copy
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import numpy as np
import torch
from torch.nn.utils import convert_conv2d_weight_memory_format as channels_last

from lamina.encoders.base import Encoder
from lamina.encoders.choose import choose, encoder_for
from lamina.encoders.containers import opened
from lamina.estimators.data import Data, read_targets, read_weight, require_targets
from lamina.estimators.fitted import publish
from lamina.estimators.outcome import raise_if_diverged, raise_if_interrupted
from lamina.estimators.validation import Validation, scorer_of
from lamina.exceptions import DataError, ParameterError, data_errors
from lamina.nn.model import Model
from lamina.params import Use, check_params, names_with, with_python_numbers
from lamina.process import default_settings
from lamina.seeding import built_from_stream, random_stream, seed_from, spawn
from lamina.training.callbacks import EpochTasks
from lamina.training.loader import Loader
from lamina.training.loop import History, Training
from lamina.training.optimizers import OPTIMIZERS, Optimizer
from lamina.training.precision import device_of

FEWEST, MOST = 5, 100
"""Bounds of the number of epochs that `max_iter="auto"` takes."""
SMALLEST, FRACTION = 8, 40
"""`batch_size="auto"` takes a fortieth of the samples, but at least 8."""


@dataclass
class Weights:
    """The sum and the number of all sample weights of a fit; their mean is the unit."""

    total: float = 0.0
    n: int = 0


class Fitting:
    """A fit of an estimator, which it changes only at its end."""

    encoder: Encoder
    task: Any
    plain: Any
    """The samples that were passed, in their plain form."""

    def __init__(
        self,
        estimator: Any,
        *,
        resumes: bool,
        single_epoch: bool = False,
        classes: Any = None,
    ):
        self.estimator, self.resumes = estimator, resumes
        self.single_epoch, self.classes = single_epoch, classes
        self.owner = type(estimator).__name__
        self.before = vars(estimator) if resumes else {}
        self.optimizer_state: list[torch.Tensor] | None = None

    def run(self, X: Any, y: Any, sample_weight: Any, validation: Validation) -> None:
        """Train, and publish the fitted attributes."""
        with default_settings():
            history = self._run(X, y, sample_weight, validation)
        raise_if_diverged(self.estimator, history)
        raise_if_interrupted(history)

    def _run(
        self, X: Any, y: Any, sample_weight: Any, validation: Validation
    ) -> History:
        check_params(self.estimator)
        self.params = with_python_numbers(self.estimator)
        self._refuse_frozen()
        seeds = spawn(seed_from(self.estimator.random_state), 3)
        everything = self._read(X, y, sample_weight)
        data, held_out = validation.split(everything, self.task, seeds[0], self.rows)
        if not self.resumes:
            self.encoder.fit(data.X, data.weight)
        held_out = held_out or self._read_validation(validation)
        loader = self._loader(data, seeds[1])
        n_epochs = 1 if self.single_epoch else self._n_epochs(loader)
        context = self.estimator._init_callback_context(max_subtasks=n_epochs)
        callback_data = {"X": X, "y": y}
        context.call_on_fit_task_begin(estimator=self.estimator, **callback_data)
        monitor = EpochTasks(self.estimator, context, callback_data, self._fitted)
        with random_stream(seeds[2]):
            with built_from_stream(self.params.body, type(self.task)):
                training = self._training(loader, n_epochs, held_out, monitor)
            history = training.run()
        if not history.loss_curve:  # nothing was learnt that is worth keeping
            raise_if_diverged(self.estimator, history)
        self.optimizer_state = training.optimizer.state() if self.single_epoch else None
        fitted = self._fitted(training.model.cpu(), history)
        publish(self.estimator, fitted)
        callback_data["reconstruction_attributes"] = fitted
        context.call_on_fit_task_end(estimator=self.estimator, **callback_data)
        return history

    def _read(self, X: Any, y: Any, sample_weight: Any) -> Data:
        """All samples that were passed, but those of weight 0; learns the targets."""
        estimator, params = self.estimator, self.params
        if self.resumes:
            self.encoder, self.form = estimator.encoder_, estimator.form_
            self.task = copy.copy(estimator.task_)
            self.task.configure(params)
            self.task.configure_prediction(params)
        else:
            if type(estimator).task.requires_y:
                require_targets(self.owner, y)
            with data_errors("X"):
                self.form, *others = forms = estimator.forms()
                if others:
                    X = opened(X, is_table="table" in forms)
                    self.form = choose(X, forms, params)
            self.encoder = encoder_for(self.form, params)
        with data_errors("X"):
            X = self.encoder.read(X)
        with data_errors("y"):
            if not self.resumes:
                self.task = type(estimator).task.for_targets(y, params)
            y = read_targets(self.owner, self.task, y, X)
        data = Data(X, y, read_weight(sample_weight, len(X)))
        self.rows = data.present()
        if self.rows is not None:
            data = data.take(self.rows)
        self.plain = data.X
        if not self.resumes:
            self.task.fit(data.y, data.weight, self.classes)
        elif self.classes is not None:
            self._refuse_other_classes()
        return data

    def _read_validation(self, validation: Validation) -> Data | None:
        if validation.X is None:
            return None
        with data_errors("X_val"):
            X = self.encoder.read(validation.X)
        with data_errors("y_val"):
            y = read_targets(self.owner, self.task, validation.y, X, "y_val")
        self.task.encode(y)  # refuses labels that y lacks
        weight = read_weight(validation.weight, len(X), "sample_weight_val")
        return Data(X, y, weight)

    def _loader(self, data: Data, seed: int) -> Loader:
        samples = self.encoder.encode(data.X).in_training()
        weight = self._scaled_weights(data)
        size = self.params.batch_size
        if isinstance(size, str):
            size = min(max(len(samples) // FRACTION, SMALLEST), self.task.largest_batch)
        return Loader(
            samples=samples,
            target=self.task.encode(data.y),
            weight=None
            if weight is None
            else torch.tensor(weight).float()[samples.sample_index],
            batch_size=size,
            shuffle=self.params.shuffle,
            generator=torch.Generator().manual_seed(seed),
        )

    def _scaled_weights(self, data: Data) -> np.ndarray | None:
        """Weights (n,) with mean 1 over all samples since training started anew."""
        weight = with_target_weights(self.task, data)
        seen = (
            self.before.get("_weights", Weights()) if self.single_epoch else Weights()
        )
        total = float(len(data)) if weight is None else float(weight.sum())
        self.weights = Weights(seen.total + total, seen.n + len(data))
        mean = self.weights.total / self.weights.n
        if weight is None:
            return None if mean == 1 else np.full(len(data), 1 / mean)
        return weight / mean

    def _n_epochs(self, loader: Loader) -> int:
        max_iter = self.params.max_iter
        if isinstance(max_iter, str):
            steps = self.task.default_steps or self.params.body.default_steps
            return min(max(steps // loader.n_batches, FEWEST), MOST)
        return max_iter

    def _training(
        self, loader: Loader, n_epochs: int, held_out: Data | None, monitor: EpochTasks
    ) -> Training:
        params = self.params
        device = device_of(params.device)
        model = (
            copy.deepcopy(self.estimator.network_) if self.resumes else self._build()
        )
        self.task.check_fit(loader.target, loader.samples, model.body)
        n_steps = loader.batch_size * self.encoder.spec.max_length
        return Training(
            model=channels_last(model.to(device), torch.channels_last),
            task=self.task,
            loader=loader.on(device),
            optimizer=self._optimizer(model),
            params=params,
            n_epochs=n_epochs,
            monitor=monitor,
            device=device,
            work=float(n_steps * model.n_weights),
            validate=scorer_of(self.estimator, self, held_out),
            schedule="constant" if self.single_epoch else params.schedule,
        )

    def _build(self) -> Model:
        spec, task = self.encoder.spec, self.task
        horizon = spec.max_length if task.long_range else 1
        spec = replace(spec, causal=task.causal, horizon=horizon)
        body = self.params.body(spec, self.params)
        return Model(body, task.head(body))

    def _optimizer(self, model: Model) -> Optimizer:
        optimizer = OPTIMIZERS[self.params.optimizer](model, self.params)
        remembered = self.before.get("_optimizer_state")
        if self.single_epoch and remembered is not None:
            for new, old in zip(optimizer.state(), remembered, strict=True):
                new.copy_(old)
        return optimizer

    def weights_of(self, data: Data) -> np.ndarray | None:
        """The weights that samples have in a score, those of their classes included."""
        return with_target_weights(self.task, data)

    def attributes_with(self, model: Model) -> dict[str, Any]:
        """The attributes with which the estimator predicts by this model."""
        return self._fitted(model, History())

    def _fitted(self, model: Model, history: History) -> dict[str, Any]:
        """The attributes of the estimator once it has this model."""
        curve = [*self.before.get("loss_curve_", ()), *history.loss_curve]
        earlier = self.before.get("validation_scores_") or ()
        scores = [*earlier, *history.validation_scores]
        fitted = {
            "form_": self.form,
            "schema_": self.encoder.schema,
            "encoder_": self.encoder,
            "task_": self.task,
            "network_": model,
            "loss_curve_": curve,
            "validation_scores_": scores or None,
            "best_validation_score_": max(
                (score for score in scores if not isnan(score)), default=None
            ),
            "best_loss_": min(curve, default=float("nan")),
            "n_iter_": len(curve),
            "n_parameters_": model.n_parameters(),
            "_frozen": self._frozen_params(),
            "_weights": self.weights,
            "_optimizer_state": self.optimizer_state,
        }
        if self.encoder.n_features is not None:
            fitted["n_features_in_"] = self.encoder.n_features
        if self.encoder.feature_names is not None:
            fitted["feature_names_in_"] = self.encoder.feature_names
        return fitted | self.estimator.fitted_from(self.encoder, self.task, self.plain)

    def _frozen_params(self) -> dict[str, Any]:
        names = names_with(type(self.estimator), Use.FROZEN)
        return {name: copy.copy(getattr(self.estimator, name)) for name in names}

    def _refuse_frozen(self) -> None:
        """A parameter that the network was built with cannot change while it goes on."""
        for name, value in self.before.get("_frozen", {}).items():
            now = getattr(self.estimator, name)
            if now is not value and _listed(now) != _listed(value):
                raise ParameterError(
                    f"{name}={now!r} has no effect on a network that was built with "
                    f"{name}={value!r} and is trained further; put it back, or start anew "
                    f"by fit with warm_start=False."
                )

    def _refuse_other_classes(self) -> None:
        known = copy.copy(self.task).fit(
            self.before["task_"].classes, None, self.classes
        )
        same = repr(known.classes) == repr(self.task.classes)
        if not same:
            raise DataError(
                f"classes={self.classes!r} differ from those of the first call of "
                f"partial_fit, {self.task.classes!r}."
            )


def _listed(value: Any) -> str:
    """A parameter as text, arrays with all their elements."""
    return repr(value.tolist() if isinstance(value, np.ndarray) else value)


def with_target_weights(task: Any, data: Data) -> np.ndarray | None:
    """Sample weights times those that follow from the targets; None if all are 1."""
    from_targets = task.target_weights(data.y)
    if from_targets is None or data.weight is None:
        return data.weight if from_targets is None else from_targets
    return from_targets * data.weight
