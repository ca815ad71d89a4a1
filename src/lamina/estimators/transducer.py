"""The base of estimators that generate a text for each sample."""

import warnings
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from lamina.estimators.arguments import check_arguments
from lamina.estimators.sequence import SequenceEstimator
from lamina.exceptions import DataError, DataWarning
from lamina.inputs import DataLike
from lamina.nn.decoding import Hypothesis
from lamina.nn.sampling import sharpened
from lamina.seeding import seed_from
from lamina.tasks.transduction import Transduction, TransductionParams
from lamina.texts import items
from lamina.training.params import Rate


class Transducer(SequenceEstimator, TransductionParams):
    """Abstract generator of texts; a public class names its body."""

    task = Transduction
    learning_rate_init: Rate = 0.004

    def predict(
        self, X: DataLike, *, n_best: int | None = None, prefix: DataLike | None = None
    ) -> list:
        """The best text found for each sample.

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        n_best : int or None, default=None
            Return a list of this many texts for each sample, the best first; the search
            keeps at least as many. There are fewer if fewer are possible.
        prefix : list of n_samples str, default=None
            The beginning of each text.

        Returns
        -------
        texts : list of n_samples str
            With `n_best` a list of lists of str. A `DataWarning` says how many were cut at
            `max_length`.
        """
        task = self._task()
        n_best = check_arguments(n_best=n_best)["n_best"]
        if prefix is not None:
            prefix = task.read_prefix(prefix)
        each = self._outputs(X, partial(task.search, n_best=n_best or 1), prefix)
        self._warn_of_cut([ranked[0] for ranked in each])
        texts = [[self._text(h) for h in ranked[: n_best or 1]] for ranked in each]
        return [ranked[0] for ranked in texts] if n_best is None else texts

    def sample(
        self,
        X: DataLike,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> list[str]:
        """A random text for each sample, drawn unit by unit.

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        temperature : float, default=1.0
            Divides the logits: below 1 likely units become more likely; 0 takes the most
            likely one.
        top_k : int or None, default=None
            Draw from the k most likely units only.
        top_p : float or None, default=None
            Draw from the fewest units whose probabilities sum to at least this.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws; None gives different texts each time.

        Returns
        -------
        texts : list of n_samples str
            The texts.
        """
        task = self._task()
        how = check_arguments(
            temperature=temperature, top_k=top_k, top_p=top_p, random_state=random_state
        )
        seed = seed_from(how.pop("random_state"))
        generator = torch.Generator().manual_seed(seed)
        query = partial(
            task.draw, probabilities=partial(sharpened, **how), generator=generator
        )
        drawn = self._outputs(X, query)
        self._warn_of_cut(drawn)
        return [self._text(h) for h in drawn]

    def score_samples(self, X: DataLike, y: DataLike) -> np.ndarray:
        """The log-likelihood of each of these texts, given its sample.

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        y : list of n_samples str
            A text for each sample; every text has a likelihood.

        Returns
        -------
        log_p : ndarray of shape (n_samples,)
            The natural logarithm of the probability, including that of the end.
        """
        return self._outputs(X, self._task().likelihoods, _single(y))

    def attention(self, X: DataLike, y: DataLike | None = None) -> list[np.ndarray]:
        """The attention weights at each unit of a text.

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        y : list of n_samples str, default=None
            The texts; None takes those of `predict`.

        Returns
        -------
        weights : list of n_samples ndarray of shape (n_units, n_steps)
            Weights of the steps of the sample that sum to 1, at each unit of the text and
            at its end. Steps are the units of a text and its end; the cells of an image,
            then of shape (n_units, rows, columns).
        """
        y = self.predict(X) if y is None else y
        return self._outputs(X, self._task().attend, _single(y))

    def bleu(
        self, X: DataLike, y: DataLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Corpus BLEU of the texts of `predict` (needs the package sacrebleu).

        Parameters
        ----------
        X : list or array of n_samples samples
            Samples of the form that `fit` saw.
        y : list of n_samples str
            The true texts.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        bleu : float
            In [0, 1]. It is 0 if no four consecutive words are right, also for short texts.
            If most texts are in a script without spaces (Chinese, Japanese, Thai),
            characters are compared.
        """
        return self._score_by(self._task().bleu, X, y, sample_weight)

    def _task(self) -> Transduction:
        check_is_fitted(self, "network_")
        self.task_.configure(self)
        return self.task_

    def _text(self, hypothesis: Hypothesis) -> str:
        return self.task_.codec.text_of_outputs(hypothesis.tokens)

    def _warn_of_cut(self, hypotheses: list[Hypothesis]) -> None:
        n_cut = sum(not h.finished for h in hypotheses)
        if n_cut:
            warnings.warn(
                f"{n_cut} of {len(hypotheses)} texts did not end within "
                f"{self.task_.limit - 1} units and were cut there; raise max_length, or "
                f"train longer.",
                DataWarning,
                stacklevel=3,
            )


def _single(y: DataLike) -> list:
    """The targets, after a check that there is a single text for each sample."""
    targets = items(y, "y")
    for i, target in enumerate(targets):
        if isinstance(target, list | tuple | np.ndarray):
            raise DataError(
                f"Sample {i} has {len(target)} texts, and one is needed here; pass one "
                f"of them."
            )
    return targets
