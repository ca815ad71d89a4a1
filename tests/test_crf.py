"""The conditional random field against a sum over all labellings, one by one."""

import re
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.nn.crf import LinearChainCRF, LogPartition
from lamina.nn.labelling import SoftmaxLabels
from lamina.tasks.schemes import allowed_by, scheme_of


def toy(n_labels, lengths, seed=0, scale=2.0):
    """A field with weights, logits (B, T, K) and labels (B, T) of these lengths."""
    generator = torch.Generator().manual_seed(seed)
    crf = LinearChainCRF(n_labels)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    shape = len(lengths), max(lengths)
    logits = scale * torch.randn(*shape, n_labels, generator=generator).double()
    labels = torch.randint(n_labels, shape, generator=generator)
    return crf, logits, labels, torch.tensor(lengths)


def score(crf, logits, path):
    """The score of a labelling of one sample, summed step by step."""
    weights = {name: p.detach().double().numpy() for name, p in crf.named_parameters()}
    total = weights["start"][path[0]] + weights["end"][path[-1]]
    total += sum(logits[t, label].item() for t, label in enumerate(path))
    return total + sum(weights["transitions"][i, j] for i, j in pairwise(path))


def labellings(crf, logits):
    """Every labelling of one sample (n, K), with its score."""
    n, n_labels = logits.shape
    paths = list(product(range(n_labels), repeat=n))
    return np.array(paths), np.array([score(crf, logits, p) for p in paths])


cases = given(
    n_labels=st.integers(1, 3),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)


@settings(max_examples=25, deadline=None)
@cases
def test_likelihood_is_that_of_all_labellings_counted(n_labels, lengths, seed):
    crf, logits, labels, n = toy(n_labels, lengths, seed)
    log_p = crf.log_likelihood(logits, labels, n).detach().numpy()
    for i, length in enumerate(lengths):
        _, scores = labellings(crf, logits[i, :length])
        own = score(crf, logits[i], labels[i, :length].tolist())
        np.testing.assert_allclose(
            log_p[i], own - np.logaddexp.reduce(scores), atol=1e-9
        )


@settings(max_examples=25, deadline=None)
@cases
def test_marginals_are_those_of_all_labellings_counted(n_labels, lengths, seed):
    crf, logits, _, n = toy(n_labels, lengths, seed)
    marginals = crf.marginals(logits, n).detach().numpy()
    for i, length in enumerate(lengths):
        paths, scores = labellings(crf, logits[i, :length])
        p = np.exp(scores - np.logaddexp.reduce(scores))
        for t, label in product(range(length), range(n_labels)):
            expected = p[paths[:, t] == label].sum()
            np.testing.assert_allclose(marginals[i, t, label], expected, atol=1e-9)
        assert not marginals[i, length:].any()


@settings(max_examples=25, deadline=None)
@cases
def test_decoding_finds_the_best_of_all_labellings(n_labels, lengths, seed):
    crf, logits, _, n = toy(n_labels, lengths, seed)
    decoded = crf.decode(logits, n)
    for i, length in enumerate(lengths):
        paths, scores = labellings(crf, logits[i, :length])
        assert decoded[i, :length].tolist() == paths[scores.argmax()].tolist()


def test_gradients_of_log_z_are_those_of_finite_differences():
    crf, logits, _, lengths = toy(3, [4, 1, 2])
    transitions = crf.transitions.detach().double().requires_grad_()
    inputs = (logits.requires_grad_(), transitions, lengths)
    assert torch.autograd.gradcheck(LogPartition.apply, inputs)


def test_gradients_of_the_likelihood_are_those_of_autograd_through_all_labellings():
    crf, logits, labels, n = toy(3, [4, 1, 2])
    crf.log_likelihood(logits, labels, n).sum().backward()
    gradients = [p.grad.clone() for p in crf.parameters()]
    crf.zero_grad()
    total = 0
    for i, length in enumerate(n.tolist()):
        paths = torch.tensor(list(product(range(3), repeat=length)))
        emitted = logits[i, torch.arange(length), paths].sum(1)
        moved = crf.transitions[paths[:, :-1], paths[:, 1:]].sum(1)
        scores = emitted + moved + crf.start[paths[:, 0]] + crf.end[paths[:, -1]]
        own = (paths == labels[i, :length]).all(1)
        total = total + scores[own].sum() - scores.logsumexp(0)
    total.backward()
    for actual, parameter in zip(gradients, crf.parameters(), strict=True):
        torch.testing.assert_close(actual, parameter.grad)


def test_padding_changes_neither_values_nor_gradients():
    crf, logits, labels, lengths = toy(4, [5, 1, 3])

    def everything(logits, labels):
        logits = logits.clone().requires_grad_()
        crf.zero_grad()
        log_p = crf.log_likelihood(logits, labels, lengths)
        (log_p * torch.tensor([1.0, 2.0, 0.5])).sum().backward()
        real = torch.arange(logits.shape[1]) < lengths[:, None]
        assert not logits.grad[~real].any()
        gradients = [p.grad for p in crf.parameters()]
        decoded = crf.decode(logits, lengths)[real]
        marginals = crf.marginals(logits, lengths)[real]
        return [log_p, logits.grad[real], marginals, decoded, *gradients]

    expected = everything(logits, labels)
    logits = torch.cat([logits, logits], 1)
    labels = torch.cat([labels, labels], 1)
    padded = torch.arange(logits.shape[1]) >= lengths[:, None]
    logits[padded], labels[padded] = 1e3 * torch.randn(int(padded.sum()), 4).double(), 3
    for actual, wanted in zip(everything(logits, labels), expected, strict=True):
        torch.testing.assert_close(actual, wanted)


@pytest.mark.parametrize("scale", [30.0, 100.0])
def test_large_scores_do_not_overflow(scale):
    crf, logits, labels, lengths = toy(5, [60, 1, 33], scale=scale)
    log_p = crf.log_likelihood(logits.requires_grad_(), labels, lengths)
    log_p.sum().backward()
    gradients = [logits.grad, *(p.grad for p in crf.parameters())]
    assert log_p.isfinite().all() and all(s.isfinite().all() for s in gradients)
    totals = crf.marginals(logits, lengths).sum(2)
    real = torch.arange(60) < lengths[:, None]
    torch.testing.assert_close(totals, real.double())


LABELS = {
    "bio": ["B-x", "B-y", "I-x", "I-y", "O"],
    "bioes": ["B-x", "E-x", "I-x", "O", "S-y"],
}
VALID = {
    "bio": "(O |B-x (I-x )*|B-y (I-y )*)+",
    "bioes": "(O |S-y |B-x (I-x )*E-x )+",
}
"""Every labelling of the scheme, as a regular expression."""


def valid(scheme, paths):
    """Which of the paths (N, T) are labellings of the scheme."""
    texts = ["".join(f"{LABELS[scheme][i]} " for i in path) for path in paths]
    return np.array([re.fullmatch(VALID[scheme], text) is not None for text in texts])


def constrained(scheme, lengths, seed, crf=True):
    """As `toy`, with the labels of a scheme."""
    free, logits, _, n = toy(5, lengths, seed)
    allowed = allowed_by(scheme, LABELS[scheme])
    if not crf:
        return SoftmaxLabels(5, allowed), logits, n
    field = LinearChainCRF(5, allowed)
    field.load_state_dict(free.state_dict(), strict=False)
    return field, logits, n


def scores_of(distribution, logits):
    """Every labelling of one sample with its score, whatever the distribution."""
    if isinstance(distribution, LinearChainCRF):
        return labellings(distribution, logits)
    return labellings(LinearChainCRF(logits.shape[1]), logits)


schemes = given(
    scheme=st.sampled_from(["bio", "bioes"]),
    crf=st.booleans(),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    seed=st.integers(0, 1000),
)


@settings(max_examples=25, deadline=None)
@schemes
def test_decoding_finds_the_best_valid_labelling(scheme, crf, lengths, seed):
    distribution, logits, n = constrained(scheme, lengths, seed, crf)
    decoded = distribution.decode(logits, n)
    for i, length in enumerate(lengths):
        paths, scores = scores_of(distribution, logits[i, :length])
        scores[~valid(scheme, paths)] = -np.inf
        assert decoded[i, :length].tolist() == paths[scores.argmax()].tolist()


@settings(max_examples=25, deadline=None)
@schemes
def test_marginals_are_those_of_the_valid_labellings(scheme, crf, lengths, seed):
    distribution, logits, n = constrained(scheme, lengths, seed, crf)
    marginals = distribution.marginals(logits, n).detach().numpy()
    for i, length in enumerate(lengths):
        paths, scores = scores_of(distribution, logits[i, :length])
        keep = valid(scheme, paths)
        paths, scores = paths[keep], scores[keep]
        p = np.exp(scores - np.logaddexp.reduce(scores))
        expected = [
            [p[paths[:, t] == k].sum() for k in range(5)] for t in range(length)
        ]
        np.testing.assert_allclose(marginals[i, :length], expected, atol=1e-9)


@pytest.mark.parametrize("crf", [True, False])
def test_large_scores_lose_no_valid_labelling(crf):
    distribution, logits, n = constrained("bioes", [4, 2, 3], 0, crf)
    logits = 1000 * logits
    decoded, marginals = (
        distribution.decode(logits, n),
        distribution.marginals(logits, n),
    )
    for i, length in enumerate(n.tolist()):
        paths, scores = scores_of(distribution, logits[i, :length])
        scores[~valid("bioes", paths)] = -np.inf
        best = paths[scores.argmax()].tolist()
        assert decoded[i, :length].tolist() == best
        np.testing.assert_allclose(
            marginals[i, torch.arange(length), best].detach(), 1.0, atol=1e-9
        )


@settings(max_examples=25, deadline=None)
@cases
def test_likelihoods_of_steps_are_conditional_and_sum_to_the_whole(
    n_labels, lengths, seed
):
    crf, logits, labels, n = toy(n_labels, lengths, seed)
    steps = crf.step_log_likelihoods(logits, labels, n).detach().numpy()
    whole = crf.log_likelihood(logits, labels, n).detach().numpy()
    np.testing.assert_allclose(steps.sum(1), whole, atol=1e-9)
    for i, length in enumerate(lengths):
        paths, scores = labellings(crf, logits[i, :length])
        begins_alike = np.zeros(len(paths), dtype=bool) | True
        before = np.logaddexp.reduce(scores)
        for t in range(length):
            begins_alike &= paths[:, t] == labels[i, t].item()
            now = np.logaddexp.reduce(scores[begins_alike])
            np.testing.assert_allclose(steps[i, t], now - before, atol=1e-9)
            before = now
        assert not steps[i, length:].any()


def test_likelihoods_of_steps_without_transitions_are_those_of_softmax():
    _, logits, labels, n = toy(4, [5, 2])
    crf, softmax = LinearChainCRF(4), SoftmaxLabels(4)
    torch.testing.assert_close(
        crf.step_log_likelihoods(logits, labels, n).float(),
        softmax.step_log_likelihoods(logits, labels, n),
    )


def test_gradients_of_the_likelihoods_of_steps_are_those_of_the_whole():
    field, logits, labels, n = toy(4, [4, 1, 3])
    logits.requires_grad_()
    gradients = []
    for log_p in (
        field.log_likelihood,
        lambda *batch: field.step_log_likelihoods(*batch).sum(1),
    ):
        field.zero_grad()
        logits.grad = None
        (log_p(logits, labels, n) * torch.tensor([1.0, 2.0, 0.5])).sum().backward()
        gradients.append([p.grad.clone() for p in (*field.parameters(), logits)])
    for whole, steps in zip(*gradients, strict=True):
        torch.testing.assert_close(steps, whole)


@pytest.mark.parametrize(
    ("labels", "scheme"),
    [
        (["B-x", "I-x", "O"], "bio"),
        (["B-x", "B-y"], "bio"),
        (["B-x", "I-x"], "bio"),
        (["B-x", "E-x", "O"], "bioes"),
        (["O", "S-x"], "bioes"),
        # Without "S-kind" no labelling of a single step is valid.
        (["B-x", "E-x"], None),
        # IO: without a beginning nothing follows from the scheme.
        (["I-x", "O"], None),
        (["B-x", "I-x", "O", "X"], None),
        (["B-", "I-x", "O"], None),
        (["B", "I", "O"], None),
        ([0, 1], None),
        (["D", "N"], None),
    ],
)
def test_schemes_are_recognised_from_labels(labels, scheme):
    assert scheme_of(labels) == scheme
