"""Language models: documents in, likelihoods and texts out."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.batch import END
from lamina.bodies.recurrent import CausalRecurrentParams, RNNBody
from lamina.codec import Codec
from lamina.encoders.documents import DocumentEncoder, DocumentParams, read_documents
from lamina.estimators.arguments import check_arguments
from lamina.estimators.generation import Generation, with_defaults
from lamina.estimators.sequence import SequenceEstimator
from lamina.nn.language import Stepper
from lamina.params import Use, at_least, fraction
from lamina.seeding import seed_from
from lamina.tasks.language import LanguageModelling
from lamina.training.params import Rate


class LanguageEstimator(SequenceEstimator, DocumentParams):
    """Abstract language model; a public class names its body."""

    task = LanguageModelling
    learning_rate_init: Rate = 0.004
    encoders = {"text": DocumentEncoder}  # noqa: RUF012

    @property
    def vocabulary_(self) -> list[str]:
        """What can come next: the end of a text, and the units."""
        if "encoder_" not in vars(self):
            raise AttributeError("vocabulary_ is there after fit.")
        return self._codec().vocabulary.tokens[END:]

    def score_samples(self, X: Any) -> np.ndarray:
        """The log-likelihood of each text, its end included.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Texts. That of an empty one is the log-probability of ending at once.

        Returns
        -------
        log_p : ndarray of shape (n_samples,)
            The natural logarithm of the probability; at most 0.
        """
        return self._outputs(X)

    def perplexity(self, X: Any) -> float:
        """How many units are as good as equally likely at each step, over all texts.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Texts.

        Returns
        -------
        perplexity : float
            At least 1, lower is better. The end of a text counts as a unit, and a word
            that is spelled as one. Only models of the same `unit` can be compared.
        """
        documents = self._plain(X)
        n_units = sum(map(self._codec().n_units, documents))
        return float(np.exp(-self._outputs_of_plain(documents).sum() / n_units))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each unit to come next.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Texts that go on; "" asks how a text begins.

        Returns
        -------
        p : ndarray of shape (n_samples, len(vocabulary_))
            In the order of `vocabulary_`; rows sum to 1.
        """
        return np.exp(self._outputs(X, self._task().following))

    def predict(self, X: Any) -> list[str]:
        """The unit that is most likely to come next.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Texts that go on.

        Returns
        -------
        units : list of n_samples str
            Of `vocabulary_`, one that `fit` saw; "<end>" where a text most likely ends.
        """
        log_p = self._outputs(X, self._task().following)
        best = np.where(self._codec().may_follow[0], log_p, -np.inf).argmax(1)
        vocabulary = self.vocabulary_
        return [vocabulary[i] for i in best]

    def transform(self, X: Any) -> np.ndarray:
        """Texts as vectors: the mean of the network's features over all steps.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Texts.

        Returns
        -------
        h : ndarray of shape (n_samples, hidden_size)
            Each number is between -1 and 1.
        """
        return self._outputs(X, self._task().embed)

    def generate(  # noqa: PLR0913
        self,
        prompt: Any = "",
        *,
        max_length: int = 200,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop: str | list[str] | None = None,
        random_state: Any = None,
        stream: bool = False,
    ) -> Any:
        """Write on from a prompt, or from many at once.

        Only units that occurred in the training texts are written, and only whole
        characters.

        Parameters
        ----------
        prompt : str or list of str, default=""
            What is written already; characters that `fit` did not see are allowed.
        max_length : int, default=200
            Units to draw at most, if the text does not end before.
        temperature : float, default=1.0
            Below 1 the likely units become more likely; 0 takes the most likely one.
        top_k : int or None, default=None
            Draw from the k most likely units only.
        top_p : float or None, default=None
            Draw from the fewest units that make up this probability together (Holtzman et al.
            2020).
        stop : str, list of str or None, default=None
            A text ends before any of these.
        random_state : int, RandomState instance or None, default=None
            Seed of what is drawn; None draws anew each time.
        stream : bool, default=False
            Return an iterator over pieces of the text as they are written.

        Returns
        -------
        text : str or list of str
            What follows the prompt, without it; a list for a list of prompts. With
            `stream` an iterator over the pieces of such a text, or over lists with the
            next piece of each.
        """
        codec = self._codec()
        how = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        check_arguments(
            max_length=max_length, **how, stop=stop, random_state=random_state
        )
        stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
        drawing = Generation(
            max_length, **how, stop=stops, seed=seed_from(random_state)
        )
        prompts = codec.checked(read_documents(prompt, "prompt"), "prompt")
        pieces = with_defaults(drawing.pieces(Stepper(self.network_), codec, prompts))
        if isinstance(prompt, str | Path):
            alone = (added for (added,) in pieces)
            return alone if stream else "".join(alone)
        return (
            pieces if stream else ["".join(text) for text in zip(*pieces, strict=True)]
        )

    def _encoder(self) -> DocumentEncoder:
        check_is_fitted(self)
        encoder = self.encoder_
        assert isinstance(encoder, DocumentEncoder)
        return encoder

    def _codec(self) -> Codec:
        return self._encoder().codec

    def _task(self) -> Any:
        check_is_fitted(self)
        return self.task_


class ReaderParams(CausalRecurrentParams, use=Use.FROZEN):
    """A recurrent network that reads documents."""

    hidden_size: Annotated[int, at_least(1), Use.FROZEN, "Units of each layer."] = 256
    n_layers: Annotated[
        int, at_least(1), Use.FROZEN, "Recurrent layers on top of each other."
    ] = 1
    dropout: Annotated[
        float,
        fraction(),
        Use.FROZEN,
        "Fraction of features dropped after each layer in training.",
    ] = 0.1


class LanguageModel(LanguageEstimator, ReaderParams):
    """Recurrent language model: how likely a text is, and how it may go on.

    X is a list of texts or of `pathlib.Path` of UTF-8 files, or a single one. The state of
    the network is carried through a document from window to window, in training too
    (truncated backpropagation, Mikolov et al. 2010). Nothing of a text is outside the
    model: unknown words are spelled, and characters that `fit` did not see are given by
    their code points, so the likelihoods of all texts sum to 1 at most. `score` is the
    mean log2-likelihood per character, that is bits per character with the sign turned,
    and the end of a text counts as a character; it can be compared between units.

    {parameters}

    {attributes}

    See Also
    --------
    RNNClassifier : Learns labels of texts.

    Examples
    --------
    >>> from lamina import LanguageModel
    >>> rhyme = "one for sorrow, two for joy, three for a girl, four for a boy. "
    >>> network = LanguageModel(unit="char", hidden_size=64, window=32, max_iter=100)
    >>> network = network.set_params(random_state=0).fit(rhyme * 20)
    >>> network.generate("one for", max_length=8, temperature=0)
    ' sorrow,'
    >>> network.predict(["two for jo", "fou"])
    ['y', 'r']
    """

    body = RNNBody
