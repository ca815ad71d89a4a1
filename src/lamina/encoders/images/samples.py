"""Images -> batches x (B, C, H, W), channels last in memory, each channel standardised."""

from math import prod

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.encoders.base import IndependentSamples
from lamina.encoders.images.reader import ImageFiles, Images

RESIDENT_DTYPES = (np.uint8, np.float32, np.float64)
"""The dtypes of arrays that are copied to a device; it supports few others."""


class ImageSamples(IndependentSamples):
    """Images, standardised for each batch."""

    def __init__(self, images: Images, mean: np.ndarray, scale: np.ndarray):
        self.images, self.decodes = images, isinstance(images, ImageFiles)
        # Repeated over a row of pixels: numpy's loop over three channels is slow.
        width = images.shape[1]
        self.mean, self.scale = np.tile(mean, width), np.tile(scale, width)

    def __len__(self) -> int:
        return len(self.images)

    def n_cells(self) -> int:
        return prod(self.images.shape[:2])

    def resident(self, device: torch.device, max_bytes: int) -> "ImageSamples | Pixels":
        if isinstance(self.images, ImageFiles):
            return self
        array = np.ascontiguousarray(self.images.array)
        if array.nbytes > max_bytes or array.dtype not in RESIDENT_DTYPES:
            return self
        n_channels = array.shape[3]
        mean, scale = self.mean[:n_channels], self.scale[:n_channels]
        moments = np.stack([mean, scale]).astype(_float_type(array.dtype))
        pixels = torch.from_numpy(array).to(device)
        return Pixels(pixels, *torch.from_numpy(moments).to(device))

    def take(self, rows: Tensor) -> Batch:
        pixels = self.images.pixels(rows.numpy())
        dtype = _float_type(pixels.dtype)
        x = pixels.reshape(-1, len(self.mean)).astype(dtype)
        x -= self.mean.astype(dtype)
        x /= self.scale.astype(dtype)
        x = x.reshape(pixels.shape).astype(np.float32, copy=False)
        return Batch(torch.from_numpy(x).permute(0, 3, 1, 2))


class Pixels(IndependentSamples):
    """Images (n, H, W, C) on a device, where each batch is standardised."""

    def __init__(self, pixels: Tensor, mean: Tensor, scale: Tensor):
        self.pixels, self.mean, self.scale = pixels, mean, scale

    def __len__(self) -> int:
        return len(self.pixels)

    def n_cells(self) -> int:
        return prod(self.pixels.shape[1:3])

    def take(self, rows: Tensor) -> Batch:
        rows = rows.to(self.pixels.device, non_blocking=True)
        x = self.pixels.index_select(0, rows).to(self.mean.dtype)
        x = (x - self.mean) / self.scale
        return Batch(x.float().permute(0, 3, 1, 2))


def _float_type(dtype: np.dtype) -> type:
    """float32 if it represents all values of `dtype` exactly, otherwise float64."""
    fits = np.result_type(dtype, np.float32) == np.float32
    return np.float32 if fits else np.float64
