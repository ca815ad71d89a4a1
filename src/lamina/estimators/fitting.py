"""One fit, new or resumed: read, split, encode, train, publish."""

import copy
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import replace
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import ArrayLike

from lamina.encoders.base import Encoder
from lamina.encoders.choose import choose, encoder_for
from lamina.encoders.containers import unwrap
from lamina.estimators.auto import Recipe, max_iter, recipe_of
from lamina.estimators.choosing import search
from lamina.estimators.data import (
    Data,
    WeightSum,
    read_targets,
    read_weight,
    require_targets,
)
from lamina.estimators.fitted import publish
from lamina.estimators.linear import choose_linear_path
from lamina.estimators.memory import memory_errors
from lamina.estimators.outcome import raise_if_diverged, raise_if_interrupted
from lamina.estimators.parameters import network_params, refuse_changes
from lamina.estimators.preparation import fit_encoder, loader_of, training_of
from lamina.estimators.resuming import Start
from lamina.estimators.transfer import encoder_of, has_encoder, source_of
from lamina.estimators.validation import Validation
from lamina.exceptions import DataError, data_errors
from lamina.inputs import DataLike, Indexable
from lamina.nn.model import Model
from lamina.params import check_params
from lamina.process import default_settings
from lamina.seeding import random_stream, spawn
from lamina.tasks.base import Classes, Task
from lamina.tasks.label_task import LabelTask
from lamina.training.callbacks import FitTasks
from lamina.training.loader import Loader
from lamina.training.loop import Training
from lamina.training.progress import History
from lamina.training.stopping import Choice

if TYPE_CHECKING:
    from lamina.estimators.base import NeuralEstimator


class Fitting:
    """A fit of an estimator, whose attributes change only at its end."""

    encoder: Encoder
    task: Task
    recipe: Recipe
    plain: Indexable
    """The samples that were passed, in their plain form."""
    weights: WeightSum
    """The sum of the weights since training started anew."""
    tasks: FitTasks
    searched: tuple[Training, Encoder] | None = None
    """The last whole training of a search, which is kept if the fit is interrupted later."""

    def __init__(
        self,
        estimator: "NeuralEstimator",
        *,
        resumes: bool,
        single_epoch: bool = False,
        classes: Classes | None = None,
    ):
        self.estimator, self.resumes = estimator, resumes
        self.single_epoch, self.classes = single_epoch, classes
        self.owner = type(estimator).__name__
        self.before = vars(estimator) if resumes else {}
        self.optimizer_state: list[torch.Tensor] | None = None
        self.choice: Choice | None = None

    def run(
        self,
        X: DataLike,
        y: DataLike | None,
        sample_weight: ArrayLike | None,
        validation: Validation,
    ) -> None:
        """Train, and publish the fitted attributes."""
        self.params = check_params(self.estimator)
        refuse_changes(self.estimator, self.before.get("_built_with", {}))
        self.source = None if self.resumes else source_of(self.params)
        if self.source is not None:  # a file is read once
            self.params = copy.copy(self.params)
            self.params.start_from = self.source
        with default_settings(), memory_errors(self.params):
            data = self._read(X, y, sample_weight)
            # In a copy of the context, so that an interrupt leaves no variable changed.
            given = data, validation, {"X": X, "y": y}
            history = copy_context().run(self._train, *given)
        raise_if_diverged(self.estimator, history)
        raise_if_interrupted(history)

    def _train(
        self, data: Data, validation: Validation, callback_data: dict[str, object]
    ) -> History:
        held_out = validation.read(self.owner, self.encoder, self.task)
        start = Start(self.params, data, held_out, validation)
        seeds = spawn(start.seed, 3)
        recipe = self.recipe = self._recipe(len(data), held_out is not None)
        if start.saved is None and not recipe.refits:
            start.rows = validation.split(
                self.params, recipe, data, self.task, seeds[0], self.rows
            )
        if start.rows is not None:
            data, held_out = (data.take(rows) for rows in start.rows)
        if not self.resumes and not has_encoder(self.source):
            fit_encoder(self.encoder, data, self.task)
        choose_linear_path(self, data)
        self.vectors = self.encoder.pop_vectors()
        loader = loader_of(self, data, seeds[1])
        n_epochs = self.max_epochs(loader)
        n_before = len(self.before.get("loss_curve_", ()))
        self.tasks = FitTasks(self.estimator, callback_data, self.attributes, n_before)
        n_monitored = recipe.n_splits + 1 if recipe.refits else n_epochs
        is_scored = recipe.refits or held_out is not None
        self.tasks.begin(n_monitored, n_epochs, is_scored=is_scored)
        if recipe.refits:
            training = self._chosen(start, loader, data, validation, seeds)
        else:
            training = self._trained(start, loader, n_epochs, held_out, seeds[2])
        self._publish(training, start)
        self.tasks.end(training, self.fitted)
        return training.history

    def _trained(
        self,
        start: Start,
        loader: Loader,
        n_epochs: int,
        held_out: Data | None,
        seed: int,
    ) -> Training:
        """The training of the network that is kept, after its end."""
        tasks = self.tasks
        monitors = nullcontext(tasks.epochs())
        if self.choice is not None:
            monitors = tasks.training("refit", n_epochs)
        with random_stream(seed) as stream, monitors as monitor:
            training = training_of(self, loader, n_epochs, held_out, monitor, stream)
            start.resume(training)
            training.run()
        return training

    def _recipe(self, n_samples: int, is_validated: bool) -> Recipe:
        defaults = type(self.estimator).defaults(self.form)
        if self.resumes or self.single_epoch:
            defaults = replace(defaults, chooses_epochs=False)
        return recipe_of(self.params, defaults, n_samples, is_validated=is_validated)

    def max_epochs(self, loader: Loader) -> int:
        """The epochs of a fit that is not stopped before."""
        defaults = type(self.estimator).defaults(self.form)
        return 1 if self.single_epoch else max_iter(self.params, defaults, loader)

    def _chosen(
        self,
        start: Start,
        loader: Loader,
        data: Data,
        validation: Validation,
        seeds: list[int],
    ) -> Training:
        """The training for as many epochs as are best, or a search that ended early."""
        try:
            choice, training = start.choice, None
            if choice is None:
                choice, training = search(self, data, validation, seeds)
            if choice is not None:
                self.choice = start.choice = choice
                self.task.temperature = choice.temperature
                training = self._trained(start, loader, choice.n_epochs, None, seeds[2])
            assert training is not None
            if self.searched is None or not training.is_cut:
                return training
        except KeyboardInterrupt:
            if self.searched is None:
                raise
        # Some epochs of the last training are less than the best ones of the search.
        training, self.encoder = self.searched
        self.choice, training.history.interrupted = None, True
        return training

    def _publish(self, training: Training, start: Start) -> None:
        history = training.history
        if history.diverged:
            start.end()  # or the next call would diverge again
        if not history.loss_curve:  # there is no network to keep
            raise_if_diverged(self.estimator, history)
        self.optimizer_state = training.optimizer.state() if self.single_epoch else None
        self.fitted = self.attributes(training.model.cpu(), history)
        publish(self.estimator, self.fitted)
        if not history.interrupted:
            start.end()

    def _read(
        self, X: DataLike, y: DataLike | None, sample_weight: ArrayLike | None
    ) -> Data:
        """All samples that were passed, but those of weight 0; learns the targets."""
        if self.resumes:
            self._resume()
        else:
            X = self._choose_encoder(X, y)
        with data_errors("X"):
            plain = self.encoder.read(X)
        with data_errors("y"):
            if not self.resumes:
                self.task = type(self.estimator).task.for_targets(y, self.params)
                self.task.check_body(self.params.body)
            targets = read_targets(self.owner, self.task, y, plain)
        data = Data(plain, targets, read_weight(sample_weight, len(plain)))
        self.rows = data.present()
        if self.rows is not None:
            data = data.take(self.rows)
        self.plain = data.X
        if not self.resumes:
            self.task.fit(data.y, data.weight, self.classes)
            return data
        self.task.extend(data.y)
        if self.classes is not None:
            self._refuse_other_classes()
        return data

    def _resume(self) -> None:
        """Take the encoder and the task of the fitted estimator."""
        estimator = self.estimator
        self.encoder, self.form = estimator.encoder_, estimator.form_
        self.task = copy.copy(estimator.task_)
        self.task.configure(self.params)
        self.task.configure_prediction(self.params)

    def _choose_encoder(self, X: DataLike, y: DataLike | None) -> DataLike:
        """Make the encoder of the form that X has; returns X without its container."""
        if type(self.estimator).task.requires_y:
            require_targets(self.owner, y)
        with data_errors("X"):
            self.form, *others = forms = self.estimator.forms()
            if others:
                X = unwrap(X, is_table="table" in forms)
                self.form = choose(X, forms, self.params)
        encoder = encoder_for(self.form, self.estimator.encoders, self.params)
        if has_encoder(self.source):
            encoder = encoder_of(self.source, encoder, self.form, self.params)
        self.encoder = encoder
        return X

    def attributes(self, model: Model, history: History) -> dict[str, Any]:
        """The fitted attributes of the estimator once it has this model."""
        curve = [*self.before.get("loss_curve_", ()), *history.loss_curve]
        earlier = self.before.get("validation_scores_") or ()
        searched = [] if self.choice is None else self.choice.scores
        scores = [*earlier, *searched, *history.validation_scores]
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
            "_built_with": self.before.get("_built_with")
            or network_params(self.estimator),
            "_weights": self.weights,
            "_optimizer_state": self.optimizer_state,
        }
        if self.encoder.n_features is not None:
            fitted["n_features_in_"] = self.encoder.n_features
        if self.encoder.feature_names is not None:
            fitted["feature_names_in_"] = self.encoder.feature_names
        return fitted | self._of_kind

    @cached_property
    def _of_kind(self) -> dict[str, Any]:
        return self.estimator.fitted_from(self.encoder, self.task, self.plain)

    def _refuse_other_classes(self) -> None:
        assert isinstance(self.task, LabelTask)
        classes = self.before["task_"].classes
        known = copy.copy(self.task).fit(classes, None, self.classes)
        if repr(known.classes) != repr(self.task.classes):
            raise DataError(
                f"classes={self.classes!r} differ from those of the first call of "
                f"partial_fit, {self.task.classes!r}."
            )
