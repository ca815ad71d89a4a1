"""What every estimator shares: how a network is fitted, continued and asked."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted
from torch.nn.utils import convert_conv2d_weight_memory_format as channels_last

from lamina.encoders.base import Samples
from lamina.encoders.choose import ENCODERS, encoder_for
from lamina.estimators.reading import Data, read_samples, read_weight
from lamina.estimators.state import (
    Mode,
    raise_if_diverged,
    reporter,
    unchanged_on_error,
)
from lamina.exceptions import DataError, ParameterError
from lamina.nn.model import Model
from lamina.params import check_params
from lamina.seeding import seed_from, seeded, spawn
from lamina.training.callbacks import EpochTasks
from lamina.training.loader import InOrder, Loader
from lamina.training.loop import History, Training
from lamina.training.optimizers import OPTIMIZERS, Optimizer
from lamina.training.params import TrainerParams
from lamina.training.precision import device_of, on_device
from lamina.training.prediction import Ask, outputs_of

FEWEST, MOST = 5, 100
"""Bounds of the number of epochs that `max_iter="auto"` takes."""
SMALLEST, SHARE = 8, 40
"""`batch_size="auto"` takes a fortieth of the samples, but at least 8."""


class NeuralEstimator(CallbackSupportMixin, BaseEstimator, TrainerParams):
    """Abstract. A public class names its `body`; the classes between name the task."""

    body: ClassVar[type]
    encoders: ClassVar[dict[str, type]] = ENCODERS
    """Who reads each form of data, of those that the body takes."""
    targets: ClassVar[str]
    """What y holds: "labels", "numbers", "tags" (a list a sample), "texts" or "nothing"."""

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train a network on samples X and targets y.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            The training samples; see the class for the forms of data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample's loss; 2 counts as twice, 0 as absent.
        X_val, y_val : as X and y, default=None
            Validation samples. They are scored after each epoch, and with
            `early_stopping` they decide when to stop and which epoch to keep.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ParameterError, DataError
            A parameter or a sample cannot be used; the estimator stays as it was.
        DivergenceError
            The loss turned NaN or infinite; the last sound epoch is kept if there is one.
        """
        mode = Mode(go_on=self.warm_start and hasattr(self, "network_"))
        with unchanged_on_error(self):
            history = self._train(X, y, sample_weight, (X_val, y_val), mode)
        raise_if_diverged(self, history)
        return self

    def _continue(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Self:
        """One more epoch: what `partial_fit` is in every estimator."""
        if self.early_stopping or self.warm_start:
            raise ParameterError(
                "partial_fit takes no validation samples and always goes on: it does "
                "not support early_stopping=True or warm_start=True; use fit."
            )
        mode = Mode(go_on=hasattr(self, "network_"), once=True, classes=classes)
        with unchanged_on_error(self):
            history = self._train(X, y, sample_weight, (None, None), mode)
        raise_if_diverged(self, history)
        return self

    def _train(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any],
        mode: Mode,
    ) -> History:
        check_params(self)
        seeds = spawn(seed_from(self.random_state), 3)
        everything = self._read(X, y, sample_weight, mode)
        data, held_out = self._hold_out(everything, validation, seeds[0], mode)
        self._fit_encoder(data, mode)
        held_out = held_out or self._read_validation(*validation)
        loader = self._loader(data, seeds[1])
        n_epochs = 1 if mode.once else self._n_epochs(loader)
        context = self._init_callback_context(max_subtasks=n_epochs)
        told = {"X": everything.X, "y": everything.y}
        context.call_on_fit_task_begin(estimator=self, **told)
        report = reporter(self if mode.go_on else None)
        monitor = EpochTasks(self, context, told, report)
        with seeded(seeds[2], device_of(self.device)):
            training = self._training(loader, n_epochs, held_out, monitor, mode)
            history = training.run()
        fitted = report(training.model.cpu(), history)
        self.__dict__.update(fitted)
        self._optimizer_state = training.optimizer.state() if mode.once else None
        told["reconstruction_attributes"] = fitted
        context.call_on_fit_task_end(estimator=self, **told)
        if not history.loss_curve:
            # Nothing was learnt that would be worth keeping.
            raise_if_diverged(self, history)
        return history

    def _training(
        self,
        loader: Loader,
        n_epochs: int,
        held_out: Data | None,
        monitor: EpochTasks,
        mode: Mode,
    ) -> Training:
        device = device_of(self.device)
        model = copy.deepcopy(self.network_) if mode.go_on else self._build()
        n_steps = loader.batch_size * self.encoder_.spec.max_length
        return Training(
            model=channels_last(model.to(device), torch.channels_last),
            task=self.task_,
            loader=loader.on(device),
            optimizer=self._optimizer(model, mode),
            params=self,
            n_epochs=n_epochs,
            monitor=monitor,
            device=device,
            work=float(n_steps * model.n_weights),
            validate=self._validator(held_out),
            schedule="constant" if mode.once else self.schedule,
        )

    def _read(self, X: Any, y: Any, sample_weight: Any, mode: Mode) -> Data:
        """The training samples; sets the form of data and the task of a new network."""
        form, X = read_samples(self, X, reset=not mode.go_on)
        y = self._read_targets(X, y)
        data = Data(X, y, read_weight(sample_weight, X)).without_zero_weights()
        if not mode.go_on:
            self.form_ = form
            self.task_ = self._make_task(data, mode.classes)
        return data

    def _hold_out(
        self, data: Data, validation: tuple[Any, Any], seed: int, mode: Mode
    ) -> tuple[Data, Data | None]:
        """The samples to train on, and those of them that early stopping sets aside."""
        given = [part is not None for part in validation]
        if given[0] != given[1] and self.targets != "nothing":
            raise DataError("X_val and y_val come together; one of them is None.")
        if given[0] or mode.once or not self.early_stopping:
            return data, None
        if len(data) < 2:
            raise DataError(
                "early_stopping=True sets samples aside, and there is only one; pass "
                "X_val, or pass more samples."
            )
        kept, held_out = train_test_split(
            np.arange(len(data)),
            test_size=self.validation_fraction,
            random_state=seed,
            stratify=self.task_.strata(data.y),
        )
        return data.take(np.sort(kept)), data.take(np.sort(held_out))

    def _read_validation(self, X_val: Any, y_val: Any) -> Data | None:
        if X_val is None:
            return None
        _, X_val = read_samples(self, X_val, reset=False)
        y_val = self._read_targets(X_val, y_val)
        self.task_.encode(y_val)  # refuses labels that y lacks
        return Data(X_val, y_val)

    def _fit_encoder(self, data: Data, mode: Mode) -> None:
        if mode.go_on:
            return
        encoder = self.__dict__.pop("_reader", None) or encoder_for(self.form_, self)
        self.encoder_ = encoder.fit(data.X, data.weight)
        if self.encoder_.n_features is not None:
            self.n_features_in_ = self.encoder_.n_features

    def _loader(self, data: Data, seed: int) -> Loader:
        samples = self.encoder_.encode(data.X).in_training()
        weight = data.weight
        from_target = self.task_.weigh(data.y)
        if from_target is not None:
            weight = from_target if weight is None else weight * from_target
        if weight is not None:
            weight = torch.tensor(weight).float()[samples.owners]
            weight = weight / weight.mean()
        size = self.batch_size
        if isinstance(size, str):
            size = min(max(len(samples) // SHARE, SMALLEST), self.task_.largest_batch)
        return Loader(
            samples=samples,
            target=self.task_.encode(data.y),
            weight=weight,
            batch_size=size,
            shuffle=self.shuffle,
            generator=torch.Generator().manual_seed(seed),
        )

    def _n_epochs(self, loader: Loader) -> int:
        if isinstance(self.max_iter, str):
            steps = self.task_.default_steps or self.body.default_steps
            return min(max(steps // loader.n_batches, FEWEST), MOST)
        return self.max_iter

    def _build(self) -> Model:
        spec, task = self.encoder_.spec, self.task_
        horizon = spec.max_length if task.looks_far else 1
        body = self.body(replace(spec, causal=task.causal, horizon=horizon), self)
        return Model(body, self.task_.head(body))

    def _optimizer(self, model: Model, mode: Mode) -> Optimizer:
        optimizer = OPTIMIZERS[self.optimizer](model, self)
        remembered = getattr(self, "_optimizer_state", None)
        if mode.once and mode.go_on and remembered is not None:
            for new, old in zip(optimizer.state(), remembered, strict=True):
                new.copy_(old)
        return optimizer

    def _validator(self, held_out: Data | None) -> Callable[[Model], float] | None:
        if held_out is None:
            return None
        samples = self.encoder_.encode(held_out.X).in_validation()

        def score(model: Model) -> float:
            outputs = self._outputs_of(model, samples, self.task_.predict)
            return self.task_.score(held_out.y, outputs, held_out.weight)

        return score

    def _outputs(self, X: Any, ask: Ask | None = None, y: Any = None) -> Any:
        """What `ask(model, batch)`, the task's `predict` if None, says of samples X.

        With y the batches have targets.
        """
        check_is_fitted(self, "network_")
        _, X = read_samples(self, X, reset=False)
        target = None if y is None else self.task_.encode(self._read_targets(X, y))
        samples = self.encoder_.encode(X)
        ask = ask or self.task_.predict
        with on_device(self.network_, device_of(self.device)):
            return self._outputs_of(self.network_, samples, ask, target)

    def _outputs_of(
        self, model: Model, samples: Samples, ask: Ask, target: Any = None
    ) -> Any:
        lengths = samples.lengths
        longest = 1 if lengths is None else int(lengths.max())
        n_cells = max(self.encoder_.spec.max_length, longest)
        device = device_of(self.device).type
        batches = InOrder(samples, n_cells, target, device)
        return outputs_of(model, ask, batches, self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = "table" in self.body.forms
        tags.input_tags.allow_nan = "table" in self.body.forms
        tags.input_tags.three_d_array = "series" in self.body.forms
        tags.target_tags.multi_output = True
        tags.target_tags.required = self.targets != "nothing"
        return tags
