"""What estimators share that write a text for each sample."""

import warnings
from functools import partial
from typing import Any

import numpy as np
import torch

from lamina.estimators.sequence import SequenceEstimator
from lamina.exceptions import DataError, DataWarning, ParameterError
from lamina.nn.decoding import Hypothesis
from lamina.seeding import seed_from
from lamina.tasks.transduction import Transduction, TransductionParams, variants
from lamina.training.params import Rate


class Transducer(SequenceEstimator, TransductionParams):
    """Abstract writer of texts; a public class names its body."""

    task = Transduction
    learning_rate_init: Rate = 0.004

    def predict(self, X: Any, *, n_best: int | None = None, prefix: Any = None) -> list:
        """The text of each sample that is found to be best.

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        n_best : int or None, default=None
            Return so many texts of each sample, the best first; at least so many are
            followed at once. There may be fewer where fewer are possible.
        prefix : list of n_samples str, default=None
            How each text has to begin.

        Returns
        -------
        texts : list of n_samples str
            With `n_best` a list of lists of str. A `DataWarning` tells where texts were
            cut at `max_length`.
        """
        if n_best is not None and n_best < 1:
            raise ParameterError(f"n_best={n_best!r} is not at least 1.")
        width = max(self.beam_size, n_best or 1)
        found = self._outputs(X, self._ask("search", width=width), prefix)
        self._warn_of_cut([ranked[0] for ranked in found])
        texts = [[self._text(h) for h in ranked[: n_best or 1]] for ranked in found]
        return [ranked[0] for ranked in texts] if n_best is None else texts

    def sample(
        self,
        X: Any,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: Any = None,
    ) -> list[str]:
        """A text of each sample, drawn unit by unit.

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        temperature : float, default=1.0
            Below 1 the likely units become more likely; 0 takes the most likely one.
        top_k : int or None, default=None
            Draw from the k most likely units only.
        top_p : float or None, default=None
            Draw from the fewest units that have this share together.
        random_state : int, RandomState instance or None, default=None
            Seed of what is drawn; None draws anew each time.

        Returns
        -------
        texts : list of n_samples str
            The texts.
        """
        generator = torch.Generator().manual_seed(seed_from(random_state))
        how = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        found = self._outputs(X, self._ask("draw", how=how | {"generator": generator}))
        self._warn_of_cut(found)
        return [self._text(h) for h in found]

    def score_samples(self, X: Any, y: Any) -> np.ndarray:
        """How likely each of these texts is, given its sample.

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        y : list of n_samples str
            A text of each sample; any text has a likelihood.

        Returns
        -------
        log_p : ndarray of shape (n_samples,)
            The natural logarithm of the probability, the end of the text included.
        """
        self._refuse_variants(y)
        return self._outputs(X, self._ask("likelihoods"), y)

    def attention(self, X: Any, y: Any = None) -> list[np.ndarray]:
        """Where the network looks while it writes.

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        y : list of n_samples str, default=None
            What it writes; None takes what `predict` gives.

        Returns
        -------
        shares : list of n_samples ndarray of shape (n_units, n_steps)
            Shares of the sample's steps (units of a text and its end; cells of a picture,
            then of shape (n_units, rows, columns)) that sum to 1 at each unit written,
            the end included.
        """
        y = self.predict(X) if y is None else y
        self._refuse_variants(y)
        return self._outputs(X, self._ask("attend"), y)

    def _ask(self, name: str, **how: Any) -> Any:
        """A question to the task; there is none before `fit`, and `_outputs` says so."""
        task = getattr(self, "task_", None)
        return None if task is None else partial(getattr(task, name), **how)

    def _text(self, hypothesis: Hypothesis) -> str:
        return self.task_.codec.text(hypothesis.tokens)

    def _warn_of_cut(self, found: list[Hypothesis]) -> None:
        n_cut = sum(not h.ended for h in found)
        if n_cut:
            warnings.warn(
                f"{n_cut} of {len(found)} texts did not end within "
                f"{self.task_.limit - 1} units and were cut there; raise max_length, or "
                f"train longer.",
                DataWarning,
                stacklevel=3,
            )

    def _refuse_variants(self, y: Any) -> None:
        for i, texts in enumerate(y):
            if len(variants(texts)) != 1:
                raise DataError(f"Sample {i} has {len(texts)} texts; pass one of them.")
