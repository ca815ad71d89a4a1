"""Translation: sentences in, sentences out."""

from typing import Annotated

from lamina.bodies.recurrent import RecurrentParams, RNNBody
from lamina.encoders.sentences import SentenceEncoder, SentenceParams
from lamina.estimators.transducer import Transducer
from lamina.params import Use, at_least, fraction


class SentenceReaderParams(RecurrentParams, use=Use.FROZEN):
    """A recurrent network that reads sentences."""

    hidden_size: Annotated[
        int, at_least(1), Use.FROZEN, "Units of each layer, in each direction."
    ] = 256
    n_layers: Annotated[
        int, at_least(1), Use.FROZEN, "Recurrent layers on top of each other."
    ] = 1
    dropout: Annotated[
        float,
        fraction(),
        Use.FROZEN,
        "Fraction of features dropped after each layer in training.",
    ] = 0.3


class Translator(Transducer, SentenceReaderParams, SentenceParams):
    """Recurrent network with attention that turns each sentence into another one.

    X and y are lists of texts: sentences and their translations, or anything written that
    follows from something written (dates in another form, sounds of spellings). A
    bidirectional LSTM reads, and a decoder writes that attends to what was read (Bahdanau
    et al. 2015; Wu et al. 2016). Nothing that is read or written is outside the
    vocabulary: unknown words are spelled. An empty sentence is allowed on both sides. X is
    put into Unicode's normal form C, and y is learnt as it is; only units that occurred in
    it are written. `score` is the mean chrF of the sentences, from 0 to 1: the F-score of
    the character n-grams that a sentence has in common with the true one (Popovic 2015;
    needs the package sacrebleu). `bleu` is corpus BLEU.

    {parameters}

    {attributes}

    See Also
    --------
    ImageCaptioner : Writes what pictures show.
    lamina.inspection.plot_attention : Which words belong to which.

    Examples
    --------
    >>> from lamina import Translator
    >>> X = ["un", "deux", "trois", "un deux", "deux trois", "trois un"] * 10
    >>> y = ["one", "two", "three", "one two", "two three", "three one"] * 10
    >>> network = Translator(unit="word", hidden_size=32, decoder_size=32, max_iter=30)
    >>> network.set_params(random_state=0).fit(X, y).predict(["trois", "deux trois"])
    ['three', 'two three']
    """

    body = RNNBody
    encoders = {"text": SentenceEncoder}  # noqa: RUF012
