"""Lists of recordings: equal results for every container, and refusals."""

import array

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from lamina.encoders.audio.encoder import AudioEncoder, AudioParams
from lamina.encoders.audio.reader import recordings_in
from lamina.exceptions import DataError, ParameterError

N, LENGTH = 5, 400
X = np.random.default_rng(0).uniform(-0.5, 0.5, (N, LENGTH)).astype(np.float32)


def encoder(**params):
    return AudioEncoder(AudioParams(**{"sampling_rate": 8_000} | params))


CONTAINERS = {
    "array": X,
    "float64": X.astype(np.float64),
    "fortran": np.asfortranarray(X),
    "list of arrays": list(X),
    "tuple": tuple(X),
    "nested lists": X.tolist(),
    "tensor": torch.from_numpy(X).requires_grad_(),
    "list of tensors": [torch.from_numpy(x) for x in X],
    "object array": np.array([*X, None], dtype=object)[:N],
    "Series": pd.Series(list(X), index=range(N, 0, -1)),
    "list of Series": [pd.Series(x) for x in X],
    "polars": pl.Series(X.tolist()),
    "list of array.array": [array.array("f", x) for x in X],
    "one channel": X[:, :, None],
    "two channels": X[:, :, None].repeat(2, 2),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_are_the_same(name):
    samples, n_channels = recordings_in(CONTAINERS[name])
    assert n_channels == {2 if name == "two channels" else 1}
    for wave, expected in zip(samples, X, strict=True):
        assert wave.dtype == np.float32
        np.testing.assert_array_equal(wave, expected)


@pytest.mark.parametrize(
    "wrong",
    [
        X[0],
        X[0].tolist(),
        torch.from_numpy(X[0]),
        pd.Series(X[0]),
        array.array("f", X[0]),
        "a.wav",
        b"RIFF",
        np.repeat(X[:1].T, 2, 1),
        np.repeat(X[:1].T, 2, 1).tolist(),
    ],
)
def test_a_single_recording_is_refused(wrong):
    with pytest.raises(DataError, match=r"single|pass it as \[X\]"):
        recordings_in(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        3,
        np.array(3.0),
        {"a": X[0]},
        {1, 2},
        (x for x in X),
        pd.DataFrame(X),
        pl.DataFrame(X),
        pl.LazyFrame(X),
        pa.table({"a": [1.0]}),
        sparse.csr_array(X),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_holds_no_recordings_is_refused(wrong):
    with pytest.raises(DataError, match=r"X is|Sparse data was passed for X"):
        recordings_in(wrong)


@pytest.mark.parametrize("empty", [[], (), X[:0], pd.Series([], dtype=object)])
def test_no_recordings_are_refused(empty):
    with pytest.raises(DataError, match="0 sample"):
        recordings_in(empty)


BAD = {
    "None": (None, "Sample 1 has values of type None"),
    "number": (0.5, r"Sample 1 has shape \(\)"),
    "ragged": ([[0.0], [0.0, 0.1]], "Sample 1 holds rows of unequal length"),
    "objects": ([0.0, None], "Sample 1 has values of type object"),
    "ints": ([0, 5, 1], "Sample 1 has values of type int64.*int16"),
    "complex": (X[1] * 1j, "Sample 1 has values of type complex"),
    "dict": ({}, "Sample 1 has values of type object"),
    "16-bit floats": (X[1] * 30_000, "Sample 1 has values from -.*Divide"),
    "huge": (np.array([0.0, 1e300]), "Sample 1 has values from 0 to"),
    "masked": (np.ma.masked_greater(X[1], 0), "Sample 1 contains masked"),
    "spectrogram": (np.ones((100, 40)), "Sample 1 has 40 channels"),
    "channels first": (np.ones((2, 100)), r"Sample 1 has shape \(2, 100\).*Transpose"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_waveform_is_named(name):
    bad, words = BAD[name]
    with pytest.raises(DataError, match=words):
        recordings_in([X[0], bad, X[2]])


def test_waveforms_a_little_beyond_one_are_read():
    (wave,), _ = recordings_in([X[0] * 3.9])
    np.testing.assert_array_equal(wave, X[0] * 3.9)


@given(st.lists(st.integers(0, N - 1), min_size=1))
def test_rows_keep_the_indices_of_their_samples(rows):
    recordings = encoder().read([*X[:-1], X[-1, :100]])
    selected = recordings[np.array(rows)][np.arange(len(rows))]
    assert len(selected) == len(rows)
    assert selected.sample_numbers.tolist() == rows
    assert selected.n_samples.tolist() == recordings.n_samples[rows].tolist()


def test_the_schema_says_what_was_read():
    fitted = encoder()
    fitted.read([X[0], np.stack([X[1], X[1]], 1)])
    schema = fitted.schema
    assert (schema.form, schema.sampling_rate, schema.n_channels) == (
        "audio",
        8000,
        (1, 2),
    )
    assert schema.loudest == pytest.approx(np.abs(X[:2]).max())
    fitted.read([0.1 * X[0]])
    assert fitted.schema is schema


def test_waveforms_need_a_rate_after_files_too(tmp_path):
    soundfile.write(tmp_path / "a.wav", X[0], 8_000)
    fitted = encoder(sampling_rate=None)
    fitted.read([tmp_path / "a.wav"])
    assert fitted.schema.sampling_rate == 8_000
    with pytest.raises(ParameterError, match="sampling_rate is None"):
        fitted.read(X)
    mixed = encoder(sampling_rate=8_000).read([tmp_path / "a.wav", X[0]])
    assert mixed.n_samples.tolist() == [LENGTH, LENGTH]


def test_recordings_that_would_take_gigabytes_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(20_000), 100)
    with pytest.raises(DataError, match=r"Sample 0 .* 200000000 samples, and max_"):
        encoder(sampling_rate=1_000_000).read([tmp_path / "a.wav"])
