"""What a body is: the architecture, from a batch to features, whatever they are for."""

from typing import Any, ClassVar, Protocol

from lamina.batch import Batch, Features, Spec


class Body(Protocol):
    """An `nn.Module` that is built from what is known of the data and the parameters.

    `params` is the estimator; a body reads the fields of the group that it declares and
    keeps no reference. Where `spec.causal` no step may see a later one.
    """

    forms: ClassVar[tuple[str, ...]]
    """The forms of data that the body takes; the first is how it reads a 2-D array."""
    default_steps: ClassVar[int]
    """Gradient steps that make a good fit, for `max_iter="auto"`."""
    width: int
    """D of the features."""
    # A body may also say `repeats = True`: nothing that Python decides in training changes
    # from batch to batch of a shape, once there were a few, so a GPU may record a step and
    # repeat it (`training/step.py`).

    def __init__(self, spec: Spec, params: Any): ...

    def __call__(self, batch: Batch) -> Features: ...
