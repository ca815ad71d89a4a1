"""Log-mel spectrogram: waveform (n,) -> log-power (T, n_mels) of frequency bands.

Hann windows of 25 ms, one every 10 ms, the last padded with zeros; the power spectrum of
each; triangular bands of equal width on the mel scale (O'Shaughnessy 1987, with HTK's
constants), from 0 to half the sampling rate; the logarithm. Power is relative to the loudest
window of the recording, so that the distance and the gain of the microphone have no effect,
or to full scale (a wave between -1 and 1). Power 80 dB below is added, which bounds the
logarithm of silence.

Windows start at whole samples. Where 10 ms is not a whole number of samples, as at 22,050
Hz, the starts are rounded, and steps are 10 ms on average.
"""

from collections.abc import Iterator
from functools import cache
from math import log10

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW, HOP = 0.025, 0.010
"""Length of a window, and time between the starts of two, in seconds."""
STEPS_PER_SECOND = 100
SILENCE = 1e-8
FRAMES_AT_ONCE = 4096


def log_mel(
    waveform: Tensor, sampling_rate: int, n_mels: int, *, relative: bool = True
) -> Tensor:
    """(n,) -> (T, n_mels) with T = `n_frames(n, sampling_rate)`, in float32.

    Examples
    --------
    >>> second = torch.sin(torch.arange(8000) * 0.3)
    >>> log_mel(second, sampling_rate=8000, n_mels=40).shape
    torch.Size([99, 40])
    """
    window, filters = analysis(sampling_rate, n_mels)
    n_fft = 2 * (len(filters) - 1)
    parts = [
        _bands(torch.fft.rfft(frames * window, n_fft), filters)
        for frames in _frames(waveform, sampling_rate)
    ]
    power = torch.cat(parts)
    loudest = float(power.sum(1).max())
    if relative and loudest > 0:
        power.div_(loudest)
    return power.add_(SILENCE).log_().float()


def _frames(waveform: Tensor, sampling_rate: int) -> Iterator[Tensor]:
    """The windows (N, size) of all steps, at most `FRAMES_AT_ONCE` at a time."""
    steps = torch.arange(n_frames(len(waveform), sampling_rate))
    starts, size = frame_starts(steps, sampling_rate), window_size(sampling_rate)
    missing = int(starts[-1]) + size - len(waveform)
    windows = F.pad(waveform, (0, missing)).unfold(0, size, 1)
    hop, rest = divmod(sampling_rate, STEPS_PER_SECOND)
    if rest == 0:
        # Equally spaced windows are a view, without a copy.
        yield from windows[::hop].split(FRAMES_AT_ONCE)
    else:
        yield from (windows[part] for part in starts.split(FRAMES_AT_ONCE))


def n_frames(n_samples: int, sampling_rate: int) -> int:
    """Steps of the spectrogram of `n_samples` samples; at least one."""
    missing = n_samples - window_size(sampling_rate)
    if missing <= 0:
        return 1
    # The first step that `frame_starts` puts there or later.
    half = STEPS_PER_SECOND // 2
    return 1 - (half - missing * STEPS_PER_SECOND) // sampling_rate


def frame_starts(steps: Tensor, sampling_rate: int) -> Tensor:
    """Index of the sample at which the window of each step starts."""
    half = STEPS_PER_SECOND // 2
    return (steps * sampling_rate + half) // STEPS_PER_SECOND


def window_size(sampling_rate: int) -> int:
    """Samples in a window."""
    return max(round(WINDOW * sampling_rate), 1)


def band_edges(sampling_rate: int, n_mels: int) -> Tensor:
    """(n_mels + 2,) frequencies in Hz: band i is highest at i + 1, and 0 at i and i + 2."""
    highest = 2595 * log10(1 + sampling_rate / 2 / 700)
    mels = torch.linspace(0, highest, n_mels + 2, dtype=torch.float64)
    return 700 * (10 ** (mels / 2595) - 1)


@cache
def mel_filters(sampling_rate: int, n_fft: int, n_mels: int) -> Tensor:
    """(n_fft // 2 + 1, n_mels): the weight of each frequency in each band, at most 1."""
    edges = band_edges(sampling_rate, n_mels)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * (sampling_rate / n_fft)
    rising = (bins[:, None] - low) / (centre - low)
    falling = (high - bins[:, None]) / (high - centre)
    return torch.minimum(rising, falling).clamp(min=0)


@cache
def analysis(sampling_rate: int, n_mels: int) -> tuple[Tensor, Tensor]:
    """The window, and filters with an FFT long enough that no band is empty."""
    size = window_size(sampling_rate)
    n_fft = 1 << max(size - 1, 1).bit_length()
    while (filters := mel_filters(sampling_rate, n_fft, n_mels)).amax(0).min() == 0:
        n_fft *= 2
    window = torch.hann_window(size, dtype=torch.float32)
    return window / window.sum(), filters


def _bands(spectra: Tensor, filters: Tensor) -> Tensor:
    """Power (T, n_mels) of spectra (T, n_frequencies)."""
    power = spectra.real.square() + spectra.imag.square()
    # In float64, which neither precision flags nor autocast reduce.
    return power.double() @ filters
