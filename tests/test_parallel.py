"""Parts of a recurrence on several cores against the same layer on one."""

import os
import time

import pytest
import torch

from lamina.batch import Batch
from lamina.encoders.base import TensorSamples
from lamina.kernels.parallel import CORES, spread_over, workers
from lamina.nn.recurrent import FEWEST_ROWS, RecurrentLayer
from lamina.training.loader import Loader


def passes(layer, x, lengths, n_cores):
    layer.zero_grad()
    x = x.clone().requires_grad_()
    with spread_over(n_cores):
        h = layer(x, lengths)
        real = torch.arange(h.shape[1]) < lengths[:, None]
        (h * real[:, :, None]).square().sum().backward()
    return [h, x.grad, *[p.grad.clone() for p in layer.parameters()]]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("n_samples", [5, 3 * FEWEST_ROWS + 1])
def test_parts_give_the_states_and_gradients_of_the_whole(bidirectional, n_samples):
    torch.manual_seed(0)
    layer = RecurrentLayer("lstm", 3, 4, bidirectional, 9)
    x, lengths = torch.randn(n_samples, 9, 3), torch.randint(1, 10, (n_samples,))
    whole = passes(layer, x, lengths, 1)
    for n_cores in (2, 5):
        parts = passes(layer, x, lengths, n_cores)
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5)


def test_gradients_of_parts_are_those_of_finite_differences():
    torch.manual_seed(0)
    layer = RecurrentLayer("lstm", 2, 3, True, 4).double()
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([4, 2])
    real = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])[:, :, None]
    with spread_over(2):
        assert torch.autograd.gradcheck(
            lambda x, *_: layer(x, lengths) * real, (x, *layer.parameters())
        )


def test_states_are_carried_in_parts_where_nothing_is_recorded():
    torch.manual_seed(0)
    layer = RecurrentLayer("lstm", 3, 4, False, 9)
    x = torch.randn(3 * FEWEST_ROWS, 12, 3)
    whole = layer(x, None)
    with torch.inference_mode(), spread_over(2):
        state, parts = layer.start(len(x)), []
        for window in x.split(5, 1):
            h, state = layer.carry(window, state)
            parts.append(h)
        read = layer(x, None)
    torch.testing.assert_close(
        torch.cat(parts, 1), whole.detach(), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(read, whole.detach(), atol=1e-5, rtol=1e-4)
    assert not read.requires_grad


def test_counts_of_threads_are_restored_and_parts_use_one_core():
    before = torch.get_num_threads()
    with spread_over(2):
        assert torch.get_num_threads() == 1
        assert list(workers(2).map(lambda _: CORES.get(), range(4))) == [1] * 4
    assert torch.get_num_threads() == before
    assert CORES.get() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_has_its_own_threads():
    workers(2)
    child = os.fork()
    if not child:
        os._exit(list(workers(2).map(abs, [-1, -2])) != [1, 2])
    assert os.waitpid(child, 0)[1] == 0


class Slow(TensorSamples):
    """Samples that are decoded, and finish out of order if possible."""

    decodes = True

    def take(self, rows):
        time.sleep(0.002 * (int(rows[0]) % 3))
        if int(rows[0]) == -1:
            raise OSError
        return super().take(rows)


def test_batches_decoded_in_advance_are_in_order_with_their_targets():
    x = torch.arange(90.0)[:, None]
    plain, traced = (
        Loader(kind(x), torch.arange(90), None, 7, True, torch.Generator())
        for kind in (TensorSamples, Slow)
    )
    for a, b in zip(plain, traced, strict=True):
        assert isinstance(b, Batch)
        assert a.target.tolist() == b.target.tolist() == b.x[:, 0].tolist()


def test_an_error_in_decoding_reaches_the_caller():
    class Broken(Slow):
        def take(self, rows):
            raise OSError("sample 3 is broken")

    loader = Loader(Broken(torch.zeros(9, 1)), torch.arange(9), None, 2)
    with pytest.raises(OSError, match="sample 3"):
        list(loader)


def test_a_layer_is_split_only_if_each_part_is_large_enough():
    both, one = (RecurrentLayer("lstm", 2, 3, bi, 9) for bi in (True, False))
    assert [both.n_parts(64, n) for n in (1, 2, 4, 16)] == [1, 2, 4, 4]
    assert [one.n_parts(n, 2) for n in (20, 64, 1000)] == [1, 2, 2]
    assert RecurrentLayer("gru", 2, 3, True, 9).n_parts(64, 2) == 1
