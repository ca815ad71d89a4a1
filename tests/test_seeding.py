"""Random numbers of a fit are drawn in its thread, without effect on other threads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Event, Thread

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from torch import nn

from lamina import (
    CNNClassifier,
    DNNClassifier,
    ImageCaptioner,
    LanguageModel,
    RNNClassifier,
    SequenceTagger,
)
from lamina.bodies.recurrent import RNNBody
from lamina.nn.dropout import ChannelDropout
from lamina.seeding import (
    current_generator,
    draws_by_itself,
    every_draw_from_stream,
    random_stream,
)

CPU = torch.device("cpu")
ONES = torch.ones(3, 4, 2)
OPERATORS = {
    "rand": lambda: torch.rand(3, 2),
    "rand out": lambda: torch.rand(3, out=torch.empty(3)),
    "randn": lambda: torch.randn(5, dtype=torch.float64),
    "randint": lambda: torch.randint(9, (4,)),
    "randint low": lambda: torch.randint(-3, 9, (4,)),
    "randperm": lambda: torch.randperm(9),
    "rand like": lambda: torch.rand_like(ONES),
    "randn like": lambda: torch.randn_like(ONES),
    "randint like": lambda: torch.randint_like(ONES, -2, 7),
    "bernoulli": lambda: torch.bernoulli(ONES / 3),
    "in place": lambda: torch.empty(9).bernoulli_(0.3),
    "uniform": lambda: torch.empty(9).uniform_(-1, 1),
    "random": lambda: torch.empty(9).random_(),
    "exponential": lambda: torch.empty(9).exponential_(),
    "normal": lambda: torch.normal(ONES, ONES),
    "normal of numbers": lambda: torch.normal(0.0, 1.0, (3,)),
    "multinomial": lambda: torch.multinomial(torch.ones(9), 5),
    "poisson": lambda: torch.poisson(ONES * 5),
    "gamma": lambda: torch.distributions.Gamma(ONES, ONES).sample(),
    "gumbel": lambda: F.gumbel_softmax(ONES),
    "dropout": lambda: F.dropout(ONES, 0.3),
    "dropout1d": lambda: nn.Dropout1d(0.3)(ONES),
    "alpha dropout": lambda: F.alpha_dropout(ONES, 0.3, training=True),
    "rrelu": lambda: nn.RReLU()(-ONES),
    "orthogonal": lambda: nn.init.orthogonal_(torch.empty(4, 3)),
    "truncated": lambda: nn.init.trunc_normal_(torch.empty(9)),
    "embedding": lambda: nn.Embedding(3, 2).weight,
    "lstm": lambda: nn.LSTM(2, 3, 2, dropout=0.4)(ONES)[0],
    "convolution": lambda: nn.Conv2d(2, 3, 3).weight,
    "attention": lambda: F.scaled_dot_product_attention(
        ONES, ONES, ONES, dropout_p=0.4
    ),
    "pooling": lambda: nn.FractionalMaxPool2d(2, 3)(torch.arange(36.0).view(1, 6, 6)),
    "transformer": lambda: nn.TransformerEncoderLayer(2, 1, 4)(ONES),
}


@pytest.fixture
def global_state():
    """What torch's and numpy's own generators would draw next; not changed by a test."""
    torch.manual_seed(11)
    before = torch.get_rng_state(), repr(np.random.get_state())
    yield
    assert torch.equal(torch.get_rng_state(), before[0])
    assert repr(np.random.get_state()) == before[1]


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_draw_from_the_stream_what_torch_draws_from_that_seed(name):
    torch.manual_seed(5)
    truth = [OPERATORS[name]().detach() for _ in range(2)]
    torch.manual_seed(6)
    state = torch.get_rng_state()
    with random_stream(5), every_draw_from_stream():
        drawn = [OPERATORS[name]().detach() for _ in range(2)]
    torch.testing.assert_close(drawn, truth, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.usefixtures("global_state")
def test_fused_dropout_draws_from_the_stream_too():
    x = torch.full((2000,), 3.0, requires_grad=True)
    with random_stream(0), every_draw_from_stream():
        out, kept = torch.native_dropout(x, 0.25, True)
        again, _ = torch.native_dropout(x, 0.25, True)
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.05)
    torch.testing.assert_close(out, torch.where(kept, 4.0, 0.0))
    assert not torch.equal(out, again)
    out.sum().backward()
    torch.testing.assert_close(x.grad, torch.where(kept, 4 / 3, 0.0))


@pytest.mark.usefixtures("global_state")
def test_a_generator_that_is_passed_is_used():
    truth = torch.rand(3, generator=torch.Generator().manual_seed(1))
    with random_stream(0), every_draw_from_stream():
        drawn = torch.rand(3, generator=torch.Generator().manual_seed(1))
        first = torch.rand(3)
    assert torch.equal(drawn, truth)
    assert torch.equal(first, torch.rand(3, generator=torch.Generator().manual_seed(0)))


def test_an_operator_without_a_generator_is_named():
    library = torch.library.Library("lamina_tests", "FRAGMENT")
    tag = torch.Tag.nondeterministic_seeded
    library.define("noise(Tensor x) -> Tensor", tags=(tag,))
    library.impl("noise", lambda x: x + torch.rand(3), "CPU")
    with (
        random_stream(0),
        every_draw_from_stream(),
        pytest.warns(RuntimeWarning, match="lamina_tests.noise.*cannot be repeated"),
    ):
        torch.ops.lamina_tests.noise(torch.ones(3))


def test_a_stream_belongs_to_its_thread_and_ends_with_its_block():
    assert current_generator(CPU) is None
    with random_stream(0):
        outer = current_generator(CPU)
        with random_stream(1), ThreadPoolExecutor(1) as pool:
            assert current_generator(CPU) is not outer
            assert pool.submit(current_generator, CPU).result() is None
        assert current_generator(CPU) is outer
    assert current_generator(CPU) is None
    with every_draw_from_stream():  # no stream: torch as it is
        torch.manual_seed(0)
        first = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize(
    ("module", "draws"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), False),
        (nn.LSTM(2, 2, 2), False),
        (nn.LSTM(2, 2, 2, dropout=0.1), True),
        (nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)), True),
        (nn.TransformerEncoderLayer(2, 1, 4), True),
        (ChannelDropout(0.1), False),
        (nn.Sequential(type("Mine", (nn.Module,), {})()), True),
    ],
    ids=str,
)
def test_which_modules_may_draw_by_themselves(module, draws):
    assert draws_by_itself(module) == draws


@pytest.mark.parametrize("shape", [(300, 20, 4), (300, 20, 2, 3)])
def test_whole_channels_are_dropped_at_the_given_rate(shape):
    x = torch.ones(shape)
    with random_stream(0):
        dropped = ChannelDropout(0.25).train()(x)
    channels = dropped.flatten(2)
    truth = (channels[:, :, :1] > 0) / 0.75
    torch.testing.assert_close(channels, truth.expand_as(channels))
    assert (truth > 0).float().mean().item() == pytest.approx(0.75, abs=0.02)
    assert ChannelDropout(0.25).eval()(x) is x


X = np.random.default_rng(0).normal(size=(40, 6))
Y = np.arange(40) % 2
PICTURES = np.random.default_rng(0).integers(0, 256, (20, 8, 8)).astype(np.uint8)
TEXTS = [["a dog", "a cat", "the end"][: 1 + i % 3] for i in range(20)]
SERIES = [x[: 2 + i % 4] for i, x in enumerate(X)]
TAGS = [["even" if v > 0 else "odd" for v in x] for x in SERIES]
WORDS = [[f"w{int(v * 3)}" for v in x] for x in SERIES]
BRIEF = {"max_iter": 3, "batch_size": 8, "random_state": 0}


class NoisyBody(RNNBody):
    """A user's body: layers of torch, and noise from any generator."""

    def __init__(self, spec, params):
        super().__init__(spec, params)
        self.extra = nn.Sequential(nn.Linear(self.width, self.width), nn.Dropout(0.2))

    def forward(self, batch):
        features = super().forward(batch)
        h = self.extra(features.h)
        if self.training:
            h = h + torch.rand_like(h) / 10
        return replace(features, h=h)


class NoisyClassifier(RNNClassifier):
    """A public class of a user."""

    body = NoisyBody


NETWORKS = {
    "dense": (DNNClassifier(dropout=0.2), X, Y),
    "stopped": (DNNClassifier(early_stopping=True), X, Y),
    "lstm": (RNNClassifier(hidden_size=6), SERIES, Y),
    "gru": (RNNClassifier(hidden_size=6, cell="gru"), SERIES, Y),
    "pictures": (
        CNNClassifier(n_filters=(4,), augmentation="shift_flip"),
        PICTURES,
        Y[:20],
    ),
    "tagger": (SequenceTagger(hidden_size=6), WORDS, TAGS),
    "captions": (
        ImageCaptioner(n_filters=(4,), decoder_size=8, unit="char"),
        PICTURES,
        TEXTS,
    ),
    "language": (LanguageModel(hidden_size=8, unit="char"), ["a rose is"] * 9, None),
    "foreign": (NoisyClassifier(hidden_size=6, dropout=0.2), SERIES, Y),
}


def numbers(name, **params):
    """The losses and the weights of a fit."""
    network, data, target = NETWORKS[name]
    network = clone(network).set_params(**(BRIEF | params)).fit(data, target)
    weights = network.network_.state_dict().values()
    return np.concatenate([network.loss_curve_, *[w.flatten() for w in weights]])


@pytest.mark.usefixtures("global_state", "two_threads")
@pytest.mark.parametrize("name", NETWORKS)
def test_fits_in_threads_give_the_results_of_single_fits(name):
    truth = numbers(name)
    np.testing.assert_array_equal(numbers(name), truth)
    with ThreadPoolExecutor(4) as pool:
        for fitted in pool.map(lambda _: numbers(name), range(6)):
            np.testing.assert_array_equal(fitted, truth)
    assert not np.array_equal(numbers(name, random_state=1), truth)


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=3),
    batch_size=st.integers(1, 40),
    dropout=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**31),
)
def test_any_dense_network_is_repeated_beside_other_fits(
    sizes, batch_size, dropout, seed
):
    params = {"hidden_layer_sizes": tuple(sizes), "batch_size": batch_size}
    fit = partial(numbers, "dense", **params, dropout=dropout, random_state=seed)
    truth = fit()
    with ThreadPoolExecutor(3) as pool:
        other = pool.submit(numbers, "gru")
        futures = [pool.submit(fit) for _ in range(2)]
        for future in futures:
            np.testing.assert_array_equal(future.result(), truth)
        other.result()


def test_a_fit_is_never_seen_in_the_generators_of_another_thread():
    stopped, seen = Event(), set()

    def watch():
        while not stopped.is_set():
            seen.add(
                (torch.get_rng_state().numpy().tobytes(), repr(np.random.get_state()))
            )

    watcher = Thread(target=watch)
    watcher.start()
    try:
        for name in ("dense", "captions", "foreign"):
            numbers(name)
    finally:
        stopped.set()
        watcher.join()
    assert len(seen) == 1


def test_draws_of_the_user_during_a_fit_change_nothing():
    class Drawing(NoisyBody):
        def forward(self, batch):
            torch.Generator().seed()
            torch.default_generator.manual_seed(3)
            return super().forward(batch)

    truth = numbers("foreign")
    network = type("Other", (NoisyClassifier,), {"body": Drawing})
    fitted = network(hidden_size=6, dropout=0.2, **BRIEF).fit(SERIES, Y)
    np.testing.assert_array_equal(fitted.loss_curve_, truth[:3])
