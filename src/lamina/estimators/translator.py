"""Translation: sentences in, sentences out."""

from typing import Annotated

from lamina.bodies.recurrent import RecurrentParams, RNNBody
from lamina.encoders.texts.sentences import SentenceEncoder, SentenceParams
from lamina.estimators.transducer import Transducer
from lamina.params import Use, at_least, fraction, layers


class SentenceReaderParams(RecurrentParams, use=Use.FROZEN):
    """The recurrent network of a translator."""

    hidden_size: Annotated[
        int, at_least(1), Use.FROZEN, "Hidden units of each layer, in each direction."
    ] = 256
    n_layers: Annotated[int, layers(), Use.FROZEN, "Number of recurrent layers."] = 1
    dropout: Annotated[
        float,
        fraction(),
        Use.FROZEN,
        "Fraction of features dropped after each layer in training.",
    ] = 0.3


class Translator(SentenceParams, Transducer, SentenceReaderParams):
    """Recurrent encoder-decoder network with attention that translates sentences.

    X and y are lists of texts: sentences and their translations, or other texts that
    determine one another (dates in two forms, spellings and pronunciations). A bidirectional
    LSTM reads X, and a decoder with attention generates the translation (Bahdanau et al.
    2015; Wu et al. 2016). Unknown words are spelled in characters, so that every text can
    be read and generated; sentences may be empty. X is converted to Unicode's normal form C.
    Only units that occurred in y are generated. `score` is the mean chrF of the sentences,
    in [0, 1]: the F-score of the character n-grams that a sentence has in common with the
    true one (Popovic 2015; needs the package sacrebleu). `bleu` is corpus BLEU.

    {parameters}

    {attributes}

    See Also
    --------
    ImageCaptioner : Generates texts from images.
    lamina.inspection.AttentionDisplay : Draws the attention weights.

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
