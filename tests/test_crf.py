"""The chain against a sum over all labellings, one by one."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.nn.crf import Chain, LogPartition


def toy(n_labels, lengths, seed=0, scale=2.0):
    """A chain with weights, logits (B, T, K) and labels (B, T) of these lengths."""
    generator = torch.Generator().manual_seed(seed)
    chain = Chain(n_labels)
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    shape = len(lengths), max(lengths)
    logits = scale * torch.randn(*shape, n_labels, generator=generator).double()
    labels = torch.randint(n_labels, shape, generator=generator)
    return chain, logits, labels, torch.tensor(lengths)


def score(chain, logits, path):
    """Of a labelling of one sample, summed as it is written."""
    weights = {
        name: p.detach().double().numpy() for name, p in chain.named_parameters()
    }
    total = weights["start"][path[0]] + weights["end"][path[-1]]
    total += sum(logits[t, label].item() for t, label in enumerate(path))
    return total + sum(weights["transitions"][i, j] for i, j in pairwise(path))


def labellings(chain, logits):
    """Every labelling of one sample (n, K), with its score."""
    n, n_labels = logits.shape
    paths = list(product(range(n_labels), repeat=n))
    return np.array(paths), np.array([score(chain, logits, p) for p in paths])


cases = given(
    n_labels=st.integers(1, 3),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)


@settings(max_examples=25, deadline=None)
@cases
def test_likelihood_is_that_of_all_labellings_counted(n_labels, lengths, seed):
    chain, logits, labels, n = toy(n_labels, lengths, seed)
    found = chain.log_likelihood(logits, labels, n).detach().numpy()
    for i, length in enumerate(lengths):
        _, scores = labellings(chain, logits[i, :length])
        own = score(chain, logits[i], labels[i, :length].tolist())
        np.testing.assert_allclose(
            found[i], own - np.logaddexp.reduce(scores), atol=1e-9
        )


@settings(max_examples=25, deadline=None)
@cases
def test_marginals_are_those_of_all_labellings_counted(n_labels, lengths, seed):
    chain, logits, _, n = toy(n_labels, lengths, seed)
    found = chain.marginals(logits, n).detach().numpy()
    for i, length in enumerate(lengths):
        paths, scores = labellings(chain, logits[i, :length])
        shares = np.exp(scores - np.logaddexp.reduce(scores))
        for t, label in product(range(length), range(n_labels)):
            expected = shares[paths[:, t] == label].sum()
            np.testing.assert_allclose(found[i, t, label], expected, atol=1e-9)
        assert not found[i, length:].any()


@settings(max_examples=25, deadline=None)
@cases
def test_decoding_finds_the_best_of_all_labellings(n_labels, lengths, seed):
    chain, logits, _, n = toy(n_labels, lengths, seed)
    found = chain.decode(logits, n)
    for i, length in enumerate(lengths):
        paths, scores = labellings(chain, logits[i, :length])
        assert found[i, :length].tolist() == paths[scores.argmax()].tolist()


def test_slopes_of_log_z_are_those_of_finite_differences():
    chain, logits, _, lengths = toy(3, [4, 1, 2])
    transitions = chain.transitions.detach().double().requires_grad_()
    inputs = (logits.requires_grad_(), transitions, lengths)
    assert torch.autograd.gradcheck(LogPartition.apply, inputs)


def test_slopes_of_the_likelihood_are_those_of_autograd_through_all_labellings():
    chain, logits, labels, n = toy(3, [4, 1, 2])
    chain.log_likelihood(logits, labels, n).sum().backward()
    found = [p.grad.clone() for p in chain.parameters()]
    chain.zero_grad()
    total = 0
    for i, length in enumerate(n.tolist()):
        paths = torch.tensor(list(product(range(3), repeat=length)))
        said = logits[i, torch.arange(length), paths].sum(1)
        moved = chain.transitions[paths[:, :-1], paths[:, 1:]].sum(1)
        scores = said + moved + chain.start[paths[:, 0]] + chain.end[paths[:, -1]]
        own = (paths == labels[i, :length]).all(1)
        total = total + scores[own].sum() - scores.logsumexp(0)
    total.backward()
    for actual, parameter in zip(found, chain.parameters(), strict=True):
        torch.testing.assert_close(actual, parameter.grad)


def test_padding_has_no_share_in_values_or_slopes():
    chain, logits, labels, lengths = toy(4, [5, 1, 3])

    def everything(logits, labels):
        logits = logits.clone().requires_grad_()
        chain.zero_grad()
        found = chain.log_likelihood(logits, labels, lengths)
        (found * torch.tensor([1.0, 2.0, 0.5])).sum().backward()
        real = torch.arange(logits.shape[1]) < lengths[:, None]
        assert not logits.grad[~real].any()
        slopes = [p.grad for p in chain.parameters()]
        decoded = chain.decode(logits, lengths)[real]
        marginals = chain.marginals(logits, lengths)[real]
        return [found, logits.grad[real], marginals, decoded, *slopes]

    expected = everything(logits, labels)
    logits = torch.cat([logits, logits], 1)
    labels = torch.cat([labels, labels], 1)
    padded = torch.arange(logits.shape[1]) >= lengths[:, None]
    logits[padded], labels[padded] = 1e3 * torch.randn(int(padded.sum()), 4).double(), 3
    for actual, wanted in zip(everything(logits, labels), expected, strict=True):
        torch.testing.assert_close(actual, wanted)


@pytest.mark.parametrize("scale", [30.0, 100.0])
def test_strong_opinions_overflow_nowhere(scale):
    chain, logits, labels, lengths = toy(5, [60, 1, 33], scale=scale)
    found = chain.log_likelihood(logits.requires_grad_(), labels, lengths)
    found.sum().backward()
    slopes = [logits.grad, *(p.grad for p in chain.parameters())]
    assert found.isfinite().all() and all(s.isfinite().all() for s in slopes)
    totals = chain.marginals(logits, lengths).sum(2)
    real = torch.arange(60) < lengths[:, None]
    torch.testing.assert_close(totals, real.double())
