"""The Bible in English: bits per character on unseen chapters.

Baselines: a character language model in plain PyTorch of equal size, trained for equal
time; and `xz -9e`, the size that the test adds to the compressed training text.
"""

import lzma
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.sequences import paced
from lamina import LanguageModel
from lamina.datasets import fetch_bible

Figures = dict[str, dict[str, float]]
LANES, STEPS = 64, 128


def bible(seconds: float) -> Figures:
    """Chapters of the English text; every tenth is in the test set."""
    train, test = chapters("train"), chapters("test")
    model = LanguageModel(max_time=seconds, random_state=0)
    start = time.perf_counter()
    model.fit(train)
    fit_s = time.perf_counter() - start
    start = time.perf_counter()
    text = model.generate("In the beginning", max_length=200, random_state=0)
    generation_s = time.perf_counter() - start
    figures = {
        "lamina": {
            "bits per character": -model.score(test),
            "seconds": fit_s,
            "epochs": model.n_iter_,
            "parameters": model.n_parameters_,
            "200 characters, ms": 1e3 * generation_s * 200 / len(text),
        }
    }
    start = time.perf_counter()
    bits, n_parameters = plain(train, test, model.n_parameters_, seconds)
    figures["plain PyTorch LSTM"] = {
        "bits per character": bits,
        "seconds": time.perf_counter() - start,
        "parameters": n_parameters,
    }
    figures["xz -9e"] = {"bits per character": xz(train, test)}
    return figures


def chapters(subset: str) -> list[str]:
    """The chapters, with a line for each verse."""
    verses = fetch_bible(subset=subset)
    texts: dict[str, list[str]] = {}
    for reference, verse in zip(verses.reference, verses.data, strict=True):
        texts.setdefault(reference.rpartition(":")[0], []).append(verse)
    return ["\n".join(lines) for lines in texts.values()]


def xz(train: list[str], test: list[str]) -> float:
    """Bits per character that the test adds to the compressed training text."""
    sizes = [
        len(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        for text in ("\n".join(train), "\n".join([*train, *test]))
    ]
    return 8 * (sizes[1] - sizes[0]) / len("\n".join(test))


class Plain(nn.Module):
    """Embedding, nn.LSTM and linear layer, as in tutorials."""

    def __init__(self, n_tokens: int, width: int):
        super().__init__()
        self.embed = nn.Embedding(n_tokens, width)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.out = nn.Linear(width, n_tokens)

    def forward(self, x: torch.Tensor, state: tuple | None) -> tuple:
        h, state = self.lstm(self.embed(x), state)
        return self.out(h), state


def plain(
    train: list[str], test: list[str], n_parameters: int, seconds: float
) -> tuple[float, int]:
    """Bits per character of a plain loop over one long text, and the number of parameters.

    The width is chosen to give about `n_parameters`.
    """
    torch.manual_seed(0)
    text, unseen = "\n".join(train), "\n".join(test)
    ids = {c: i for i, c in enumerate(sorted(set(text)))}
    token_ids = torch.tensor([ids[c] for c in text])
    lanes = token_ids[: len(token_ids) // LANES * LANES].view(LANES, -1)
    # 8 weights for each pair of units, and an embedding and an output of each character.
    n_per_unit = len(ids) + 4
    width = round(((n_per_unit / 8) ** 2 + n_parameters / 8) ** 0.5 - n_per_unit / 8)
    model = Plain(len(ids), width)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    columns = range(0, lanes.shape[1] - 1, STEPS)
    state = None
    for i, progress in paced(columns, seconds):
        optimizer.param_groups[0]["lr"] = 2e-3 * 0.5 * (1 + np.cos(np.pi * progress))
        x, y = lanes[:, i : i + STEPS], lanes[:, i + 1 : i + STEPS + 1]
        state = None if i == 0 or state is None else tuple(s.detach() for s in state)
        logits, state = model(x[:, : y.shape[1]], state)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return bits(model, unseen, ids), sum(p.numel() for p in model.parameters())


@torch.inference_mode()
def bits(model: Plain, text: str, ids: dict[str, int]) -> float:
    """Bits per character along one text, with the state carried; unknown ones cost 0."""
    token_ids = torch.tensor([ids.get(c, -1) for c in text])
    state, total = None, 0.0
    for i in range(0, len(token_ids) - 1, 1000):
        x, y = token_ids[i : i + 1000], token_ids[i + 1 : i + 1001]
        logits, state = model(x[None, : len(y)].clamp(min=0), state)
        total += F.cross_entropy(logits[0], y, ignore_index=-1, reduction="sum").item()
    return total / np.log(2) / (len(token_ids) - 1)
