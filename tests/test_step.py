"""Steps that are captured once and replayed, as on a GPU.

A tape of torch's operations replaces the CUDA graph: it repeats the same operations on the
same memory. Later decisions of Python are not repeated, and copying a value to the host is
refused, as by a graph.
"""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lamina import CNNClassifier, DNNClassifier, DNNRegressor, RNNClassifier
from lamina.bodies.dense import DenseBody
from lamina.nn.body import Body
from lamina.testing import all_estimators
from lamina.testing.examples import EXAMPLES, examples_for
from lamina.training.step import N_BEFORE, WORTH_RECORDING, Recorded, fastest

LOOKS = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal")
"""Operations whose result Python, or the size of a result, waits for."""


def looks(func, args):
    """Whether the host waits for this operation."""
    indices = args[1] if func.overloadpacket.__name__ == "index" else []
    masks = [p for p in indices if p is not None and p.dtype == torch.bool]
    return bool(masks) or func.overloadpacket.__name__ in LOOKS


class Tape(TorchDispatchMode):
    """The operations that are called, to be called again."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert not looks(func, args), f"the host waits for {func}"
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out

    def again(self):
        with torch._C._AutoDispatchBelowAutograd():
            for func, args, kwargs, out in self.calls:
                new = tree_leaves(func(*args, **kwargs))
                for old, fresh in zip(tree_leaves(out), new, strict=True):
                    if isinstance(old, Tensor) and old.data_ptr() != fresh.data_ptr():
                        old.copy_(fresh)


class Tapes:
    """A Recorder; `n_recorded` shapes, `n_repeated` steps."""

    def __init__(self):
        self.n_recorded = self.n_repeated = 0

    def aside(self, work):
        return work()

    def record(self, work):
        self.n_recorded += 1
        tape, results = Tape(), []

        def again():
            # A graph does nothing while it is recorded; a tape computes the first step.
            if not results:
                with tape:
                    results.append(work())
            else:
                tape.again()
                self.n_repeated += 1
            return results[0].clone()

        return again


@pytest.fixture
def tapes(monkeypatch):
    """What `fit` records with, wherever it computes."""
    shared = Tapes()
    monkeypatch.setattr(
        "lamina.training.loop.fastest",
        lambda step, *_: Recorded(step, shared, torch.zeros(())),
    )
    return shared


@pytest.fixture
def unrecorded(monkeypatch):
    """Learning rates in single precision, as tapes hold them."""
    monkeypatch.setattr(
        "lamina.training.loop.fastest",
        lambda step, *_: lambda batch, rate: step(batch, torch.tensor(rate)),
    )


@pytest.fixture(autouse=True)
def _torch_alone(monkeypatch):
    """All products are torch's, in one thread, so that the tape sees them."""
    monkeypatch.setattr("lamina.kernels.products.NUMPYS", ())
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


NETWORKS = {
    "dense": (DNNClassifier, "table", {}),
    "adam": (DNNClassifier, "table", {"optimizer": "adam", "alpha": 0.01}),
    "sgd": (DNNClassifier, "table", {"optimizer": "sgd", "learning_rate_init": 0.1}),
    "unclipped": (DNNClassifier, "table", {"max_grad_norm": None}),
    "smooth": (DNNClassifier, "table", {"label_smoothing": 0.1, "activation": "gelu"}),
    "numbers": (DNNRegressor, "table", {}),
    "mixed": (DNNClassifier, "mixed_table", {}),
    "pictures": (CNNClassifier, "image", {"augmentation": "shift_flip"}),
    "series": (CNNClassifier, "series", {}),
    "lstm": (RNNClassifier, "series", {"dropout": 0.2}),
    "gru": (RNNClassifier, "series", {"cell": "gru", "bidirectional": True}),
    "rnn": (RNNClassifier, "series", {"cell": "rnn"}),
}


def fitted(kind, example, params, weighted=False):
    network = kind(max_iter=16, batch_size=7, random_state=0, **params)
    weight = np.linspace(0.5, 2, len(example)) if weighted else None
    return network.fit(example.X, example.target(network), sample_weight=weight)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("name", NETWORKS)
def test_replayed_steps_train_the_same_network(name, weighted, request):
    kind, example, params = NETWORKS[name]
    request.getfixturevalue("unrecorded")
    truth = fitted(kind, EXAMPLES[example], params, weighted)
    tapes = request.getfixturevalue("tapes")
    repeated = fitted(kind, EXAMPLES[example], params, weighted)
    assert tapes.n_recorded == 2  # twenty samples are batches of 7 and 6
    assert tapes.n_repeated == 16 * 3 - 2 * N_BEFORE - 2
    assert repeated.loss_curve_ == truth.loss_curve_
    for a, b in zip(
        repeated.network_.state_dict().values(),
        truth.network_.state_dict().values(),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.usefixtures("unrecorded")
def test_steps_that_cannot_be_captured_train_the_same_network_and_warn(request):
    truth = fitted(DNNClassifier, EXAMPLES["table"], {})
    tapes = request.getfixturevalue("tapes")

    def fail(work):
        raise RuntimeError("no room")

    tapes.record = fail
    with pytest.warns(RuntimeWarning, match="cannot be recorded on this GPU.*no room"):
        network = fitted(DNNClassifier, EXAMPLES["table"], {})
    assert network.loss_curve_ == truth.loss_curve_


WAIT = ("LanguageModel",)
"""It looks at the lengths of each batch, which decide what is computed."""


@pytest.mark.parametrize(
    ("kind", "example"),
    [(kind, e) for _, kind in all_estimators() for e in examples_for(kind())],
    ids=lambda value: value.__name__ if isinstance(value, type) else value.name,
)
def test_no_step_waits_for_the_device(kind, example, monkeypatch):
    def watched(step, *_):
        def run(batch, rate):
            with Tape():
                return step(batch, torch.tensor(rate))

        return run

    monkeypatch.setattr("lamina.training.loop.fastest", watched)
    network = kind(max_iter=1, **example.params)
    if kind.__name__ in WAIT:
        with pytest.raises(AssertionError, match="the host waits for"):
            network.fit(example.X, example.target(network))
    else:
        network.fit(example.X, example.target(network))


def test_steps_of_series_of_unequal_length_are_not_replayed(tapes):
    fitted(RNNClassifier, EXAMPLES["ragged"], {})
    assert tapes.n_recorded == 0


def test_only_small_networks_on_a_gpu_are_captured(monkeypatch):
    monkeypatch.setattr("lamina.training.step.Graphs", lambda device: Tapes())
    zeros = torch.zeros

    def on_the_host(size, device):
        return zeros(size)

    monkeypatch.setattr(torch, "zeros", on_the_host)
    step, cuda = object(), torch.device("cuda")
    small, large = WORTH_RECORDING, 2 * WORTH_RECORDING
    assert isinstance(fastest(step, DenseBody, cuda, small), Recorded)
    assert fastest(step, DenseBody, cuda, large) is step
    assert fastest(step, DenseBody, torch.device("cpu"), small) is step
    # The control flow of a user's body may change.
    assert fastest(step, Body, cuda, small) is step


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", NETWORKS)
def test_graphs_train_the_same_network(name, monkeypatch):
    kind, example, params = NETWORKS[name]
    params = params | {"device": "cuda", "dropout": 0.0, "augmentation": "none"}
    params = {k: v for k, v in params.items() if k in kind().get_params()}
    captured = fitted(kind, EXAMPLES[example], params)
    monkeypatch.setattr("lamina.training.step.WORTH_RECORDING", 0)
    truth = fitted(kind, EXAMPLES[example], params)
    np.testing.assert_allclose(captured.loss_curve_, truth.loss_curve_, rtol=1e-3)
