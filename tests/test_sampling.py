"""Drawing tokens, against brute force in numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamina.nn.sampling import draw, sharpened

LOGITS = st.lists(st.integers(-40, 40), min_size=2, max_size=9, unique=True)


@given(LOGITS, st.floats(0.1, 3), st.none() | st.integers(1, 12), st.floats(0.01, 1))
def test_only_the_most_likely_tokens_are_kept(logits, temperature, top_k, top_p):
    logits = np.array(logits) / 8
    p = np.exp(logits / temperature)
    p /= p.sum()
    kept, total = [], 0.0
    for i in np.argsort(-p)[:top_k]:
        if total < top_p:
            kept.append(i)
        total += p[i]
    expected = np.zeros_like(p)
    expected[kept] = p[kept] / p[kept].sum()
    actual = sharpened(torch.tensor(logits)[None], temperature, top_k, top_p)[0]
    np.testing.assert_allclose(actual, expected, atol=1e-9)


@given(LOGITS)
def test_temperature_0_takes_the_most_likely_token(logits):
    p = sharpened(torch.tensor(logits, dtype=torch.float64)[None], 0.0)
    assert draw(p).item() == int(np.argmax(logits))
    assert p.max() == 1


def test_tokens_are_drawn_as_often_as_they_are_likely():
    p = torch.tensor([[0.5, 0.3, 0.2]]).expand(20_000, 3)
    drawn = draw(p, torch.Generator().manual_seed(0)).bincount() / len(p)
    assert drawn.tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.015)
