"""Log-mel spectrogram: waveform (n,) -> (T, n_mels), how loud each band of pitch is.

Hann windows of 25 ms, one every 10 ms, the last filled up with zeros so that no sound is
left out; the power spectrum of each; triangular bands, equally wide on the mel scale of
pitch (O'Shaughnessy 1987, with HTK's constants), from 0 to half the sampling rate; the
logarithm. Power is relative to full scale (a wave between -1 and 1), and what lies 80 dB
below it counts as silence.
"""

from functools import cache
from math import ceil, log10

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW, HOP = 0.025, 0.010
"""Seconds."""
SILENCE = 1e-8
FRAMES_AT_ONCE = 4096


def log_mel(waveform: Tensor, sampling_rate: int, n_mels: int) -> Tensor:
    """(n,) -> (T, n_mels) with T = `n_frames(n, sampling_rate)`, in float32.

    Examples
    --------
    >>> second = torch.sin(torch.arange(8000) * 0.3)
    >>> log_mel(second, sampling_rate=8000, n_mels=40).shape
    torch.Size([99, 40])
    """
    size, hop = frame_sizes(sampling_rate)
    window, filters = _analysis(sampling_rate, n_mels)
    n_steps = n_frames(len(waveform), sampling_rate)
    missing = (n_steps - 1) * hop + size - len(waveform)
    frames = F.pad(waveform, (0, missing)).unfold(0, size, hop)
    n_fft = 2 * (len(filters) - 1)
    parts = [
        _log_bands(torch.fft.rfft(part * window, n_fft), filters)
        for part in frames.split(FRAMES_AT_ONCE)
    ]
    return torch.cat(parts)


def n_frames(n_samples: int, sampling_rate: int) -> int:
    """Steps of the spectrogram of so many samples; at least one."""
    size, hop = frame_sizes(sampling_rate)
    return 1 + ceil(max(n_samples - size, 0) / hop)


def frame_sizes(sampling_rate: int) -> tuple[int, int]:
    """Samples in a window, and from one window to the next."""
    return max(round(WINDOW * sampling_rate), 1), max(round(HOP * sampling_rate), 1)


@cache
def mel_filters(sampling_rate: int, n_fft: int, n_mels: int) -> Tensor:
    """(n_fft // 2 + 1, n_mels): the share of each frequency in each band, at most 1."""
    highest = 2595 * log10(1 + sampling_rate / 2 / 700)
    mels = torch.linspace(0, highest, n_mels + 2, dtype=torch.float64)
    edges = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * (sampling_rate / n_fft)
    rising = (bins[:, None] - low) / (middle - low)
    falling = (high - bins[:, None]) / (high - middle)
    return torch.minimum(rising, falling).clamp(min=0)


@cache
def _analysis(sampling_rate: int, n_mels: int) -> tuple[Tensor, Tensor]:
    """The window, and filters of as many frequencies as leave no band empty."""
    size, _ = frame_sizes(sampling_rate)
    n_fft = 1 << max(size - 1, 1).bit_length()
    while (filters := mel_filters(sampling_rate, n_fft, n_mels)).amax(0).min() == 0:
        n_fft *= 2
    window = torch.hann_window(size, dtype=torch.float32)
    return window / window.sum(), filters


def _log_bands(spectra: Tensor, filters: Tensor) -> Tensor:
    power = spectra.real.square() + spectra.imag.square()
    # In float64, which no precision flag and no autocast of a training loop lowers.
    return (power.double() @ filters).add_(SILENCE).log_().float()
