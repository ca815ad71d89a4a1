"""The Bible, English to Spanish: BLEU and chrF on the verses of unseen chapters.

Baselines: the network of PyTorch's tutorial (GRU encoder, GRU decoder with additive
attention, greedy), trained for equal time; with words and equal width as in the tutorial,
and with as many byte pairs and parameters as ours, which is better. Also the duration of a
beam search with and without a Python loop over sentences.
"""

import time
from typing import Any

import numpy as np
import sacrebleu
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from benchmarks.sequences import paced
from lamina import Translator
from lamina.batch import BEGIN, END, PAD
from lamina.datasets import fetch_bible
from lamina.nn.attention import AttentionStepper
from lamina.units import BytePairs, Units, Words
from lamina.vocabulary import Vocabulary

Figures = dict[str, dict[str, float]]
MAX_WORDS, BATCH = 20, 64
LIMIT, N_PAIRS = 60, 4_000


def bible(seconds: float) -> Figures:
    """Verses of at most 20 words on both sides; every tenth chapter is in the test set."""
    train, test = verses("train"), verses("test")
    network = Translator(max_time=seconds, random_state=0)
    start = time.perf_counter()
    network.fit(*train)
    fit_s = time.perf_counter() - start
    beam = network.predict(test[0])
    greedy = network.set_params(beam_size=1)
    greedy.task_.beam_size = 1
    figures = {
        "lamina": _quality(beam, test[1])
        | {
            "seconds": fit_s,
            "epochs": network.n_iter_,
            "parameters": network.n_parameters_,
        },
        "lamina, greedy": _quality(greedy.predict(test[0]), test[1]),
    }
    # A width of 300 gives about as many parameters as ours has.
    for name, units, width in (("words", Words, 256), ("byte pairs", BytePairs, 300)):
        start = time.perf_counter()
        plain, n_parameters = tutorial(train, test[0], seconds, units, width)
        figures[f"PyTorch tutorial, {name}"] = _quality(plain, test[1]) | {
            "seconds": time.perf_counter() - start,
            "parameters": n_parameters,
        }
    return figures | searches(network, test[0])


def verses(subset: str) -> tuple[list[str], list[str]]:
    """Pairs with at most 20 words on both sides."""
    pairs = zip(*fetch_bible(subset=subset, return_X_y=True), strict=True)
    short = [p for p in pairs if max(len(text.split()) for text in p) <= MAX_WORDS]
    return [english for english, _ in short], [spanish for _, spanish in short]


def _quality(texts: list[str], references: list[str]) -> dict[str, float]:
    return {
        "BLEU": sacrebleu.corpus_bleu(texts, [references]).score,
        "chrF": sacrebleu.corpus_chrf(texts, [references]).score,
    }


# The plain network ----------------------------------------------------------------------


class Tutorial(nn.Module):
    """GRU, additive attention at each step, GRU (Bahdanau et al. 2015)."""

    def __init__(self, n_source: int, n_target: int, width: int):
        super().__init__()
        self.source = nn.Embedding(n_source, width, padding_idx=PAD)
        self.target = nn.Embedding(n_target, width, padding_idx=PAD)
        self.reader = nn.GRU(width, width, batch_first=True)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.match = nn.Linear(width, 1)
        self.writer = nn.GRU(2 * width, width, batch_first=True)
        self.out = nn.Linear(width, n_target)
        self.drop = nn.Dropout(0.1)

    def read(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h, state = self.reader(self.drop(self.source(x)))
        return h, state, x == PAD

    def step(self, token: Tensor, state: Tensor, h: Tensor, padding: Tensor) -> tuple:
        match = self.match(torch.tanh(self.query(state[0])[:, None] + self.key(h)))
        weights = match[..., 0].masked_fill(padding, -torch.inf).softmax(1)
        context = weights[:, None] @ h
        x = torch.cat([self.drop(self.target(token))[:, None], context], 2)
        output, state = self.writer(x, state)
        return self.out(output[:, 0]), state


class Language:
    """The units of one side."""

    def __init__(self, units: type[Units], texts: list[str]):
        self.units = units().fit(texts, N_PAIRS)
        self.vocabulary = Vocabulary(map(self.units.split, texts))

    def token_ids(self, texts: list[str]) -> list[Tensor]:
        """The token ids of each text, and END."""
        rows = (self.vocabulary.encode(self.units.split(text)) for text in texts)
        return [torch.tensor([*row, END]) for row in rows]

    def text(self, token_ids: list[int]) -> str:
        """The text of these token ids."""
        return self.units.join(self.vocabulary.decode(token_ids))


def tutorial(
    train: tuple[list[str], list[str]],
    X_test: list[str],
    seconds: float,
    units: type[Units],
    width: int,
) -> tuple[list[str], int]:
    """Translations of the test set, and the number of parameters."""
    torch.manual_seed(0)
    source, target = (Language(units, texts) for texts in train)
    x, y = source.token_ids(train[0]), target.token_ids(train[1])
    model = Tutorial(len(source.vocabulary), len(target.vocabulary), width)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    generator = np.random.default_rng(0)
    starts = range(0, len(x), BATCH)
    order = generator.permutation(len(x))
    for start, _ in paced(starts, seconds):
        if start == 0:
            order = generator.permutation(len(x))
        rows = order[start : start + BATCH]
        loss = _loss(model, _pad([x[i] for i in rows]), _pad([y[i] for i in rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    x_test = source.token_ids(X_test)
    texts = [
        target.text(row)
        for i in range(0, len(x_test), BATCH)
        for row in _greedy(model, _pad(x_test[i : i + BATCH]))
    ]
    return texts, sum(p.numel() for p in model.parameters())


def _pad(rows: list[Tensor]) -> Tensor:
    return pad_sequence(rows, batch_first=True, padding_value=PAD)


def _loss(model: Tutorial, x: Tensor, y: Tensor) -> Tensor:
    h, state, padding = model.read(x)
    token, logits = torch.full((len(x),), BEGIN), []
    for i in range(y.shape[1]):
        output, state = model.step(token, state, h, padding)
        logits.append(output)
        token = y[:, i]
    return F.cross_entropy(
        torch.stack(logits, 1).flatten(0, 1), y.flatten(), ignore_index=PAD
    )


@torch.inference_mode()
def _greedy(model: Tutorial, x: Tensor) -> list[list[int]]:
    h, state, padding = model.read(x)
    token, columns = torch.full((len(x),), BEGIN), []
    for _ in range(LIMIT):
        output, state = model.step(token, state, h, padding)
        token = output.argmax(1)
        columns.append(token)
    rows = torch.stack(columns, 1).tolist()
    return [row[: row.index(END)] if END in row else row for row in rows]


# Searching ------------------------------------------------------------------------------


def searches(network: Any, X: list[str]) -> Figures:
    """Seconds for 1,000 short sentences with a beam of 5: together, and in a loop."""
    X = sorted(X, key=len)
    X = (X * (1000 // len(X) + 1))[:1000]
    network.task_.beam_size = 5
    start = time.perf_counter()
    network.predict(X)
    together = time.perf_counter() - start
    few = X[::20]
    start = time.perf_counter()
    for sentence in few:
        loop_of_one(network, sentence, 5)
    loop = (time.perf_counter() - start) * len(X) / len(few)
    return {
        "beam 5, 1,000 sentences": {"seconds": together, "ratio": 1.0},
        "a loop over sentences": {"seconds": loop, "ratio": loop / together},
    }


@torch.inference_mode()
def loop_of_one(network: Any, sentence: str, width: int) -> list[int]:
    """Beam search as in tutorials: a list of hypotheses for one sentence."""
    batch = network.encoder_.encode([sentence]).take(torch.zeros(1, dtype=torch.int64))
    stepper = AttentionStepper(network.network_.head, network.network_.body(batch))
    log_p, state = stepper.start(1)
    alive, finished = [([], 0.0, log_p[0], state)], []
    for _ in range(LIMIT):
        grown = []
        for tokens, total, following, state in alive:
            best, token_ids = following.topk(width)
            for p, token in zip(best.tolist(), token_ids.tolist(), strict=True):
                grown.append(([*tokens, token], total + p, state))
        grown.sort(key=lambda h: -h[1])
        alive = []
        for tokens, total, state in grown[: width - len(finished)]:
            if tokens[-1] == 0:
                finished.append((total / len(tokens), tokens))
                continue
            log_p, after = stepper.step(torch.tensor(tokens[-1:]), state)
            alive.append((tokens, total, log_p[0], after))
        if not alive:
            break
    return max(finished, default=(0.0, []))[1]
