"""Images and sounds: contents of files, in base64 or as a whole body."""

import base64
import binascii
import io
import wave
from typing import Any

import numpy as np

from lamina.encoders.audio.encoder import AudioSchema
from lamina.encoders.audio.files import audio_header
from lamina.encoders.files import refuse_excess
from lamina.encoders.images.encoder import ImageEncoder
from lamina.encoders.images.files import MODES, decode_image, image_header
from lamina.encoders.images.schema import ImageSchema
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataError, MissingExtraError
from lamina.inputs import DataLike
from lamina.serving.readers import FormSchema, Reader, shown

BINARY = "application/octet-stream"
SECONDS_OF_EXAMPLE = 0.05


class FileReader(Reader[FormSchema, bytes]):
    """Abstract: samples that are contents of files."""

    is_slow = True

    def sample(self, value: object, i: int) -> bytes:
        if not isinstance(value, str):
            raise DataError(
                f"Sample {i} is {shown(value)}; pass the contents of a file as a string, "
                f"in base64."
            )
        try:
            # A string is never read as the path of a file.
            return base64.b64decode(
                value.partition(";base64,")[2] or value, validate=True
            )
        except (binascii.Error, ValueError):
            raise DataError(f"Sample {i} is no base64: {shown(value)}.") from None

    def contents(self, body: bytes) -> bytes:
        return body

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "contentEncoding": "base64"}


class ImageReader(FileReader[ImageSchema]):
    """Image files, converted to the size, channels and range of values of `fit`."""

    media_types = ("image/", BINARY)
    cost_limit = "max_pixels"

    def __init__(self, estimator: NeuralEstimator, schema: ImageSchema):
        super().__init__(estimator, schema)
        assert isinstance(estimator.encoder_, ImageEncoder)
        self.encoder = estimator.encoder_

    def cost(self, sample: bytes, i: int) -> float:
        height, width, _ = image_header(sample, i)
        most = self.encoder.max_pixels
        refuse_excess(sample, i, height * width, "pixels", ("max_pixels", most))
        return height * width

    def join(self, samples: list[bytes]) -> DataLike:
        return [self._converted(sample, i) for i, sample in enumerate(samples)]

    def _converted(self, sample: bytes, i: int) -> bytes | np.ndarray:
        """The file as it is where `predict` takes it, otherwise an array."""
        schema, is_resized = self.schema, self.encoder.size is not None
        height, width, n_channels = image_header(sample, i)
        fits = is_resized or (height, width) == schema.shape[:2]
        if fits and n_channels <= schema.channels and not schema.values.is_unit:
            return sample
        size = self.encoder.size or schema.shape[:2]
        pixels = decode_image(sample, i, schema.channels, size)
        if pixels.shape[2] > schema.channels:
            pixels = _with_channels(pixels, schema.channels)
        if not schema.values.is_unit:
            return pixels
        unit = pixels / 255
        unit = 2 * unit - 1 if schema.values.low < 0 else unit
        kind = np.dtype(schema.values.dtype)
        return unit.astype(kind) if kind.kind == "f" else np.rint(unit).astype(kind)

    def example(self) -> Any:
        try:
            from PIL import Image
        except ImportError:
            raise MissingExtraError("Serving images", "pillow", "image") from None
        file = io.BytesIO()
        width, height = min(self.schema.width, 64), min(self.schema.height, 64)
        image = Image.new("L", (width, height), 128)
        image.save(file, "PNG")
        return base64.b64encode(file.getvalue()).decode()


class SoundReader(FileReader[AudioSchema]):
    """Sound files."""

    media_types = ("audio/", BINARY)
    cost_limit = "max_seconds"

    def cost(self, sample: bytes, i: int) -> float:
        header = audio_header(sample, i)
        return header.n_samples / header.rate * max(header.n_channels, 1)

    def example(self) -> Any:
        rate = self.schema.sampling_rate
        t = np.arange(int(SECONDS_OF_EXAMPLE * rate)) / rate
        tone = (8000 * np.sin(2 * np.pi * 440 * t)).astype("<i2")
        file = io.BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(rate)
            sound.writeframes(tone.tobytes())
        return base64.b64encode(file.getvalue()).decode()


def _with_channels(pixels: np.ndarray, n_channels: int) -> np.ndarray:
    """(H, W, C) of uint8 with fewer channels; what is transparent becomes white."""
    from PIL import Image

    image = Image.fromarray(pixels)
    if pixels.shape[2] == 4:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    return np.asarray(image.convert(MODES[n_channels])).reshape(*pixels.shape[:2], -1)
