"""Convolutional network of a captioner, new or pretrained."""

import copy
from typing import Annotated, ClassVar

from sklearn.base import BaseEstimator

from lamina.batch import Batch, Features, Spec
from lamina.bodies.convolutional import ConvolutionalBody, ConvolutionalParams
from lamina.frozen import estimator_of
from lamina.nn.body import Body
from lamina.params import Use, refuse_unused


class ImageBodyParams(ConvolutionalParams, use=Use.FROZEN):
    """The convolutional network of a captioner."""

    pretrained: Annotated[
        BaseEstimator | None,
        estimator_of(ConvolutionalParams, "CNNClassifier or CNNRegressor"),
        """A CNNClassifier or CNNRegressor that was fitted on images of the same size.
        Training starts from a copy of its network, and images are scaled as it scales
        them. `clone` and grid search drop what it learnt unless it is wrapped in
        `sklearn.frozen.FrozenEstimator`. None starts from random weights.""",
    ] = None


class ImageBody(Body):
    """x (B, C, H, W) -> h (B, cells, D)."""

    forms: ClassVar = ("image",)
    is_reentrant: ClassVar = True
    min_rows_part = 64
    default_steps: ClassVar = ConvolutionalBody.default_steps

    def __init__(self, spec: Spec, params: ImageBodyParams):
        super().__init__(spec, params)
        if params.pretrained is None:
            self.network = ConvolutionalBody(spec, params)
        else:
            _refuse_architecture(params)
            self.network = copy.deepcopy(params.pretrained.network_.body)
        self.width = self.network.width

    def forward(self, batch: Batch) -> Features:
        return self.network(batch)


def _refuse_architecture(params: ImageBodyParams) -> None:
    """Raise `ParameterError` for parameters that the pretrained network overrides."""
    for name, field in ConvolutionalParams.__dataclass_fields__.items():
        if getattr(params, name) != field.default:
            refuse_unused(
                params, name, "a fitted `pretrained` network, which has its own"
            )
