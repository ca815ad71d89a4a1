"""A fitted language model, evaluated step by step."""

from typing import Any

import torch
from torch import Tensor

from lamina.batch import BEGIN, Batch, State, to_numbers

STEPS_AT_ONCE = 256
"""Steps of a long text that are computed together."""


class Stepper:
    """A fitted language model, one step at a time, for decoders of any kind.

    Tokens are counted as in `vocabulary_`: number 0 ends a text. All of a state's tensors
    are (1, N, D), so that hypotheses can be taken by `select`. Gradients are not followed.

    Parameters
    ----------
    model : Model
        The `network_` of a fitted LanguageModel.

    Examples
    --------
    >>> from lamina import LanguageModel
    >>> from lamina.nn.language import Stepper
    >>> network = LanguageModel(hidden_size=8, unit="char", max_iter=1).fit(
    ...     ["a rose", "is a rose"]
    ... )
    >>> stepper = Stepper(network.network_)
    >>> log_p, state = stepper.start(3)
    >>> log_p, state = stepper.step(log_p.argmax(1), state)
    >>> tuple(log_p.shape) == (3, len(network.vocabulary_))
    True
    """

    def __init__(self, model: Any):
        self.body, self.head = model.body.eval(), model.head.eval()

    @torch.inference_mode()
    def start(self, n: int) -> tuple[Tensor, State]:
        """Log-probabilities (N, K) of how `n` texts begin, and the state there."""
        begin = self.head.bias.new_full((n,), BEGIN, dtype=torch.int64)
        return self._answer(*self.body.step(begin, self.body.start(n)))

    @torch.inference_mode()
    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Log-probabilities (N, K) after one more token (N,) of each text."""
        return self._answer(*self.body.step(to_numbers(tokens), state))

    @torch.inference_mode()
    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """`step` for tokens (N, T) at once, T >= 1; the log-probabilities after the last."""
        *before, last = tokens.split(STEPS_AT_ONCE, 1)
        for part in before:
            state = self.body(Batch(to_numbers(part), state=state)).state
        features = self.body(Batch(to_numbers(last), state=state))
        return self._answer(features.h[:, -1], features.state)

    @staticmethod
    def select(state: State, rows: Tensor) -> State:
        """The states of these texts (M,), any of them, in any order."""
        return [tuple(s.index_select(1, rows) for s in layer) for layer in state]

    def _answer(self, h: Tensor, state: State) -> tuple[Tensor, State]:
        return self.head(h).float().log_softmax(-1), state
