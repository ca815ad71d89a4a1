"""The log-mel spectrogram of `lamina.nn.spectrogram` as nodes of a graph.

The discrete Fourier transform is a product with its matrix, in float64: operators of
runtimes for it differ in what they take, and their rounding is visible in quiet bands.
"""

import numpy as np

from lamina.encoders.audio.encoder import AudioEncoder
from lamina.nn.spectrogram import (
    SILENCE,
    STEPS_PER_SECOND,
    analysis,
    window_size,
)
from lamina.onnx.graph import DOUBLE, FLOAT, INT64, Graph, GraphBatch


def audio_input(graph: Graph, encoder: AudioEncoder) -> GraphBatch:
    """Waveforms (B, samples) -> standardised log-power (B, T, C)."""
    schema = encoder.schema
    assert schema is not None
    rate = schema.sampling_rate
    waveforms = graph.input("waveforms", FLOAT, ["batch", "samples"])
    n_samples = graph.input("lengths", INT64, ["batch"])
    is_real = graph.mask(n_samples, waveforms, 1)
    zero = graph.constant(0.0, np.float32)
    waveforms = graph.add("Where", is_real, waveforms, zero)
    frames = _frames(graph, waveforms, rate)
    lengths = _n_frames(graph, n_samples, rate)
    power = _power(graph, frames, rate, encoder.n_mels)
    if encoder.relative:
        power = _relative(graph, power, lengths)
    power = graph.add("Add", power, graph.constant(SILENCE))
    x = graph.cast(graph.add("Log", power), FLOAT)
    x = graph.add("Sub", x, graph.constant(encoder.mean, np.float32))
    x = graph.add("Div", x, graph.constant(encoder.scale, np.float32))
    return GraphBatch(x, lengths=lengths)


def _n_frames(graph: Graph, n_samples: str, rate: int) -> str:
    """`n_frames` of each number of samples; a division of integers truncates here."""
    size, half = graph.scalar(window_size(rate)), graph.scalar(STEPS_PER_SECOND // 2)
    missing = graph.add("Sub", n_samples, size)
    missing = graph.add("Mul", missing, graph.scalar(STEPS_PER_SECOND))
    missing = graph.add("Sub", missing, half)
    # max(missing, 0) rounded up to whole steps.
    missing = graph.add("Max", missing, graph.scalar(0))
    missing = graph.add("Add", missing, graph.scalar(rate - 1))
    missing = graph.add("Div", missing, graph.scalar(rate))
    return graph.add("Add", missing, graph.scalar(1))


def _frames(graph: Graph, waveforms: str, rate: int) -> str:
    """(B, samples) -> (B, T, size), the windows of all steps, filled up with zeros."""
    size, zero = window_size(rate), graph.scalar(0)
    n_steps = _n_frames(graph, graph.size(waveforms, 1), rate)
    steps = graph.add("Range", zero, n_steps, graph.scalar(1))
    starts = graph.add("Mul", steps, graph.scalar(rate))
    starts = graph.add("Add", starts, graph.scalar(STEPS_PER_SECOND // 2))
    starts = graph.add("Div", starts, graph.scalar(STEPS_PER_SECOND))
    at = graph.add(
        "Add",
        graph.add("Unsqueeze", starts, graph.ints(1)),
        graph.constant(np.arange(size)),
    )
    # The last window ends at most its size after the last sample.
    padded = graph.add("Pad", waveforms, graph.ints(0, 0, 0, size))
    return graph.add("Gather", padded, at, axis=1)


def _power(graph: Graph, frames: str, rate: int, n_mels: int) -> str:
    """Frames (B, T, size) -> power (B, T, n_mels) of float64."""
    window, filters = (a.numpy() for a in analysis(rate, n_mels))
    n_fft = 2 * (len(filters) - 1)
    angles = np.outer(np.arange(len(window)), np.arange(len(filters)))
    angles = 2 * np.pi / n_fft * (angles % n_fft)
    frames = graph.cast(graph.add("Mul", frames, graph.constant(window)), DOUBLE)
    cosine, sine = (
        graph.add("MatMul", frames, graph.constant(part))
        for part in (np.cos(angles), np.sin(angles))
    )
    power = graph.add(
        "Add",
        graph.add("Mul", cosine, cosine),
        graph.add("Mul", sine, sine),
    )
    return graph.add("MatMul", power, graph.constant(filters))


def _relative(graph: Graph, power: str, lengths: str) -> str:
    """Power (B, T, C) relative to the loudest step of each recording."""
    total = graph.add("ReduceSum", power, graph.ints(2), keepdims=1)
    # Steps after the last one of a recording may hold the end of it.
    is_real = graph.add("Unsqueeze", graph.mask(lengths, power, 1), graph.ints(2))
    total = graph.add("Where", is_real, total, graph.constant(0.0))
    loudest = graph.add("ReduceMax", total, graph.ints(1), keepdims=1)
    is_silent = graph.add("Equal", loudest, graph.constant(0.0))
    scale = graph.add("Where", is_silent, graph.constant(1.0), loudest)
    return graph.add("Div", power, scale)
