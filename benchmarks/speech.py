"""Speech recognition: connected digits, and spoken telephone prompts.

The baseline is a bidirectional LSTM of PyTorch on the same spectrograms, of about equal
size, trained for equal time by Adam at a constant rate and decoded greedily.
"""

import gzip
import io
import os
import tarfile
import time
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from lamina import SpeechRecognizer
from lamina.datasets import fetch_spoken_digits
from lamina.encoders.audio.encoder import AudioEncoder
from lamina.tasks.errors import error_rate

RATE = 8_000
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
N_TRAIN, N_TEST = 3_000, 500
MIN_DIGITS, MAX_DIGITS = 3, 7
PAUSE, NOISE = (0.05, 0.2), 1e-3
"""Seconds between two digits, and the standard deviation of the noise there."""


@dataclass
class Speech:
    """Waveforms with their texts."""

    X: list[np.ndarray]
    y: list[str]

    def seconds(self) -> float:
        return sum(map(len, self.X)) / RATE


def recordings(indices: range) -> dict[tuple[str, int], list[np.ndarray]]:
    """(speaker, digit) -> recordings of these indices."""
    digits, waves = fetch_spoken_digits(subset="all"), {}
    for wave_, digit, name in zip(digits.data, digits.target, digits.name, strict=True):
        _, speaker, index = Path(name).stem.split("_")
        if int(index) in indices:
            waves.setdefault((speaker, int(digit)), []).append(wave_)
    return waves


def connected(n: int, indices: range, seed: int) -> Speech:
    """`n` strings of digits, each by one speaker, from recordings of these indices."""
    rng, kept = np.random.default_rng(seed), recordings(indices)
    speakers = sorted({speaker for speaker, _ in kept})
    X, y = [], []
    for _ in range(n):
        speaker = speakers[rng.integers(len(speakers))]
        digits = rng.integers(0, 10, rng.integers(MIN_DIGITS, MAX_DIGITS + 1))
        parts = [pause(rng)]
        for digit in digits:
            sounds = kept[speaker, digit]
            parts += [sounds[rng.integers(len(sounds))], pause(rng)]
        X.append(np.concatenate(parts))
        y.append(" ".join(WORDS[digit] for digit in digits))
    return Speech(X, y)


def pause(rng: np.random.Generator) -> np.ndarray:
    n = int(rng.uniform(*PAUSE) * RATE)
    return (NOISE * rng.standard_normal(n)).astype(np.float32)


def spoken_prompts() -> tuple[Speech, Speech]:
    """Training and test prompts: every tenth by sorted name is in the test set."""
    with gzip.open(data("prompts_en/core-sounds-en.txt.gz"), "rt") as file:
        lines = [line.strip() for line in file if not line.startswith(";")]
    pairs = (line.partition(":")[::2] for line in lines if ":" in line)
    texts = {name.strip(): text.strip() for name, text in pairs}
    sounds = {}
    with tarfile.open(data("prompts_en/sounds.tar.gz")) as archive:
        for member in archive:
            _, _, name = member.name.removesuffix(".wav").partition("/")
            if member.name.endswith(".wav") and name in texts:
                sounds[name] = decode(archive.extractfile(member).read())
    names = sorted(k for k in sounds if texts[k] and texts[k][0] not in "[(<")
    parts = (
        [k for i, k in enumerate(names) if (i % 10 == 0) == is_test]
        for is_test in (False, True)
    )
    train, test = (
        Speech([sounds[k] for k in p], [plain(texts[k]) for k in p]) for p in parts
    )
    return train, test


def plain(text: str) -> str:
    """Small letters, digits, apostrophes and single spaces."""
    kept = (c if c.isalnum() or c == "'" else " " for c in text.lower())
    return " ".join("".join(kept).split())


def decode(contents: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(contents)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return frames.astype(np.float32) / 32768


def data(name: str) -> Path:
    return Path(os.environ["LAMINA_DATA"]) / name


class Plain(nn.Module):
    """Spectrograms, two frames at a time -> log-probabilities, by PyTorch's layers."""

    def __init__(self, n_mels: int, width: int, n_classes: int):
        super().__init__()
        self.rnn = nn.LSTM(
            2 * n_mels, width, 2, batch_first=True, bidirectional=True, dropout=0.2
        )
        self.out = nn.Linear(2 * width, n_classes)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.out(h).log_softmax(-1)


def baseline(train: Speech, test: Speech, seconds: float) -> dict[str, float]:
    torch.manual_seed(0)
    params = SpeechRecognizer(sampling_rate=RATE)
    encoder = AudioEncoder(params)
    encoder.fit(encoder.read(train.X))
    sounds = [stacked(x) for x in spectrograms(encoder, train.X)]
    letters = sorted(set("".join(train.y)))
    targets = [torch.tensor([letters.index(c) + 1 for c in text]) for text in train.y]
    model = Plain(params.n_mels, 160, len(letters) + 1)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        for rows in torch.randperm(len(sounds)).split(32):
            x = [sounds[i] for i in rows.tolist()]
            y = [targets[i] for i in rows.tolist()]
            lengths = torch.tensor([len(part) for part in x])
            log_p = model(pad_sequence(x, batch_first=True), lengths)
            sizes = torch.tensor([len(part) for part in y])
            loss = F.ctc_loss(log_p.transpose(0, 1), torch.cat(y), lengths, sizes)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if time.perf_counter() - start >= seconds:
                break
    texts = []
    with torch.inference_mode():
        for x in (stacked(x) for x in spectrograms(encoder, test.X)):
            path = model.eval()(x[None], torch.tensor([len(x)]))[0].argmax(-1)
            classes = path.unique_consecutive().tolist()
            texts.append("".join(letters[c - 1] for c in classes if c))
    return rates(test.y, texts) | {
        "parameters": sum(p.numel() for p in model.parameters())
    }


def spectrograms(encoder: AudioEncoder, X: list[np.ndarray]) -> list[torch.Tensor]:
    samples = encoder.encode(encoder.read(X))
    return [samples.take(torch.tensor([i])).x[0] for i in range(len(X))]


def stacked(x: torch.Tensor) -> torch.Tensor:
    return x[: len(x) // 2 * 2].reshape(len(x) // 2, -1)


def rates(y: list[str], texts: list[str]) -> dict[str, float]:
    return {
        "word error rate": error_rate("words", y, texts, None),
        "character error rate": error_rate("characters", y, texts, None),
    }


def ours(
    train: Speech, test: Speech, seconds: float, **params: int
) -> dict[str, float]:
    network = SpeechRecognizer(sampling_rate=RATE, max_time=seconds, random_state=0)
    network.set_params(**params).fit(train.X, train.y)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = time.perf_counter()
    texts = network.predict(test.X)
    greedy = time.perf_counter() - start
    network.set_params(beam_size=10)
    beam = network.predict(test.X)
    beam_search = time.perf_counter() - start - greedy
    torch.set_num_threads(n_threads)
    return rates(test.y, texts) | {
        "word error rate, beam 10": error_rate("words", test.y, beam, None),
        "real-time factor": greedy / test.seconds(),
        "real-time factor, beam 10": beam_search / test.seconds(),
        "epochs": network.n_iter_,
        "parameters": network.n_parameters_,
    }


def compared(train: Speech, test: Speech, seconds: float, **params: int) -> dict:
    return {
        "lamina": ours(train, test, seconds, **params),
        "plain PyTorch": baseline(train, test, seconds),
    }


def digits(seconds: float) -> dict:
    """Connected digits; recordings 0 to 4 of each speaker and digit are in the test only."""
    train = connected(N_TRAIN, range(5, 50), seed=0)
    return compared(train, connected(N_TEST, range(5), seed=1), seconds)


def prompts(seconds: float) -> dict:
    """English prompts of one speaker, 24 minutes of them.

    One text has more letters than its recording has steps at the default stride of 4.
    """
    return compared(*spoken_prompts(), seconds, stride=2)
