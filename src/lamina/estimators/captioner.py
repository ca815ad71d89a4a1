"""Captions of images."""

from lamina.bodies.convolutional import ConvolutionalBody, ConvolutionalParams
from lamina.codec import CodecParams, Unit
from lamina.encoders.images.encoder import ImageEncoder, ImageParams
from lamina.estimators.transducer import Transducer
from lamina.tasks.transduction import Captioning


class CaptionParams(CodecParams):
    """What captions are split into."""

    unit: Unit = "word"


class ImageCaptioner(CaptionParams, ImageParams, Transducer, ConvolutionalParams):
    """Convolutional network and decoder with attention that describes images.

    X is an array of images (samples, height, width) or (samples, height, width, channels),
    a list of arrays, of image files or of PIL images. y holds a caption for each, or a list
    of captions, one of which is drawn whenever the image is in a batch. The decoder attends
    to the cells of the image (Xu et al. 2015). `score` is the mean chrF of the captions, in
    [0, 1]: the F-score of the character n-grams that a caption has in common with the most
    similar caption of y (Popovic 2015; needs the package sacrebleu). `bleu` is corpus BLEU.

    {parameters}

    {attributes}

    See Also
    --------
    Translator : Generates texts from texts.
    lamina.inspection.AttentionDisplay : Draws the attention weights.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import ImageCaptioner
    >>> X = np.zeros((40, 8, 8))
    >>> X[::2, :, :4], X[1::2, :, 4:] = 1, 1
    >>> y = ["bright on the left", "bright on the right"] * 20
    >>> network = ImageCaptioner(n_filters=(8,), decoder_size=32, max_iter=40)
    >>> network.set_params(random_state=0).fit(X, y).predict(X[:2])
    ['bright on the left', 'bright on the right']
    """

    body = ConvolutionalBody
    task = Captioning
    encoders = {"image": ImageEncoder}  # noqa: RUF012
