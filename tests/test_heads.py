"""Heads in full and in half precision."""

import pytest
import torch

from lamina.batch import Features
from lamina.nn.heads import PooledHead, mean_over_steps


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("ragged", [False, True])
def test_the_mean_over_many_steps_is_as_exact_as_in_double_precision(dtype, ragged):
    torch.manual_seed(0)
    h = torch.randn(3, 511, 4).to(dtype)
    lengths = torch.tensor([511, 300, 1]) if ragged else None
    truth = torch.stack(
        [
            sample[:n].double().mean(0)
            for sample, n in zip(h, lengths if ragged else [511] * 3, strict=True)
        ]
    )
    pooled = mean_over_steps(Features(h, lengths))
    assert pooled.dtype == torch.promote_types(dtype, torch.float32)
    torch.testing.assert_close(pooled.double(), truth, rtol=1e-5, atol=1e-6)


def test_outputs_have_full_precision_under_autocast():
    torch.manual_seed(0)
    head, h = PooledHead(8, 3), torch.randn(5, 7, 8).bfloat16()
    truth = head(Features(h.float()))
    with torch.autocast("cpu", torch.bfloat16):
        output = head(Features(h))
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, truth, rtol=1e-5, atol=1e-6)
    output.sum().backward()
    assert head.out.weight.grad.dtype == torch.float32
