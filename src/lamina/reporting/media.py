"""Images and recordings as data URIs."""

import io
import wave
from base64 import b64encode
from typing import Any

import numpy as np

from lamina.encoders.images.schema import Values
from lamina.reporting.blocks import Picture, Sound

MAX_SIDE, SMALL_SIDE = 512, 128
"""Larger images are reduced to every k-th pixel; smaller ones are enlarged."""
MAX_SECONDS = 20
NO_METADATA: Any = {"Software": None}


def picture_of(pixels: np.ndarray, values: Values, alt: str) -> Picture:
    """An image (H, W, C) with the range of values that `fit` saw."""
    from matplotlib.image import imsave

    step = -(-max(pixels.shape[:2]) // MAX_SIDE)
    pixels = pixels[::step, ::step]
    low, high = (0.0, 255.0) if values.is_bytes else (values.low, values.high)
    if values.is_unit and values.low >= 0:
        low, high = 0.0, 1.0
    part = (pixels.astype(np.float64) - low) / max(high - low, 1e-9)
    whole = np.rint(255 * np.clip(part, 0, 1)).astype(np.uint8)
    n_channels = whole.shape[2]
    if n_channels not in (3, 4):
        whole = np.repeat(whole[..., :1], 3, axis=2)
    file = io.BytesIO()
    imsave(file, whole, format="png", metadata=NO_METADATA)
    return Picture(
        _uri("image/png", file.getvalue()), alt, max(pixels.shape[:2]) <= SMALL_SIDE
    )


def sound_of(samples: np.ndarray, rate: int, label: str) -> Sound:
    """The first seconds of a waveform (n,) between -1 and 1, in 16 bits."""
    kept = np.clip(samples[: MAX_SECONDS * rate], -1, 1)
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(np.rint(kept * 32767).astype("<i2").tobytes())
    return Sound(_uri("audio/wav", file.getvalue()), label)


def _uri(kind: str, contents: bytes) -> str:
    return f"data:{kind};base64,{b64encode(contents).decode('ascii')}"
