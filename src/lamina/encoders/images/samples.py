"""Images -> batches x (B, C, H, W), channels last in memory, each channel standardised."""

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.encoders.base import IndependentSamples
from lamina.encoders.images.reader import ImageFiles, Images

RESIDENT = (np.uint8, np.float32, np.float64)
"""What a device can hold; it knows few of the other types of numbers."""


class ImageSamples(IndependentSamples):
    """Images that are standardised when a batch is taken."""

    lengths = None

    def __init__(self, images: Images, mean: np.ndarray, scale: np.ndarray):
        self.images, self.decodes = images, isinstance(images, ImageFiles)
        # A row of pixels at a time: a loop over three channels is ten times slower.
        width = images.shape[1]
        self.mean, self.scale = np.tile(mean, width), np.tile(scale, width)

    def __len__(self) -> int:
        return len(self.images)

    def resident(self, device: torch.device, max_bytes: int) -> "ImageSamples | Pixels":
        if isinstance(self.images, ImageFiles):
            return self
        array = np.ascontiguousarray(self.images.array)
        if array.nbytes > max_bytes or array.dtype not in RESIDENT:
            return self
        n_channels = array.shape[3]
        mean, scale = self.mean[:n_channels], self.scale[:n_channels]
        units = torch.from_numpy(np.stack([mean, scale]).astype(_exact(array.dtype)))
        return Pixels(torch.from_numpy(array).to(device), *units.to(device))

    def take(self, rows: Tensor) -> Batch:
        pixels = self.images.pixels(rows.numpy())
        dtype = _exact(pixels.dtype)
        x = pixels.reshape(-1, len(self.mean)).astype(dtype)
        x -= self.mean.astype(dtype)
        x /= self.scale.astype(dtype)
        x = x.reshape(pixels.shape).astype(np.float32, copy=False)
        return Batch(torch.from_numpy(x).permute(0, 3, 1, 2))


class Pixels(IndependentSamples):
    """Images (n, H, W, C) as they came, on a device; a batch is standardised there."""

    lengths, decodes = None, False

    def __init__(self, pixels: Tensor, mean: Tensor, scale: Tensor):
        self.pixels, self.mean, self.scale = pixels, mean, scale

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: Tensor) -> Batch:
        rows = rows.to(self.pixels.device, non_blocking=True)
        x = self.pixels.index_select(0, rows).to(self.mean.dtype)
        x = (x - self.mean) / self.scale
        return Batch(x.float().permute(0, 3, 1, 2))


def _exact(dtype: np.dtype) -> type:
    """Numbers that float32 holds exactly need no more; others keep their precision."""
    fits = np.result_type(dtype, np.float32) == np.float32
    return np.float32 if fits else np.float64
