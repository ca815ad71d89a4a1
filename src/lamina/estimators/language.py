"""Language models: likelihoods of documents, and generation of texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.batch import END
from lamina.bodies.recurrent import CausalRecurrentParams, RNNBody
from lamina.codec import Codec
from lamina.encoders.texts.documents import (
    DocumentEncoder,
    DocumentParams,
    read_documents,
)
from lamina.estimators.arguments import check_arguments
from lamina.estimators.features import FeatureExtractor
from lamina.estimators.generation import Generation, with_defaults
from lamina.estimators.sequence import SequenceEstimator
from lamina.inputs import DataLike
from lamina.nn.language import Stepper
from lamina.params import Use, at_least, fraction, layers
from lamina.seeding import seed_from
from lamina.tasks.fusion import TextModel
from lamina.tasks.language import LanguageModelling
from lamina.training.params import Rate


class LanguageEstimator(DocumentParams, FeatureExtractor, SequenceEstimator, TextModel):
    """Abstract language model; a public class names its body."""

    task = LanguageModelling
    learning_rate_init: Rate = 0.004
    encoders = {"text": DocumentEncoder}  # noqa: RUF012

    @property
    def vocabulary_(self) -> list[str]:
        """The outputs at each step: the end of a text, and the units."""
        return self.codec_.vocabulary.tokens[END:]

    @property
    def codec_(self) -> Codec:
        """The units of the texts; its outputs are indices of `vocabulary_`."""
        check_is_fitted(self, "encoder_")
        encoder = self.encoder_
        assert isinstance(encoder, DocumentEncoder)
        return encoder.codec

    def score_samples(self, X: DataLike) -> np.ndarray:
        """The log-likelihood of each text, its end included.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Texts. For an empty one it is the log-probability of the end.

        Returns
        -------
        log_p : ndarray of shape (n_samples,)
            The natural logarithm of the probability; at most 0.
        """
        return self._outputs(X)

    def perplexity(self, X: DataLike) -> float:
        """The perplexity per unit, exp(-mean log-likelihood of a unit), over all texts.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Texts.

        Returns
        -------
        perplexity : float
            At least 1; lower is better. The end of a text counts as a unit, and a word
            that is spelled as one. Compare models of the same `unit` only.
        """
        documents = self._plain(X)
        n_units = sum(map(self.codec_.n_units, documents))
        return float(np.exp(-self._outputs_of_plain(documents).sum() / n_units))

    def predict_proba(self, X: DataLike) -> np.ndarray:
        """The probability of each unit to follow.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Beginnings of texts; "" for the first unit.

        Returns
        -------
        p : ndarray of shape (n_samples, len(`vocabulary_`))
            In the order of `vocabulary_`; rows sum to 1.
        """
        return np.exp(self._outputs(X, self._task().following))

    def predict(self, X: DataLike) -> list[str]:
        """The most likely next unit.

        Parameters
        ----------
        X : list of n_samples str or Path, str or Path
            Beginnings of texts.

        Returns
        -------
        units : list of n_samples str
            Elements of `vocabulary_` that occurred in `fit`; "<end>" for the end of a text.
        """
        log_p = self._outputs(X, self._task().following)
        best = np.where(self.codec_.may_follow[0], log_p, -np.inf).argmax(1)
        vocabulary = self.vocabulary_
        return [vocabulary[i] for i in best]

    def generate(  # noqa: PLR0913
        self,
        prompt: DataLike = "",
        *,
        max_length: int = 200,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop: str | list[str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        stream: bool = False,
    ) -> str | list[str] | Iterator[str] | Iterator[list[str]]:
        """Generate what follows a prompt, or each of several prompts.

        Only units that occurred in the training texts are generated, and only complete
        characters.

        Parameters
        ----------
        prompt : str or list of str, default=""
            Beginnings of texts; characters that `fit` did not see are allowed.
        max_length : int, default=200
            Maximal number of units to draw.
        temperature : float, default=1.0
            Divides the logits: below 1 likely units become more likely; 0 takes the most
            likely one.
        top_k : int or None, default=None
            Draw from the k most likely units only.
        top_p : float or None, default=None
            Draw from the fewest units whose probabilities sum to at least this (Holtzman et
            al. 2020).
        stop : str, list of str or None, default=None
            A text is cut before the first of these.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws; None gives a different text each time.
        stream : bool, default=False
            Return an iterator over pieces of the text as they are generated.

        Returns
        -------
        text : str or list of str
            The text after the prompt; a list for a list of prompts. With `stream` an
            iterator over the pieces of the text, or over lists with the next piece of
            each text.
        """
        codec = self.codec_
        how = check_arguments(
            max_length=max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            stop=stop,
            random_state=random_state,
        )
        how["stop"] = (stop,) if isinstance(stop, str) else tuple(stop or ())
        drawing = Generation(seed=seed_from(how.pop("random_state")), **how)
        prompts = codec.checked(read_documents(prompt, "prompt"), "prompt")
        pieces = with_defaults(drawing.pieces(Stepper(self.network_), codec, prompts))
        if isinstance(prompt, str | Path):
            pieces_of_one = (added for (added,) in pieces)
            return pieces_of_one if stream else "".join(pieces_of_one)
        return (
            pieces if stream else ["".join(text) for text in zip(*pieces, strict=True)]
        )

    def _task(self) -> LanguageModelling:
        check_is_fitted(self)
        return self.task_


class LanguageBodyParams(CausalRecurrentParams, use=Use.FROZEN):
    """The recurrent network of a language model."""

    hidden_size: Annotated[
        int, at_least(1), Use.FROZEN, "Hidden units of each layer."
    ] = 256
    n_layers: Annotated[int, layers(), Use.FROZEN, "Number of recurrent layers."] = 1
    dropout: Annotated[
        float,
        fraction(),
        Use.FROZEN,
        "Fraction of features dropped after each layer in training.",
    ] = 0.1


class LanguageModel(LanguageEstimator, LanguageBodyParams):
    """Recurrent language model: likelihoods of texts, and generation of texts.

    X is a list of texts or of `pathlib.Path` of UTF-8 files, or a single one. The state of
    the network is carried through a document from window to window, in training too
    (truncated backpropagation, Mikolov et al. 2010). Every text has a likelihood: unknown
    words are spelled, and characters that `fit` did not see are written by their code
    points, so that the likelihoods of all texts sum to at most 1. `score` is minus the bits
    per character, the mean log2-likelihood, where the end of a text counts as a character;
    it can be compared between units.

    {parameters}

    {attributes}

    See Also
    --------
    RNNClassifier : Classifies texts.

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
