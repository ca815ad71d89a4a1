"""Shallow fusion: the log-probabilities of a language model, for the units of a transcript."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from lamina.batch import END, State
from lamina.codec import Codec
from lamina.exceptions import ParameterError
from lamina.nn.language import Stepper
from lamina.nn.model import Model

MAX_CACHED = 20_000
"""Texts whose continuations are cached."""


class TextModel(ABC):
    """Abstract: an estimator that, once fitted, predicts a text unit by unit."""

    network_: Model
    """The network, which `Stepper` evaluates."""

    @property
    @abstractmethod
    def codec_(self) -> Codec:
        """The units of the texts."""


class Fusion:
    """Log-probabilities of the units of a codec by a fitted language model."""

    def __init__(self, model: TextModel, codec: Codec):
        self.codec, self.model, self.network = codec, model, model.network_
        self.cache: dict[tuple[int, ...], tuple[np.ndarray, State]] = {}
        texts = [codec.text([token_id]) for token_id in range(END + 1, len(codec))]
        # Each unit as outputs of the model, which may take several steps for it.
        self.spelled = [[], *map(model.codec_.outputs, texts)]

    def is_of(self, model: TextModel) -> bool:
        """Whether these are the log-probabilities of this model as it is fitted now."""
        return self.model is model and self.network is model.network_

    def following(self, text: tuple[int, ...]) -> np.ndarray:
        """(K,) log-probabilities of each unit after a text, and at 0 of its end."""
        log_p, _ = self._after(text)
        first = [spelled[0] if spelled else 0 for spelled in self.spelled]
        return log_p[first]

    def _after(self, text: tuple[int, ...]) -> tuple[np.ndarray, State]:
        """The model's log-probabilities after a text, and its state there."""
        if text not in self.cache:
            if len(self.cache) > MAX_CACHED:
                self.cache.clear()
            stepper = Stepper(self.network)
            if text:
                _, state = self._after(text[:-1])
                outputs = torch.tensor([self.spelled[text[-1]]])
                log_p, state = stepper.read(outputs, state)
            else:
                log_p, state = stepper.start(1)
            self.cache[text] = log_p[0].numpy(), state
        return self.cache[text]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"cache": {}}


def check_language_model(language_model: TextModel) -> None:
    """Raise unless it is fitted, on characters.

    A word or a byte pair has no probability until the transcript has all of it.
    """
    check_is_fitted(language_model)
    unit = language_model.codec_.unit
    if unit != "char":
        raise ParameterError(
            f"The parameter 'language_model' has unit={unit!r}; transcripts are scored by "
            f'characters, so fit a LanguageModel(unit="char").'
        )
