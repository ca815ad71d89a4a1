"""Written-out kernels against the plain autograd version of the same thing."""

import numpy as np
import pytest
import torch
from torch import nn

from lamina.batch import Batch, Spec
from lamina.bodies.dense import DenseBody, DenseParams
from lamina.kernels import private
from lamina.kernels.activations import ACTIVATIONS
from lamina.kernels.dense import DenseKernel
from lamina.kernels.masks import keep_mask
from lamina.nn.dense import DenseLayers
from lamina.nn.dropout import Dropout
from lamina.nn.losses import by_autograd, cross_entropy, squared_error
from lamina.nn.model import Model
from lamina.process import torch_alone
from lamina.tasks.classification import (
    ClassificationParams,
    SingleLabelClassification,
)
from lamina.training import gradients, optimizers
from lamina.training.params import TrainerParams
from lamina.training.plan import ExecutionPlan

FLOAT32 = ExecutionPlan(torch.device("cpu"), torch.float32)


def network(activation="relu", dropout=0.0, n_categories=(), dtype=torch.float32):
    torch.manual_seed(0)
    params = DenseParams(
        hidden_layer_sizes=(12, 20), activation=activation, dropout=dropout
    )
    spec = Spec(n_channels=6, n_categories=n_categories)
    task = SingleLabelClassification(ClassificationParams()).fit(np.arange(3), None)
    body = DenseBody(spec, params)
    return Model(body, task.head(body)).to(dtype), task


def batches(n_steps, n_categories=()):
    generator = torch.Generator().manual_seed(1)
    for step in range(n_steps):
        size = 30 + step % 2
        x = torch.randn(size, 6, generator=generator)
        codes = [
            torch.randint(0, n, (size,), generator=generator) for n in n_categories
        ]
        weight = torch.rand(size, generator=generator) if step % 3 else None
        yield Batch(
            x,
            torch.stack(codes, 1) if codes else None,
            target=x[:, :3].argmax(1),
            weight=weight,
        )


def losses(way, activation, dropout, n_categories):
    model, task = network(activation, dropout, n_categories)
    if way == "kernel":
        step = gradients.gradients_of(model, task, FLOAT32)
        assert isinstance(step, gradients.ByKernel)
    else:
        step = gradients.ByAutograd(model, task, FLOAT32)
    params = TrainerParams(alpha=0.01)
    optimizer = optimizers.OPTIMIZERS["adamw"](step.weights, params)
    torch.manual_seed(2)
    curve = []
    for batch in batches(50, n_categories):
        curve.append(step(batch).item())
        optimizer.step(3e-3)
    return np.array(curve)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("dropout", "n_categories"), [(0.0, ()), (0.3, ()), (0.0, (4, 11))]
)
def test_the_dense_kernel_takes_the_steps_of_autograd(
    activation, dropout, n_categories
):
    with torch_alone():  # numpy would draw the masks of several steps at once
        by_kernel, plain = (
            losses(way, activation, dropout, n_categories)
            for way in ("kernel", "autograd")
        )
    assert plain[-10:].mean() < 0.9 * plain[:10].mean()
    np.testing.assert_allclose(by_kernel, plain, atol=1e-5)


def kernel_of(layers, out, dtype):
    linears = [*layers.linears, out]
    return DenseKernel(linears, layers.activation, layers.dropout, dtype)


class AsFunction(torch.autograd.Function):
    """The kernel as autograd sees it: x and the weights in, z out."""

    @staticmethod
    def forward(ctx, x, layers, out, *params):
        ctx.kernel, ctx.linears = (
            kernel_of(layers, out, x.dtype),
            [*layers.linears, out],
        )
        return ctx.kernel.forward(x.detach()).clone()

    @staticmethod
    def backward(ctx, gradient):
        to_input = ctx.kernel.backward(gradient, to_input=True)
        weights = [linear.weight.grad.clone() for linear in ctx.linears]
        biases = [linear.bias.grad.clone() for linear in ctx.linears]
        return to_input, None, None, *weights, *biases


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_outputs", [3, 20])
def test_the_gradients_of_the_dense_kernel_are_those_of_finite_differences(
    activation, n_outputs
):
    torch.manual_seed(0)
    layers = DenseLayers([4, 5, 6], activation, 0.0).double()
    out = nn.Linear(6, n_outputs).double()
    linears = [*layers.linears, out]
    params = [m.weight for m in linears] + [m.bias for m in linears]
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, *p: AsFunction.apply(x, layers, out, *p), (x, *params)
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_outputs", [3, 20])
def test_the_dense_kernel_in_bfloat16_is_that_in_float32_rounded(activation, n_outputs):
    torch.manual_seed(0)
    layers, out = DenseLayers([40, 50, 60], activation, 0.0), nn.Linear(60, n_outputs)
    for linear in layers.linears:
        nn.init.normal_(linear.bias)
    x, gradient = torch.randn(30, 40), torch.randn(30, n_outputs)
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        for p in [*layers.parameters(), *out.parameters()]:
            p.grad = None
        kernel = kernel_of(layers, out, dtype)
        z = kernel.forward(x).float()
        to_input = kernel.backward(gradient, to_input=True).float()
        grads = [p.grad.clone() for p in [*layers.parameters(), *out.parameters()]]
        results.append([z, to_input, *grads])
    for exact, rounded in zip(*results, strict=True):
        assert rounded.dtype == torch.float32
        # A relu whose input rounding turns round counts with its whole gradient.
        assert (rounded - exact).norm() < 0.06 * exact.norm()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_and_its_gradient_are_torchs(weighted, smoothing):
    torch.manual_seed(0)
    logits, target = torch.randn(7, 4), torch.randint(0, 4, (7,))
    weight = torch.rand(7) if weighted else None

    def plain(output, target):
        return nn.functional.cross_entropy(
            output, target, reduction="none", label_smoothing=smoothing
        )

    ours = cross_entropy(logits, target, weight, smoothing)
    torch.testing.assert_close(ours, by_autograd(plain, logits, target, weight))


@pytest.mark.parametrize("weighted", [False, True])
def test_squared_error_and_its_gradient_are_autograds(weighted):
    torch.manual_seed(0)
    output, target = torch.randn(7, 4), torch.randn(7, 4)
    weight = torch.rand(7) if weighted else None

    def plain(output, target):
        return ((output - target) ** 2).mean(1)

    ours = squared_error(output, target, weight)
    torch.testing.assert_close(ours, by_autograd(plain, output, target, weight))


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.97])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    torch.manual_seed(0)
    mask = keep_mask(torch.empty(1001, 301), rate)
    assert len(mask.unique()) == 2
    n = mask.numel()
    spread = (rate * (1 - rate) / n) ** 0.5
    assert (mask == 0).float().mean().item() == pytest.approx(rate, abs=5 * spread)
    assert mask.mean().item() == pytest.approx(1, abs=5 * spread / (1 - rate))
    drop = Dropout(rate).eval()
    h = torch.randn(4, 5)
    assert drop(h) is h


def test_products_in_bfloat16_leave_float32_weights_and_come_close():
    model, task = network()
    batch = next(batches(1))
    exact = gradients.gradients_of(model, task, FLOAT32)(batch).item()
    truth = [p.grad.clone() for p in model.parameters()]
    coarse = ExecutionPlan(torch.device("cpu"), torch.bfloat16)
    loss = gradients.gradients_of(model, task, coarse)(batch)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact, rel=0.02)
    for p, g in zip(model.parameters(), truth, strict=True):
        assert p.dtype == p.grad.dtype == torch.float32
        assert (p.grad - g).norm() < 0.1 * g.norm()


@pytest.mark.parametrize("name", ["copy_all", "add_all"])
def test_operations_on_all_tensors_have_public_equivalents(name):
    shapes = [(3, 4), (5,), ()]
    values = [torch.randn(s) for s in shapes]
    both = []
    for function in (getattr(private, name), getattr(private, f"{name}_plainly")):
        to = [torch.ones(s) for s in shapes]
        function(to, values, *([0.5] if name == "add_all" else []))
        both.append(to)
    torch.testing.assert_close(*both)


@pytest.mark.parametrize("n", [1, 3])
def test_scales_and_norms_have_public_equivalents(n):
    tensors = [torch.randn(4, i + 1) for i in range(n)]
    norms = private.norms_of(tensors)
    torch.testing.assert_close(norms, private.norms_of_plainly(tensors))
    both = []
    for scale in (private.scale_all, private.scale_all_plainly):
        scaled = [t.clone() for t in tensors]
        scale(scaled, 0.3)
        both.append(scaled)
    torch.testing.assert_close(*both)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_fused_optimizers_have_public_equivalents(momentum, nesterov):
    torch.manual_seed(0)
    gradients = [[torch.randn(3, 2), torch.randn(4)] for _ in range(3)]
    both = {"fused": [], "plain": []}
    for way, adam, sgd in (
        ("fused", private.adam, private.momentum),
        ("plain", private.adam_plainly, private.momentum_plainly),
    ):
        values = [[torch.ones(3, 2), torch.ones(4)] for _ in range(2)]
        zeros = [[torch.zeros(3, 2), torch.zeros(4)] for _ in range(3)]
        n_steps = torch.zeros(())
        for g in gradients:
            n_steps += 1
            adam(values[0], g, zeros[0], zeros[1], n_steps, 0.1, (0.9, 0.99), 1e-8)
            velocities = zeros[2] if momentum else []
            nest = nesterov and momentum > 0
            sgd(values[1], g, velocities, 0.1, momentum, nest)
        both[way] = values
    torch.testing.assert_close(both["fused"], both["plain"], atol=1e-5, rtol=1e-5)


def test_products_gates_and_overflow_have_public_equivalents():
    x, w, b = torch.randn(5, 4), torch.randn(3, 4), torch.randn(3)
    for then in ("none", "relu"):
        torch.testing.assert_close(
            private.linear(x, w, b, then), private.linear_plainly(x, w, b, then)
        )
    s, out = torch.rand(5, 4), torch.empty(5, 4)
    torch.testing.assert_close(
        private.times_logistic_derivative(x, s, out),
        private.times_logistic_derivative_plainly(x, s),
    )
    for bad in (False, True):
        both = []
        for unscale in (private.unscale, private.unscale_plainly):
            g = [torch.tensor([1.0, float("inf") if bad else 2.0]), torch.ones(2)]
            overflow = torch.zeros(())
            unscale(g, overflow, torch.tensor(0.5))
            both.append([overflow, g[1]])
        torch.testing.assert_close(*both)
        assert both[0][0] == float(bad)
