"""A convolutional network that looks at pictures for a decoder, new or pretrained."""

import copy
from typing import Annotated, Any, ClassVar

from lamina.batch import Batch, Features, Spec
from lamina.bodies.base import Body
from lamina.bodies.convolutional import ConvolutionalBody, ConvolutionalParams
from lamina.params import Rule, Use, none, refuse_unused


def fitted_network() -> Rule:
    """An estimator that learns from pictures by convolution."""
    return Rule(
        "CNNClassifier or CNNRegressor",
        lambda v: "image" in getattr(getattr(v, "body", None), "forms", ()),
    )


class ImageBodyParams(ConvolutionalParams, use=Use.FROZEN):
    """What looks at the pictures."""

    pretrained: Annotated[
        Any,
        fitted_network(),
        none(),
        """A CNNClassifier or CNNRegressor that was fitted on pictures of the same size:
        its network, copied, is where the training starts from, and pictures are scaled
        as it scales them. For `clone` and grid search wrap it in
        `sklearn.frozen.FrozenEstimator`, or what it learnt is left behind. None starts
        anew.""",
    ] = None


class ImageBody(Body):
    """Pictures (B, C, H, W) -> h (B, cells, D)."""

    forms: ClassVar = ("image",)
    default_steps: ClassVar = ConvolutionalBody.default_steps

    def __init__(self, spec: Spec, params: Any):
        super().__init__(spec, params)
        if params.pretrained is None:
            self.network = ConvolutionalBody(spec, params)
        else:
            _refuse_architecture(params)
            self.network = copy.deepcopy(params.pretrained.network_.body)
        self.width = self.network.width

    def forward(self, batch: Batch) -> Features:
        return self.network(batch)


def _refuse_architecture(params: Any) -> None:
    """The network is given, so that its own parameters would be ignored."""
    for name, field in ConvolutionalParams.__dataclass_fields__.items():
        if getattr(params, name) != field.default:
            refuse_unused(
                params,
                name,
                "a fitted `pretrained` network, which is a network already",
            )
