"""Sound: the spectrogram against plain loops, and equal results for every container."""

import itertools
import sys

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from lamina import RNNClassifier
from lamina.encoders.audio import encoder as audio
from lamina.encoders.audio.encoder import AudioEncoder, AudioParams
from lamina.encoders.audio.reader import resample
from lamina.encoders.base import RaggedSamples, TensorSamples
from lamina.exceptions import DataError, MissingExtraError, ParameterError
from lamina.nn.spectrogram import (
    SILENCE,
    frame_starts,
    log_mel,
    mel_filters,
    n_frames,
    window_size,
)
from lamina.params import check_params

CALM = settings(deadline=None, max_examples=30)
RATE = 8_000


def encoder(sampling_rate=RATE, n_mels=10):
    return AudioEncoder(AudioParams(sampling_rate=sampling_rate, n_mels=n_mels))


def fit(X, weight=None, **params):
    """An encoder that has learnt from X."""
    new = encoder(**params)
    return new.fit(new.read(X), weight)


def encode(fitted, X):
    return fitted.encode(fitted.read(X))


def noise(*lengths, seed=0):
    """Waveforms that 16 bits hold exactly."""
    rng = np.random.default_rng(seed)
    waves = [rng.integers(-(2**14), 2**14, n) / 2**15 for n in lengths]
    return [wave.astype(np.float32) for wave in waves]


def tone(frequency, seconds=0.5, rate=RATE):
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def written(folder, waves, rate=RATE, suffix=".wav", **options):
    paths = [folder / f"{i}{suffix}" for i in range(len(waves))]
    for path, wave in zip(paths, waves, strict=True):
        soundfile.write(path, wave, rate, **options)
    return paths


def one_by_one(samples):
    """The real steps of each sample, encoded singly."""
    steps = []
    for i in range(len(samples)):
        batch = samples.take(torch.tensor([i]))
        steps.append(
            batch.x[0] if batch.lengths is None else batch.x[0, : batch.lengths[0]]
        )
    return steps


def assert_same(first, second, atol=1e-5):
    assert len(first) == len(second)
    for a, b in zip(one_by_one(first), one_by_one(second), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=atol)


def mel(frequency):
    return 2595 * np.log10(1 + frequency / 700)


def filters_by_loop(rate, n_fft, n_mels):
    points = np.linspace(0, mel(rate / 2), n_mels + 2)
    edges = [700 * (10 ** (m / 2595) - 1) for m in points]
    filters = np.zeros((n_fft // 2 + 1, n_mels))
    for k in range(n_fft // 2 + 1):
        f = k * rate / n_fft
        for b in range(n_mels):
            low, centre, high = edges[b : b + 3]
            if low < f <= centre:
                filters[k, b] = (f - low) / (centre - low)
            elif centre < f < high:
                filters[k, b] = (high - f) / (high - centre)
    return filters


def log_mel_by_loop(wave, rate, n_mels, n_fft, relative=True):
    size = round(0.025 * rate)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    k, n = np.arange(n_fft // 2 + 1)[:, None], np.arange(size)
    dft = np.exp(-2j * np.pi * k * n / n_fft)
    filters, powers, start = filters_by_loop(rate, n_fft, n_mels), [], 0
    while True:
        part = np.zeros(size)
        part[: len(wave[start : start + size])] = wave[start : start + size]
        powers.append(np.abs(dft @ (part * window) / window.sum()) ** 2 @ filters)
        if start + size >= len(wave):
            break
        start = int(len(powers) * rate / 100 + 0.5)
    loudest = max(sum(power) for power in powers) if relative else 1.0
    return np.log(np.array(powers) / loudest + SILENCE)


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels"), [(8000, 256, 40), (16000, 512, 64), (441, 16, 3)]
)
def test_filters(rate, n_fft, n_mels):
    expected = filters_by_loop(rate, n_fft, n_mels)
    np.testing.assert_allclose(mel_filters(rate, n_fft, n_mels), expected, atol=1e-9)


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize(
    ("n_samples", "rate", "n_fft"),
    [(n, RATE, 256) for n in (2, 199, 200, 201, 280, 281, 1234)]
    + [(9000, 22_050, 1024), (3000, 11_025, 512)],
)
def test_spectrogram_is_the_direct_transform(n_samples, rate, n_fft, relative):
    wave = noise(n_samples)[0]
    got = log_mel(torch.from_numpy(wave), rate, 20, relative=relative)
    expected = log_mel_by_loop(wave.astype(float), rate, 20, n_fft, relative)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got, expected, atol=1e-3)


@pytest.mark.parametrize("decibels", [-60, -24, -12, 6])
def test_the_level_of_a_recording_has_no_effect(decibels):
    wave = torch.from_numpy(noise(3000)[0])
    changed = wave * 10 ** (decibels / 20)
    same, other = (log_mel(x, RATE, 20) for x in (wave, changed))
    torch.testing.assert_close(other, same, rtol=0, atol=1e-4)
    if decibels == -60:
        return  # near the floor of full scale
    same, other = (log_mel(x, RATE, 20, relative=False) for x in (wave, changed))
    assert abs(float((other - same).median()) - decibels * np.log(10) / 10) < 0.1


def test_long_recordings_are_computed_in_parts():
    hop = RATE // 100
    wave = torch.from_numpy(noise(5000 * hop)[0])  # of more than 4,096 frames
    whole = log_mel(wave, RATE, 20, relative=False)
    for begin in (0, 4000, 4900):
        part = log_mel(wave[begin * hop :][: 200 * hop], RATE, 20, relative=False)
        inner = slice(5, min(len(part), len(whole) - begin) - 5)
        torch.testing.assert_close(part[inner], whole[begin:][inner], rtol=0, atol=1e-5)


@pytest.mark.parametrize("frequency", [200, 440, 1000, 2500, 3600])
def test_a_tone_is_loudest_in_its_band(frequency):
    bands = log_mel(torch.from_numpy(tone(frequency)), RATE, 40)
    middles = np.linspace(0, mel(RATE / 2), 42)[1:-1]
    nearest = np.abs(middles - mel(frequency)).argmin()
    assert (abs(bands[:-1].argmax(1) - nearest) <= 1).all()


def test_full_scale_and_silence():
    for relative in (True, False):
        silence = log_mel(torch.zeros(4000), RATE, 40, relative=relative)
        np.testing.assert_allclose(silence, np.log(SILENCE), atol=1e-5)
    # Half the amplitude at the frequency and half at its mirror image.
    full = torch.from_numpy(2 * tone(1000))
    loudest = log_mel(full, RATE, 40, relative=False).max().exp()
    assert 0.2 < loudest < 0.6


@CALM
@given(st.integers(1, 50_000), st.integers(1, 100))
def test_no_band_is_empty(rate, n_mels):
    bands = log_mel(torch.from_numpy(noise(3)[0]) * 1000, rate, n_mels, relative=False)
    assert (bands > np.log(SILENCE)).all()


@CALM
@given(st.integers(1, 5_000), st.integers(100, 50_000))
def test_every_sample_is_in_a_frame_and_no_frame_is_all_padding(n_samples, rate):
    size, n_steps = window_size(rate), n_frames(n_samples, rate)
    starts = frame_starts(torch.arange(n_steps), rate).tolist()
    assert all(b - a <= size for a, b in itertools.pairwise(starts))
    assert starts[-1] + size >= n_samples
    assert n_steps == 1 or starts[-2] + size < n_samples
    assert (
        np.abs(np.array(starts) / rate - np.arange(n_steps) * 0.01).max()
        <= 0.501 / rate
    )


@CALM
@given(
    st.integers(1, 3_000),
    st.sampled_from([4_000, 8_000, 11_025, 16_000, 44_100, 7_919]),
    st.sampled_from([4_000, 8_000, 16_000, 22_050]),
)
def test_steps_are_known_from_the_header(tmp_path_factory, n_samples, rate, to):
    paths = written(tmp_path_factory.getbasetemp(), noise(n_samples), rate)
    fitted = encoder(to, 5)
    recordings = fitted.read(paths)
    assert recordings.n_steps()[0] == len(fitted.features(recordings, 0))
    assert len(resample(np.zeros(n_samples), rate, to)) == -(-n_samples * to // rate)


@pytest.mark.parametrize(("rate", "to"), [(8000, 16000), (44100, 8000), (7919, 8000)])
def test_resampling_is_that_of_scipy(rate, to):
    wave = noise(3000)[0]
    common = np.gcd(rate, to)
    expected = resample_poly(wave, to // common, rate // common)
    np.testing.assert_allclose(resample(wave, rate, to), expected, atol=1e-6)


def test_a_resampled_file_has_nearly_the_same_features(tmp_path):
    frequencies = (300, 700, 1500)
    path = written(tmp_path, [sum(map(tone, frequencies)) / 3], RATE)
    twice = written(
        tmp_path,
        [sum(tone(f, rate=2 * RATE) for f in frequencies) / 3],
        2 * RATE,
        ".flac",
    )
    fitted = encoder(n_mels=20)
    first, second = (fitted.features(fitted.read(p), 0) for p in (path, twice))
    # Away from the ends, where the filter meets silence, and above the noise of 16 bits.
    difference = (first - second)[2:-2][first[2:-2] > np.log(1e-5)]
    assert difference.abs().max() < 0.05


def test_features_are_standardised_and_padded():
    waves = noise(900, 400, 2000)
    fitted = fit(waves)
    samples = encode(fitted, waves)
    steps = torch.cat(one_by_one(samples))
    torch.testing.assert_close(steps.mean(0), torch.zeros(10), rtol=0, atol=1e-4)
    torch.testing.assert_close(steps.std(0, correction=0), torch.ones(10))
    batch = samples.take(torch.arange(3))
    assert batch.lengths.tolist() == [n_frames(n, RATE) for n in (900, 400, 2000)]
    assert not batch.x[1, batch.lengths[1] :].any()
    assert (fitted.spec.n_channels, fitted.spec.n_space) == (10, 1)
    assert fitted.spec.max_length == int(samples.lengths.max())
    assert fitted.n_features is None


@pytest.mark.parametrize("lengths", [(900, 400, 2000, 1), (700, 700, 700)])
def test_files_and_waveforms_are_the_same(lengths, tmp_path):
    waves = noise(*lengths)
    paths = written(tmp_path, waves, subtype="FLOAT")
    fitted = fit(waves)
    expected = encode(fitted, waves)
    for X in (paths, [str(p) for p in paths], [*waves[:2], *paths[2:]]):
        samples = encode(fitted, X)
        assert_same(samples, expected)
        assert_same(encode(fit(X), X), expected)
        together, known = (s.take(torch.arange(len(X))) for s in (samples, expected))
        torch.testing.assert_close(together.x, known.x, rtol=0, atol=1e-5)
        assert (together.lengths is None) == (known.lengths is None)
    kind = TensorSamples if len(set(lengths)) == 1 else RaggedSamples
    assert isinstance(expected, kind)


@CALM
@given(st.lists(st.integers(1, 1500), min_size=1, max_size=6))
def test_a_batch_has_the_features_of_each_sample(lengths):
    waves = noise(*lengths)
    samples = encode(fit(waves), waves)
    rows = torch.arange(len(waves)).flip(0)
    batch = samples.take(rows)
    single = one_by_one(samples)
    for x, i in zip(batch.x, rows.tolist(), strict=True):
        assert torch.equal(x[: len(single[i])], single[i])


@pytest.mark.parametrize(
    ("dtype", "factor", "zero"),
    [
        (np.int16, 2**15, 0),
        (np.int32, 2**31, 0),
        (np.uint16, 2**15, 2**15),
        (np.float64, 1, 0),
    ],
)
def test_integers_and_floats_are_the_same(dtype, factor, zero):
    waves = noise(900, 400)
    other = [(w.astype(float) * factor + zero).astype(dtype) for w in waves]
    fitted = fit(waves)
    assert_same(encode(fitted, other), encode(fitted, waves))


def test_signed_bytes_are_centred_at_zero_and_unsigned_ones_at_128():
    signed = np.random.default_rng(0).integers(-128, 128, 900)
    fitted = fit([signed / 128])
    expected = encode(fitted, [signed / 128])
    assert_same(encode(fitted, [signed.astype(np.int8)]), expected)
    assert_same(encode(fitted, [(signed + 128).astype(np.uint8)]), expected)


def test_channels_are_averaged(tmp_path):
    left, right = noise(900, 900)
    both = np.stack([left, right], 1)
    fitted = fit([(left + right) / 2])
    expected = encode(fitted, [(left + right) / 2])
    assert_same(encode(fitted, [both]), expected)
    assert_same(encode(fitted, written(tmp_path, [both], subtype="FLOAT")), expected)


def test_files_are_decoded_when_a_batch_needs_them(tmp_path, monkeypatch):
    paths = written(tmp_path, noise(500, 900, 700, 800)) * 300
    decoded, decode = [], audio.decode_audio

    def decode_seen(path, i):
        decoded.append(i)
        return decode(path, i)

    monkeypatch.setattr(audio, "decode_audio", decode_seen)
    fitted = fit(paths)
    assert len(set(decoded)) == len(decoded) == 1000
    assert decoded == sorted(decoded) and decoded[::999] == [0, 1199]
    samples = encode(fitted, paths)
    assert len(decoded) == 1000
    samples.take(torch.tensor([2, 1]))
    assert decoded[1000:] == [2, 1]


def test_the_rate_is_that_of_the_first_file(tmp_path):
    first = written(tmp_path, noise(500), 16_000)
    second = written(tmp_path, noise(500), 8_000, ".flac")
    fitted = fit([*first, *second], sampling_rate=None)
    assert fitted.schema.sampling_rate == 16_000
    assert fitted.spec.max_length == n_frames(1000, 16_000)


def test_weights_count_as_duplicates():
    waves, times = noise(900, 400, 650), np.array([1, 3, 2])
    weighted = fit(waves, times.astype(float))
    repeated = fit([w for w, k in zip(waves, times, strict=True) for _ in range(k)])
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-12)
    np.testing.assert_allclose(weighted.scale, repeated.scale, rtol=1e-9)


def test_silence_is_constant_and_zero():
    silence = [np.zeros(900), np.zeros(500)]
    for x in one_by_one(encode(fit(silence), silence)):
        torch.testing.assert_close(x, torch.zeros_like(x), rtol=0, atol=1e-4)


def test_waveforms_need_a_rate():
    with pytest.raises(ParameterError, match="sampling_rate is None"):
        fit(noise(500), sampling_rate=None)
    with pytest.raises(ParameterError, match="sampling_rate is None"):
        fit([b"RIFF", *noise(500)], sampling_rate=None)


@pytest.mark.parametrize(
    "wrong", [{"sampling_rate": 0}, {"sampling_rate": 8e3}, {"n_mels": 0}]
)
def test_parameters_that_are_not_allowed(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        check_params(AudioParams(**wrong))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.array([0.0, np.nan]), "Sample 1 contains NaN"),
        (np.array([0.0, -np.inf]), "Sample 1 contains inf"),
        (np.zeros(0), "Sample 1 has zero samples"),
        (np.zeros((2, 900)), r"Sample 1 has shape \(2, 900\)"),
        (np.zeros((9, 2, 2)), r"Sample 1 has shape \(9, 2, 2\)"),
        (np.zeros(9, dtype=np.int64), "Sample 1 has values of type int64"),
        (np.zeros(9, dtype=bool), "Sample 1 has values of type bool"),
        (["a", "b"], "Sample 1 has values of type <U1"),
    ],
)
def test_a_bad_waveform_is_named(bad, words):
    fitted = fit(noise(500))
    with pytest.raises(DataError, match=words):
        encode(fitted, [*noise(500), bad])
    with pytest.raises(DataError, match=words):
        fit([*noise(500), bad])


@pytest.mark.parametrize("content", [None, b"", b"no sound"])
def test_a_file_that_cannot_be_opened_is_named_in_encode(content, tmp_path):
    paths = written(tmp_path, noise(500, 600, 700))
    fitted = fit(paths)
    paths[1].unlink()
    if content is not None:
        paths[1].write_bytes(content)
    with pytest.raises(DataError, match=r"Sample 1 \('.*1\.wav'\) cannot be read"):
        encode(fitted, paths)


def test_a_truncated_file_is_named_when_it_is_decoded(tmp_path):
    paths = written(tmp_path, noise(500, 60_000), suffix=".flac")
    fitted = fit(paths)
    paths[1].write_bytes(paths[1].read_bytes()[:50_000])
    samples = encode(fitted, paths)
    with pytest.raises(DataError, match=r"Sample 1 \('.*1\.flac'\)"):
        samples.take(torch.tensor([1]))


def test_bad_values_in_a_file_are_named(tmp_path):
    waves = [*noise(500), np.full(400, np.nan)]
    paths = written(tmp_path, waves, subtype="FLOAT")
    with pytest.raises(DataError, match=r"Sample 1 \('.*1\.wav'\) contains NaN"):
        fit(paths)


def test_an_empty_file_is_named(tmp_path):
    paths = written(tmp_path, [*noise(500), np.zeros(0)])
    with pytest.raises(DataError, match=r"Sample 1 \('.*1\.wav'\) has zero samples"):
        fit(paths)


def test_a_missing_soundfile_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"lamina\[audio\]"):
        fit([b"RIFF"])


@pytest.mark.parametrize("form", ["files", "waveforms"])
def test_a_network_learns_from_sound(form, tmp_path):
    labels = np.arange(40) % 2
    X = [tone(400 + 900 * label, 0.1 + 0.002 * i) for i, label in enumerate(labels)]
    if form == "files":
        X = written(tmp_path, X)
    rate = None if form == "files" else RATE
    network = RNNClassifier(
        hidden_size=8, n_mels=12, sampling_rate=rate, max_iter=10, random_state=0
    )
    assert network.fit(X[:30], labels[:30]).score(X[30:], labels[30:]) == 1.0
