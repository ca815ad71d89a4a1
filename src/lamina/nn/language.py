"""A fitted language model, evaluated step by step."""

import torch
from torch import Tensor

from lamina.batch import BEGIN, Batch, State, to_token_ids
from lamina.nn.body import RecurrentBody
from lamina.nn.model import Model

STEPS_AT_ONCE = 256
"""Steps of a long text that are computed together."""


class Stepper:
    """A fitted language model, evaluated one step at a time; a `Decoder`.

    Units are outputs of the head, indices of `vocabulary_`: 0 is the end of a text. All
    tensors of a state are (1, N, D) for N texts. Gradients are not computed.

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

    def __init__(self, model: Model):
        body, self.head = model.body.eval(), model.head.eval()
        assert isinstance(body, RecurrentBody)
        self.body = body

    @torch.inference_mode()
    def start(self, n: int) -> tuple[Tensor, State]:
        """Log-probabilities (N, K) of the first unit of N texts, and the state."""
        begin = self.head.bias.new_full((n,), BEGIN, dtype=torch.int64)
        return self._log_p(*self.body.step(begin, self.body.start(n)))

    @torch.inference_mode()
    def step(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Log-probabilities (N, K) after one more unit (N,) of each text."""
        return self._log_p(*self.body.step(to_token_ids(outputs), state))

    @torch.inference_mode()
    def read(self, outputs: Tensor, state: State) -> tuple[Tensor, State]:
        """`step` for units (N, T), T >= 1; the log-probabilities (N, K) after the last."""
        *before, last = outputs.split(STEPS_AT_ONCE, 1)
        for part in before:
            state = self.body(Batch(to_token_ids(part), state=state)).state
        features = self.body(Batch(to_token_ids(last), state=state))
        return self._log_p(features.h[:, -1], features.state)

    @staticmethod
    def select(state: State, rows: Tensor) -> State:
        """The states of these texts (M,), in any order and any number of times."""
        return [tuple(s.index_select(1, rows) for s in layer) for layer in state]

    def _log_p(self, h: Tensor, state: State) -> tuple[Tensor, State]:
        return self.head(h).float().log_softmax(-1), state
