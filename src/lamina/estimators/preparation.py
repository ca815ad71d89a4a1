"""What a fit trains: the batches of its samples, and its network with an optimizer."""

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from lamina.encoders.base import Encoder
from lamina.estimators.auto import batch_size
from lamina.estimators.data import Data, WeightSum, weights_with_targets
from lamina.estimators.linear import fit_linear_path
from lamina.estimators.memory import bounded_memory
from lamina.estimators.network import build, in_memory_format
from lamina.estimators.transfer import start, start_words
from lamina.estimators.validation import scorer_of
from lamina.nn.bags import ngram_width
from lamina.nn.model import Model
from lamina.seeding import Generators, built_from_stream
from lamina.tasks.base import PooledTask, Task
from lamina.training.gradients import gradients_of
from lamina.training.loader import Loader
from lamina.training.loop import Monitor, Training
from lamina.training.optimizers import OPTIMIZERS, Optimizer, restore
from lamina.training.passes import InPasses
from lamina.training.plan import training_plan
from lamina.training.precision import device_of
from lamina.training.weights import Weights

if TYPE_CHECKING:
    from lamina.estimators.fitting import Fitting


def fit_encoder(encoder: Encoder, data: Data, task: Task) -> None:
    """Fit an encoder; a body for it embeds n-grams as widely as the task needs."""
    encoder.fit(data.X, data.weight)
    if encoder.spec.n_ngrams and isinstance(task, PooledTask):
        width = ngram_width(task.n_outputs)
        encoder.spec = replace(encoder.spec, ngram_width=width)


def loader_of(fitting: "Fitting", data: Data, seed: int) -> Loader:
    """The batches of the samples that are trained on."""
    params, task = fitting.params, fitting.task
    samples = fitting.encoder.encode(data.X).in_training()
    weight = _scaled_weights(fitting, data)
    if weight is not None:
        weight = torch.tensor(weight).float()[samples.sample_index]
    return Loader(
        samples=samples,
        target=task.encode(data.y),
        weight=weight,
        batch_size=batch_size(params, len(samples), params.body, task),
        shuffle=params.shuffle,
        generator=torch.Generator().manual_seed(seed),
    )


def training_of(  # noqa: PLR0913, PLR0917
    fitting: "Fitting",
    loader: Loader,
    n_epochs: int,
    held_out: Data | None,
    monitor: Monitor,
    stream: Generators,
) -> Training:
    """A training of a new network, or of a copy of the fitted one."""
    params, task = fitting.params, fitting.task
    device, size = device_of(params.device), loader.batch_size
    with built_from_stream(params.body, type(task)):
        model = _model_of(fitting, size, device)
        task.check_fit(loader.target, loader.samples, model.body)
        if not fitting.resumes:
            fit_linear_path(model, task, loader)
        model = in_memory_format(model.to(device))
        n_macs = float(size * fitting.encoder.spec.max_length * model.n_weights)
        plan = training_plan(model, device, params, size, n_macs)
        gradients = InPasses(gradients_of(model, task, plan))
        recipe, single_epoch = fitting.recipe, fitting.single_epoch
        return Training(
            model=model,
            loader=loader.on(device),
            gradients=gradients,
            optimizer=_optimizer(fitting, gradients.weights),
            plan=plan,
            params=params,
            n_epochs=n_epochs,
            monitor=monitor,
            n_macs=n_macs,
            stream=stream,
            validate=scorer_of(params, fitting, held_out),
            selects=recipe.selects and held_out is not None,
            stops=fitting.choice is None,
            schedule="constant" if single_epoch else recipe.schedule,
            averaging=0.0 if single_epoch else recipe.averaging,
            seconds=recipe.seconds(params.max_time),
        )


def _model_of(fitting: "Fitting", size: int, device: torch.device) -> Model:
    """A copy of the network that is trained further, or a new one and its start."""
    params, spec = fitting.params, fitting.encoder.spec
    if fitting.resumes:
        return copy.deepcopy(fitting.estimator.network_)
    with bounded_memory(params, spec, size, device):
        model = build(params, spec, fitting.task)
    if fitting.source is not None:
        start(model, fitting.source, freezes=params.freeze_body)
    if fitting.vectors is not None:
        start_words(model, fitting.vectors, freezes=params.freeze_body)
    return model


def _scaled_weights(fitting: "Fitting", data: Data) -> np.ndarray | None:
    """Weights (n,) with mean 1 over all samples since training started anew."""
    weight = weights_with_targets(fitting.task, data)
    earlier = fitting.before if fitting.single_epoch else {}
    seen = earlier.get("_weights", WeightSum())
    total = float(len(data)) if weight is None else float(weight.sum())
    fitting.weights = WeightSum(seen.total + total, seen.n + len(data))
    mean = fitting.weights.total / fitting.weights.n
    if weight is None:
        return None if mean == 1 else np.full(len(data), 1 / mean)
    return weight / mean


def _optimizer(fitting: "Fitting", weights: Weights) -> Optimizer:
    optimizer = OPTIMIZERS[fitting.params.optimizer](weights, fitting.params)
    state = fitting.before.get("_optimizer_state")
    if fitting.single_epoch and state is not None:
        restore(optimizer, state)
    return optimizer
