"""Products against those of higher precision, on one core and on several."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.kernels.products import Matrix, multiply

CALM = settings(max_examples=30, deadline=None)
sides = st.integers(1, 40)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@CALM
@given(st.tuples(sides, sides, sides), st.booleans(), st.booleans())
def test_a_product_agrees_with_double_precision_in_any_layout(
    n_threads, dtype, shape, a_turned, b_turned
):
    n, c, m = shape
    a = torch.randn(c, n).to(dtype).t() if a_turned else torch.randn(n, c).to(dtype)
    b = torch.randn(m, c).to(dtype).t() if b_turned else torch.randn(c, m).to(dtype)
    out = torch.empty(n, m, dtype=dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        multiply(Matrix(a), Matrix(b), Matrix(out))
        turned = torch.empty(m, n, dtype=dtype)
        multiply(Matrix(b).turned, Matrix(a).turned, Matrix(turned))
    finally:
        torch.set_num_threads(before)
    near = 10 * c * torch.finfo(dtype).eps
    truth = a.double() @ b.double()
    torch.testing.assert_close(out.double(), truth, rtol=near, atol=near)
    torch.testing.assert_close(turned.t().double(), truth, rtol=near, atol=near)
