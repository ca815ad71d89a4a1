"""Integrated gradients (Sundararajan et al. 2017) of the samples of a batch.

    v_d = integral over t from 0 to 1 of dF/dh_d dh_d/dt,   sum of v_d = F(h(1)) - F(h(0))

along a line from a baseline (t = 0) to a sample (t = 1). It is straight in the data, and h(t)
are the inputs of the network there, which may be any function of the data. It is computed from
the gradients g and the outputs F at points h_k = h(t_k) as

    v = sum over k of (s_k g_k + (1 - s_k) g_k+1) (h_k+1 - h_k),   0 <= s_k <= 1

with the s_k for which step k adds F(h_k+1) - F(h_k), or nearly: networks are piecewise linear,
and that is exact for a step with one bend. Where it fails there are more bends, and the next
points are placed: embeddings of numbers may bend hundreds of times, at distances of any size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Features
from lamina.nn.body import Body

TOLERANCE = 1e-3
"""Of the sum of the absolute values: by how much the sum of the values may be wrong."""
ROUNDING = 1e-5
"""The same of the outputs, for samples that hardly differ from the baseline."""
FIRST, LAST = 32, 2048
"""The numbers of steps with which `n_steps="auto"` begins and ends."""
ROWS_AT_ONCE = 4096
"""Points of lines whose gradients are computed together."""

Output = Callable[[Tensor], Tensor]
"""Inputs (N, ...) of a network -> outputs (N, K)."""
Choice = Callable[[Tensor], Tensor]
"""Outputs (B, K) -> their weights (B, K) in F."""


class Lines(Protocol):
    """The lines from baselines to samples, for a form of data."""

    n_baselines: int
    n_columns: int
    feature_names: np.ndarray
    """(n_columns,)"""

    def points(self, batch: Batch, baseline: int, t: Tensor) -> Tensor:
        """The inputs (S, B, ...) of the network at t (S, B) of the lines from a baseline."""
        ...

    def features(self, body: Body, h: Tensor) -> Features:
        """The features of points (N, ...)."""
        ...

    def by_column(self, values: Tensor) -> Tensor:
        """Values (B, ...) of the inputs -> their sums (B, n_columns)."""
        ...


@torch.inference_mode(False)
@torch.no_grad()
def integrated_gradients(
    output: Output, choice: Choice, lines: Lines, batch: Batch, n_steps: int | None
) -> Tensor:
    """(B, n_columns + 3): the values, F at the baseline and at the sample, and the gap.

    All are means over the baselines. The gap is by how much the sum of the values is wrong
    beyond what is allowed. Without `n_steps`, steps are added to lines that have a gap.
    """
    (h,) = lines.points(batch, 0, batch.x.new_ones(1, len(batch)))
    outputs = output(h)
    weights = choice(outputs)
    rounding = ROUNDING * (outputs * weights).abs().sum(1)
    return _Integrals(output, weights, rounding, lines, batch).values(n_steps)


@dataclass
class _Integrals:
    """The integrals along the lines to the samples of a batch."""

    output: Output
    weights: Tensor
    """(B, K) of the outputs in F."""
    rounding: Tensor
    """(B,) by which outputs may be wrong."""
    lines: Lines
    batch: Batch

    def values(self, n_steps: int | None) -> Tensor:
        """(B, n_columns + 3), means over the baselines."""
        n_rows, n_lines = len(self.batch), self.lines.n_baselines
        t = torch.linspace(0, 1, (n_steps or FIRST) + 1)[:, None].expand(-1, n_rows)
        result = self.weights.new_zeros(n_rows, self.lines.n_columns + 3)
        rows, points = torch.arange(n_rows), [t] * n_lines
        while len(rows):
            pairs = [self._sums(i, rows, t) for i, t in enumerate(points)]
            sums, errors = zip(*pairs, strict=True)
            result[rows, :-1] = torch.stack(sums).mean(0)
            gap = torch.stack([e.sum(0) for e in errors]).mean(0).abs()
            gap -= self.rounding[rows] + TOLERANCE * result[rows, :-3].abs().sum(1)
            result[rows, -1] = gap
            if n_steps or len(errors[0]) >= LAST:
                break
            has_gap = gap > 0
            rows = rows[has_gap]
            points = [
                _refined(t[:, has_gap], e[:, has_gap])
                for t, e in zip(points, errors, strict=True)
            ]
        return result

    def _sums(self, baseline: int, rows: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """For rows, the values and F at both ends, and the errors (S, rows) of the steps."""
        weights, device = self.weights[rows], self.batch.x.device
        batch = self.batch.part(0, rows.to(device))
        sums = weights.new_zeros(len(rows), self.lines.n_columns)
        at_points, errors = [], []
        size = max(1, ROWS_AT_ONCE // len(rows))
        for start in range(0, len(t) - 1, size):
            part = t[start : start + size + 1].to(device)
            h = self.lines.points(batch, baseline, part).requires_grad_()
            with torch.enable_grad():
                outputs = self.output(h.flatten(0, 1)).view(len(h), *weights.shape)
                f = (outputs * weights).sum(2)
                (gradient,) = torch.autograd.grad(f.sum(), h)
            f = f.detach()
            values, added = _of_steps(gradient, h.detach().diff(dim=0), f.diff(dim=0))
            sums += self.lines.by_column(values).cpu()
            errors.append(added.cpu() - f.diff(dim=0))
            at_points.append(f)
        ends = torch.stack([at_points[0][0], at_points[-1][-1]], 1)
        return torch.cat([sums, ends], 1), torch.cat(errors)


def _of_steps(gradient: Tensor, to_h: Tensor, to_f: Tensor) -> tuple[Tensor, Tensor]:
    """The sum over S steps (B, D), and what each step adds to F (S, B).

    From gradients (S + 1, B, D), and the changes of h (S, B, D) and F (S, B).
    """
    first, second = gradient[:-1] * to_h, gradient[1:] * to_h
    by_first, by_second = first.sum(2), second.sum(2)
    s = (to_f.to(by_first) - by_second) / (by_first - by_second)
    s = s.nan_to_num(0.5).clamp(0, 1)
    added = by_second.lerp(by_first, s)
    return torch.lerp(second, first, s[:, :, None]).sum(0), added


def _refined(t: Tensor, errors: Tensor) -> Tensor:
    """Twice as many steps (2 S + 1, B): half of them evenly, half of them by the errors."""
    n_steps = len(errors)
    # A line without errors is that of a row which is its own baseline.
    by_error = (errors.abs() / errors.abs().sum(0)).nan_to_num(1 / n_steps)
    density = by_error + 1 / n_steps
    reached = torch.cat([density.new_zeros(1, t.shape[1]), density.cumsum(0)]).T
    levels = torch.linspace(0, 2, 2 * n_steps + 1, dtype=reached.dtype)[1:-1]
    levels = levels.expand(len(reached), -1).contiguous()
    step = (torch.searchsorted(reached.contiguous(), levels) - 1).clamp(0, n_steps - 1)
    low, high = reached.gather(1, step), reached.gather(1, step + 1)
    fraction = ((levels - low) / (high - low)).to(t.dtype)
    inner = t.T.gather(1, step).lerp(t.T.gather(1, step + 1), fraction).T
    return torch.cat([t[:1], inner, t[-1:]])
