"""Shallow fusion: what a language model says of the units that a transcript may go on with."""

from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from lamina.batch import END
from lamina.codec import Codec
from lamina.exceptions import ParameterError
from lamina.nn.language import Stepper

MAX_CACHED = 20_000
"""Texts whose continuations are remembered."""


class Fusion:
    """Log-probabilities of the units of a codec by a language model."""

    def __init__(self, model: Any, codec: Codec):
        self.codec, self.model, self.network = codec, model, model.network_
        self.known: dict[tuple[int, ...], tuple[np.ndarray, Any]] = {}
        texts = [codec.text([n]) for n in range(END + 1, len(codec))]
        numbers = model.encoder_.codec.numbers
        # What comes first of a unit, if it is more than the model takes in one step.
        self.spelled = [[], *([n - END for n in numbers(text)] for text in texts)]

    def is_of(self, model: Any) -> bool:
        """Whether this is what the model says as it is fitted now."""
        return self.model is model and self.network is model.network_

    def following(self, text: tuple[int, ...]) -> np.ndarray:
        """(K,) log-probabilities of each unit after a text, and at 0 of its end."""
        log_p, _ = self._after(text)
        first = [spelled[0] if spelled else 0 for spelled in self.spelled]
        return log_p[first]

    def _after(self, text: tuple[int, ...]) -> tuple[np.ndarray, Any]:
        if text not in self.known:
            if len(self.known) > MAX_CACHED:
                self.known.clear()
            stepper = Stepper(self.network)
            if text:
                _, state = self._after(text[:-1])
                tokens = torch.tensor([self.spelled[text[-1]]])
                log_p, state = stepper.read(tokens, state)
            else:
                log_p, state = stepper.start(1)
            self.known[text] = log_p[0].numpy(), state
        return self.known[text]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"known": {}}


def check_language_model(language_model: Any) -> None:
    """Raise unless it is fitted, on characters.

    Words and byte pairs begin before it is certain which they are.
    """
    check_is_fitted(language_model)
    if language_model.unit != "char":
        raise ParameterError(
            f"The parameter 'language_model' has unit={language_model.unit!r}; what is "
            f'heard is written in characters, so fit a LanguageModel(unit="char").'
        )
