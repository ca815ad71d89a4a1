"""Steps that are recorded once and repeated, as a GPU does it.

A tape of torch's operations stands for the CUDA graph: what it repeats are the operations
themselves, on the memory that they had. Whatever Python would have decided anew is lost to
it, and a look at a number is refused, as a graph refuses it.
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
from lamina.process import torch_alone
from lamina.testing import all_estimators
from lamina.testing.examples import EXAMPLES, examples_for
from lamina.training.step import (
    MAX_MACS_CAPTURED,
    N_WARM_UP,
    CapturedStep,
    fastest,
)

LOOKS = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal")
"""Operations whose result Python, or the size of a result, waits for."""


def looks(func, args):
    """Whether the host waits for this operation."""
    selected = args[1] if func.overloadpacket.__name__ == "index" else []
    masks = [p for p in selected if p is not None and p.dtype == torch.bool]
    return bool(masks) or func.overloadpacket.__name__ in LOOKS


class Tape(TorchDispatchMode):
    """Operations as they are losses, to be losses again."""

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
                results = tree_leaves(func(*args, **kwargs))
                for old, new in zip(tree_leaves(out), results, strict=True):
                    if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new)


class Tapes:
    """A Recorder; `n_recorded` shapes, `n_repeated` steps."""

    def __init__(self):
        self.n_recorded = self.n_repeated = 0

    def warm_up(self, step_work):
        return step_work()

    def capture(self, step_work):
        self.n_recorded += 1
        tape, losses = Tape(), []

        def again():
            # A graph does nothing while it is recorded; a tape has losses the first step.
            if not losses:
                with tape:
                    losses.append(step_work())
            else:
                tape.again()
                self.n_repeated += 1
            return losses[0].clone()

        return again


@pytest.fixture
def tapes(monkeypatch):
    """What `fit` records with, wherever it computes."""
    captured = Tapes()
    monkeypatch.setattr(
        "lamina.training.loop.fastest",
        lambda step, *_: CapturedStep(step, captured, torch.zeros(())),
    )
    return captured


@pytest.fixture
def unrecorded(monkeypatch):
    """Learning rates in single precision, as tapes hold them."""
    monkeypatch.setattr(
        "lamina.training.loop.fastest",
        lambda step, *_: lambda batch, rate: step(batch, torch.tensor(rate)),
    )


@pytest.fixture(autouse=True)
def _torch_computes_alone():
    """All operations are torch's, in one thread, so that the tape sees them."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch_alone():
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
    brief = {"max_iter": 16, "batch_size": 7, "random_state": 0, "device": "cpu"}
    network = kind(**brief | params)
    weight = np.linspace(0.5, 2, len(example)) if weighted else None
    return network.fit(example.X, example.target(network), sample_weight=weight)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("name", NETWORKS)
def test_repeated_steps_train_the_same_network(name, weighted, request):
    kind, example, params = NETWORKS[name]
    request.getfixturevalue("unrecorded")
    truth = fitted(kind, EXAMPLES[example], params, weighted)
    tapes = request.getfixturevalue("tapes")
    captured = fitted(kind, EXAMPLES[example], params, weighted)
    assert tapes.n_recorded == 2  # twenty samples are batches of 7 and 6
    assert tapes.n_repeated == 16 * 3 - 2 * N_WARM_UP - 2
    assert captured.loss_curve_ == truth.loss_curve_
    for a, b in zip(
        captured.network_.state_dict().values(),
        truth.network_.state_dict().values(),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.usefixtures("unrecorded")
def test_what_cannot_be_recorded_trains_the_same_network_and_warns(request):
    truth = fitted(DNNClassifier, EXAMPLES["table"], {})
    tapes = request.getfixturevalue("tapes")

    def fail(step_work):
        raise RuntimeError("no room")

    tapes.capture = fail
    with pytest.warns(RuntimeWarning, match="cannot be captured on this GPU.*no room"):
        captured = fitted(DNNClassifier, EXAMPLES["table"], {})
    assert captured.loss_curve_ == truth.loss_curve_


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
    network = kind(max_iter=1, device="cpu", **example.params)
    if kind.__name__ in WAIT:
        with pytest.raises(AssertionError, match="the host waits for"):
            network.fit(example.X, example.target(network))
    else:
        network.fit(example.X, example.target(network))


def test_series_of_unequal_length_are_not_repeated(tapes):
    fitted(RNNClassifier, EXAMPLES["ragged"], {})
    assert tapes.n_recorded == 0


def test_only_small_networks_on_a_gpu_are_recorded(monkeypatch):
    monkeypatch.setattr("lamina.training.step.Graphs", lambda device: Tapes())
    zeros = torch.zeros

    def on_the_host(size, device):
        return zeros(size)

    monkeypatch.setattr(torch, "zeros", on_the_host)
    step, cuda = object(), torch.device("cuda")
    small, large = MAX_MACS_CAPTURED, 2 * MAX_MACS_CAPTURED
    assert isinstance(fastest(step, DenseBody, cuda, small), CapturedStep)
    assert fastest(step, DenseBody, cuda, large) is step
    assert fastest(step, DenseBody, torch.device("cpu"), small) is step
    # What a body of somebody else decides in Python may change.
    assert fastest(step, Body, cuda, small) is step


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", NETWORKS)
def test_graphs_train_the_same_network(name, monkeypatch):
    kind, example, params = NETWORKS[name]
    params = params | {"device": "cuda", "dropout": 0.0, "augmentation": "none"}
    params = {k: v for k, v in params.items() if k in kind().get_params()}
    captured = fitted(kind, EXAMPLES[example], params)
    monkeypatch.setattr("lamina.training.step.MAX_MACS_CAPTURED", 0)
    truth = fitted(kind, EXAMPLES[example], params)
    np.testing.assert_allclose(captured.loss_curve_, truth.loss_curve_, rtol=1e-3)
