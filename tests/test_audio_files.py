"""Sound files: truncated and invalid ones are refused; paths and bytes are equal."""

import io
import os
import struct

import numpy as np
import pytest
import soundfile

from lamina.encoders.audio import files
from lamina.encoders.audio.encoder import AudioEncoder, AudioParams
from lamina.encoders.audio.files import has_audio_signature
from lamina.encoders.files import contents_of, is_path, regular_file
from lamina.exceptions import DataError

RATE = 8_000
KINDS = {
    "wav": ("WAV", None),
    "wav of 24 bits": ("WAV", "PCM_24"),
    "adpcm": ("WAV", "IMA_ADPCM"),
    "gsm": ("WAV", "GSM610"),
    "extensible": ("WAVEX", None),
    "rf64": ("RF64", None),
    "aiff": ("AIFF", None),
    "au": ("AU", None),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", None),
    "mp3": ("MP3", None),
}
LEFT_TO_DECODER = {"flac", "mp3"}
WAVE = (0.1 * np.random.default_rng(0).normal(size=20_000)).astype(np.float32)


def source(sample, i):
    return regular_file(sample, i) if is_path(sample) else contents_of(sample, i)


def audio_header(sample, i):
    return files.audio_header(source(sample, i), i)


def decode_audio(sample, i):
    return files.decode_audio(source(sample, i), i)


def contents(kind, wave=WAVE, rate=RATE, **options):
    file_format, subtype = KINDS[kind]
    file = io.BytesIO()
    soundfile.write(file, wave, rate, subtype, format=file_format, **options)
    return file.getvalue()


def with_bytes(data, at, new):
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_read_from_paths_and_from_memory(kind, tmp_path):
    data = contents(kind)
    path = tmp_path / "a.sound"
    path.write_bytes(data)
    expected, rate = soundfile.read(io.BytesIO(data), len(WAVE) - 100, always_2d=True)
    for sample in (path, str(path), data, bytearray(data), io.BytesIO(data)):
        header = audio_header(sample, 0)
        wave, decoded_rate = decode_audio(sample, 0)
        assert (header.rate, decoded_rate, header.n_channels) == (rate, rate, 1)
        assert len(wave) == header.n_samples
        np.testing.assert_allclose(wave[: len(expected)], expected, atol=1e-6)
    assert has_audio_signature(data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_lost", [3, 0.5])
def test_truncated_files_are_refused(kind, n_lost, tmp_path):
    data = contents(kind)
    n_kept = len(data) // 2 if n_lost == 0.5 else len(data) - n_lost
    path = tmp_path / "a.wav"
    path.write_bytes(data[:n_kept])
    for sample, name in (
        (path, r"Sample 7 \('.*a\.wav'\)"),
        (data[:n_kept], "Sample 7"),
    ):
        with pytest.raises(DataError, match=name):
            audio_header(sample, 7)
            assert kind in LEFT_TO_DECODER
            decode_audio(sample, 7)


def test_the_message_gives_both_lengths():
    data = contents("wav")
    with pytest.raises(
        DataError, match=f"has 1000 bytes, and {len(data)} by its header"
    ):
        audio_header(data[:1000], 0)


def test_chunks_around_the_samples_do_not_count():
    data = contents("wav")
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    before = data[:12] + odd + data[12:] + odd
    assert audio_header(before, 0).n_samples == len(WAVE)
    # All samples are there; only what follows them is cut.
    assert audio_header(before[:-2], 0).n_samples == len(WAVE)
    with pytest.raises(DataError, match="is truncated"):
        audio_header(before[: -len(odd) - 2], 0)


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000])
def test_a_streamed_recording_may_have_an_unknown_size(size):
    data = contents("wav")
    for place in (4, 40):
        data = with_bytes(data, place, struct.pack("<I", size))
    assert audio_header(data, 0).n_samples == len(WAVE)
    data = with_bytes(contents("au"), 8, b"\xff" * 4)
    assert audio_header(data, 0).n_samples == len(WAVE)


@pytest.mark.parametrize("rate", [0, 1, 99, 1_000_001, 2**31, 2**32 - 1])
def test_extreme_rates_are_refused_by_the_header(rate):
    data = with_bytes(contents("wav"), 24, struct.pack("<I", rate))
    with pytest.raises(DataError, match="Sample 3"):
        audio_header(data, 3)


def test_extreme_channels_and_lengths_are_refused_by_the_header():
    for n_channels in (0, 33, 2000):
        data = with_bytes(contents("wav"), 22, struct.pack("<H", n_channels))
        with pytest.raises(DataError, match="Sample 0"):
            audio_header(data, 0)
    # The last 36 bits before the checksum of a FLAC file count its samples.
    flac = contents("flac")
    for n_samples in (0, 2**28, 2**36 - 1):
        count = struct.pack(">Q", n_samples | (flac[21] >> 4 << 36))[3:]
        with pytest.raises(DataError, match="Sample 0"):
            AudioEncoder(AudioParams()).read([with_bytes(flac, 21, count)])


@pytest.mark.parametrize(("n_channels", "rate"), [(2, RATE), (1, RATE // 2)])
def test_more_samples_than_max_samples_are_refused_before_they_are_decoded(
    n_channels, rate, monkeypatch
):
    def decode(*_):
        raise AssertionError("samples were read")

    monkeypatch.setattr(soundfile.SoundFile, "read", decode)
    wave = WAVE if n_channels == 1 else np.stack([WAVE] * 2, 1)
    data = contents("wav", wave, rate)
    params = {"sampling_rate": RATE, "max_samples": 39_999}
    with pytest.raises(
        DataError, match="Sample 0 has 40000 samples, and max_samples=39999"
    ):
        AudioEncoder(AudioParams(**params)).read([data])
    params["max_samples"] = 40_000
    assert len(AudioEncoder(AudioParams(**params)).read([data])) == 1
    with pytest.raises(DataError, match="Sample 0 has 40001 samples"):
        AudioEncoder(AudioParams(**params)).read([np.zeros(40_001)])


def test_a_sound_file_that_changes_after_its_header_is_not_decoded(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(contents("wav"))
    recordings = AudioEncoder(AudioParams()).read([path])
    assert len(recordings.waveform(0)) == len(WAVE)
    path.write_bytes(contents("wav", WAVE[:100]))
    with pytest.raises(DataError, match=r"Sample 0 \('.*a\.wav'\) has changed since"):
        recordings.waveform(0)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match=r"Sample 0 \(.*not a regular file"):
        recordings.waveform(0)


def test_other_formats_are_refused():
    file = io.BytesIO()
    soundfile.write(file, WAVE, RATE, format="CAF")
    with pytest.raises(
        DataError, match="Sample 2 cannot be read: it begins with b'caff"
    ):
        audio_header(file, 2)
    assert not has_audio_signature(file.getvalue())
    # A tag may precede anything.
    with pytest.raises(DataError, match="Sample 2"):
        audio_header(b"ID3\3\0\0\0\0\0\0" + file.getvalue(), 2)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no sound at all", b"\0" * 500])
def test_what_is_no_sound_is_refused(data):
    with pytest.raises(DataError, match="Sample 4 cannot be read"):
        audio_header(data, 4)
    assert not has_audio_signature(data)


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.wav").mkdir()
    for path in (tmp_path / "a.wav", tmp_path / "b.wav", "/dev/zero"):
        with pytest.raises(DataError, match=r"Sample 1 .* not a regular file"):
            audio_header(path, 1)
    with pytest.raises(DataError, match="cannot be read"):
        audio_header("a\0b.wav", 1)


def test_pictures_and_texts_are_no_sound():
    for data in (
        b"\xff\xd8\xff\xe0abcd",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xfea\0",
        b"RIFF1234WEBP",
    ):
        assert not has_audio_signature(data)
