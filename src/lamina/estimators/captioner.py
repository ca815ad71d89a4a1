"""Image description: pictures in, texts out."""

from lamina.bodies.image import ImageBody, ImageBodyParams
from lamina.codec import CodecParams, Unit
from lamina.encoders.image import ImageParams, PretrainedImageEncoder
from lamina.estimators.transducer import Transducer
from lamina.tasks.transduction import Captioning


class CaptionParams(CodecParams):
    """What captions are cut into."""

    unit: Unit = "word"


class ImageCaptioner(Transducer, ImageBodyParams, ImageParams, CaptionParams):
    """Convolutional network with an attending decoder that says what a picture shows.

    X is an array of images (samples, height, width) or (samples, height, width, channels),
    a list of arrays, of image files or of PIL images. y holds a caption for each, or a list
    of captions that are all right, one of which is learnt at a time. The decoder looks at
    the cells of the picture (Xu et al. 2015). `score` is the mean chrF of the captions,
    from 0 to 1: the F-score of the character n-grams that a caption has in common with
    the nearest of a picture's captions (Popovic 2015; needs the package sacrebleu). `bleu`
    is corpus BLEU.

    {parameters}

    {attributes}

    See Also
    --------
    Translator : Writes from texts.
    lamina.inspection.plot_attention : Which part of the picture belongs to which word.

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

    body = ImageBody
    task = Captioning
    encoders = {"image": PretrainedImageEncoder}  # noqa: RUF012
