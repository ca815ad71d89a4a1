"""Products against those of higher precision, on one core and on several."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.kernels import private
from lamina.kernels.products import Matrix, multiply

CALM = settings(max_examples=30, deadline=None)
sides = st.integers(1, 40)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@CALM
@given(st.tuples(sides, sides, sides), st.booleans(), st.booleans())
def test_a_product_is_that_of_double_precision_in_any_layout(
    n_threads, dtype, shape, a_transposed, b_transposed
):
    n, c, m = shape
    a = torch.randn(c, n).to(dtype).t() if a_transposed else torch.randn(n, c).to(dtype)
    b = torch.randn(m, c).to(dtype).t() if b_transposed else torch.randn(c, m).to(dtype)
    out = torch.empty(n, m, dtype=dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        multiply(Matrix(a), Matrix(b), Matrix(out))
        transposed = torch.empty(m, n, dtype=dtype)
        multiply(Matrix(b).T, Matrix(a).T, Matrix(transposed))
    finally:
        torch.set_num_threads(before)
    near = 10 * c * torch.finfo(dtype).eps
    truth = a.double() @ b.double()
    torch.testing.assert_close(out.double(), truth, rtol=near, atol=near)
    torch.testing.assert_close(transposed.t().double(), truth, rtol=near, atol=near)


@pytest.mark.parametrize("is_intel", [True, False])
def test_a_large_product_is_that_of_double_precision(is_intel, monkeypatch):
    monkeypatch.setattr(private, "has_intel_processor", lambda: is_intel)
    a, b = torch.randn(300, 200), torch.randn(100, 200).t()
    out = torch.empty(300, 100)
    multiply(Matrix(a), Matrix(b), Matrix(out))
    torch.testing.assert_close(
        out.double(), a.double() @ b.double(), rtol=1e-4, atol=1e-4
    )
