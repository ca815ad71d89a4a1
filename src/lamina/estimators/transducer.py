"""What estimators share that write a text for each sample."""

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
    """Abstract writer of texts; a public class names its body."""

    task = Transduction
    learning_rate_init: Rate = 0.004

    def predict(
        self, X: DataLike, *, n_best: int | None = None, prefix: DataLike | None = None
    ) -> list:
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
        task = self._task()
        check_arguments(n_best=n_best)
        if prefix is not None:
            prefix = task.read_prefix(prefix)
        found = self._outputs(X, partial(task.search, n_best=n_best or 1), prefix)
        self._warn_of_cut([ranked[0] for ranked in found])
        texts = [[self._text(h) for h in ranked[: n_best or 1]] for ranked in found]
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
            Draw from the fewest units that make up this probability together.
        random_state : int, RandomState instance or None, default=None
            Seed of what is drawn; None draws anew each time.

        Returns
        -------
        texts : list of n_samples str
            The texts.
        """
        task = self._task()
        how = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        check_arguments(**how, random_state=random_state)
        generator = torch.Generator().manual_seed(seed_from(random_state))
        query = partial(
            task.draw, probabilities=partial(sharpened, **how), generator=generator
        )
        found = self._outputs(X, query)
        self._warn_of_cut(found)
        return [self._text(h) for h in found]

    def score_samples(self, X: DataLike, y: DataLike) -> np.ndarray:
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
        return self._outputs(X, self._task().likelihoods, _single(y))

    def attention(self, X: DataLike, y: DataLike | None = None) -> list[np.ndarray]:
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
        return self._outputs(X, self._task().attend, _single(y))

    def bleu(
        self, X: DataLike, y: DataLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Corpus BLEU of what `predict` gives (needs the package sacrebleu).

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
            From 0 to 1. It is 0 where no four words in a row are right, also for short
            texts; where most texts are of a script without spaces (Chinese, Japanese,
            Thai), characters are compared.
        """
        return self._score_by(self._task().bleu, X, y, sample_weight)

    def _task(self) -> Transduction:
        check_is_fitted(self, "network_")
        self.task_.configure(self)
        return self.task_

    def _text(self, hypothesis: Hypothesis) -> str:
        return self.task_.codec.written(hypothesis.tokens)

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


def _single(y: DataLike) -> list:
    """Targets that are single texts, though several may have been learnt from."""
    targets = items(y, "y")
    for i, target in enumerate(targets):
        if isinstance(target, list | tuple | np.ndarray):
            raise DataError(
                f"Sample {i} has {len(target)} texts, and one is needed here; pass one "
                f"of them."
            )
    return targets
