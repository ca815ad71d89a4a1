"""The layers of a body that are looked into, and their outputs for a sample."""

import copy

import torch
from torch import Tensor, nn

from lamina.batch import Batch
from lamina.bodies.convolutional import Convolution, Stage
from lamina.bodies.speech import StridedConv
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.kinds import fitted
from lamina.exceptions import ParameterError
from lamina.inputs import DataLike
from lamina.inspection.samples import single
from lamina.nn.body import Body
from lamina.nn.model import Model
from lamina.nn.recurrent import RecurrentLayer
from lamina.params import check_value, one_of

CONVOLUTIONAL = (Convolution, Stage, StridedConv)
"""Layers with outputs (B, D, ...): channels first."""
Layers = dict[str, nn.Module]


def body_of(estimator: NeuralEstimator) -> Body:
    """The body of a fitted estimator of lamina."""
    takes = "Displays of layers take fitted estimators of lamina"
    return fitted(estimator, NeuralEstimator, takes).network_.body


def layers_of(body: Body, kinds: tuple[type[nn.Module], ...]) -> Layers:
    """The layers of these classes by name, without those inside one of them."""
    layers: Layers = {}
    for name, module in body.named_modules():
        is_inside = any(name.startswith(f"{outer}.") for outer in layers)
        if isinstance(module, kinds) and not is_inside:
            layers[name] = module
    return layers


def layer_named(
    estimator: NeuralEstimator,
    kinds: tuple[type[nn.Module], ...],
    layer: str | None,
    needed: str,
) -> str:
    """The name of a layer of these classes, the first if `layer` is None.

    `needed` says in messages what has such layers.
    """
    names = list(layers_of(body_of(estimator), kinds))
    if not names:
        raise ParameterError(
            f"The network of this {type(estimator).__name__} has no such layer; pass "
            f"{needed}."
        )
    if layer is None:
        return names[0]
    check_value("argument 'layer'", layer, one_of(*names))
    return layer


def run_layer(
    estimator: NeuralEstimator, sample: DataLike, layer: str
) -> tuple[Tensor, Tensor, Tensor]:
    """X of the batch, and the inputs and outputs of a layer, for a single sample.

    Without padding; channels are first in the inputs and outputs of a convolution.
    """

    def query(model: Model, batch: Batch) -> list[tuple[Tensor, Tensor, Tensor]]:
        # In a copy, so that a prediction in another thread does not run the hook.
        body = copy.deepcopy(model.body)
        calls: list[tuple[Tensor, Tensor]] = []

        def keep(module: nn.Module, args: tuple, output: Tensor | tuple) -> None:
            del module
            first = output[0] if isinstance(output, tuple) else output
            calls.append((args[0].cpu(), first.cpu()))

        body.get_submodule(layer).register_forward_hook(keep)
        body(batch)
        ((inputs, outputs),) = calls
        n = None if batch.lengths is None else int(batch.lengths[0])
        return [(batch.x[0, :n].cpu(), inputs[0], outputs[0])] * len(batch)

    with torch.no_grad():
        return estimator._outputs(single(sample), query)[0]


RECURRENT = (RecurrentLayer,)
"""Layers with inputs and outputs (B, T, ...)."""
