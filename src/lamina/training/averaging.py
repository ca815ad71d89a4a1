"""Exponential averages of the weights over the last steps of training.

With a constant learning rate the weights move around those of a good network; their average is
as good as weights at the end of a schedule (Polyak & Juditsky 1992; Izmailov et al. 2018), at
any time, so that the best epoch can be chosen afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from lamina.kernels import private

START_UP = 10
"""In the first steps, the average is over about the last tenth of them."""


class WeightAverage:
    """The average of these tensors, which training changes in place, over some steps."""

    def __init__(self, values: list[Tensor], n_steps: float):
        self.values, self.n_steps = values, n_steps
        self.averages = [v.clone() for v in values]
        self.step = 0

    def update(self) -> None:
        """Count the values after a step."""
        self.step += 1
        fraction = max(1 / self.n_steps, START_UP / (START_UP + self.step))
        private.move_all(self.averages, self.values, fraction)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """A context in which the tensors hold their averages."""
        live = [v.clone() for v in self.values]
        private.copy_all(self.values, self.averages)
        yield
        private.copy_all(self.values, live)

    def state(self) -> tuple[int, list[Tensor]]:
        """The steps so far, and the averages."""
        return self.step, self.averages

    def restore(self, state: tuple[int, list[Tensor]]) -> None:
        """Continue with a `state`."""
        self.step = state[0]
        private.copy_all(self.averages, state[1])
