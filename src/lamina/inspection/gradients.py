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

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.inspection.lines import Contributions, Explained

TOLERANCE = 1e-3
"""Of the sum of the absolute values: by how much the sum of the values may be wrong."""
ROUNDING = 1e-5
"""The same of the outputs, for samples that hardly differ from the baseline."""
FIRST, LAST = 32, 2048
"""The numbers of steps with which `n_steps="auto"` begins and ends."""


def integrated_gradients(
    explained: Explained, batch: Batch, n_steps: int | None
) -> Contributions:
    """Without `n_steps`, steps are added to lines whose values do not sum up."""
    outputs, weights = explained.at_samples(batch)
    rounding = ROUNDING * (outputs * weights).abs().sum(1)
    return _Integrals(explained, weights, rounding, batch).contributions(n_steps)


class _Points(NamedTuple):
    """Points of the lines to B samples."""

    h: Tensor
    """(S, B, ...)."""
    gradient: Tensor
    """(S, B, ...)."""
    f: Tensor
    """(S, B)."""

    def after(self, last: "_Points | None") -> "_Points":
        """The same, and the point before them."""
        if last is None:
            return self
        return _Points(*(torch.cat(pair) for pair in zip(last, self, strict=True)))

    def last(self) -> "_Points":
        """The last point alone."""
        return _Points(*(values[-1:] for values in self))


@dataclass
class _Integrals:
    """The integrals along the lines to the samples of a batch."""

    explained: Explained
    weights: Tensor
    """(B, K) of the outputs in F."""
    rounding: Tensor
    """(B,) by which outputs may be wrong."""
    batch: Batch

    def contributions(self, n_steps: int | None) -> Contributions:
        n_rows, n_lines = len(self.batch), self.explained.lines.n_baselines
        t = torch.linspace(0, 1, (n_steps or FIRST) + 1)[:, None].expand(-1, n_rows)
        result, rows, points = None, torch.arange(n_rows), [t] * n_lines
        while len(rows):
            pairs = [self._sums(i, rows, t) for i, t in enumerate(points)]
            sums, errors = zip(*pairs, strict=True)
            new = torch.stack(sums).mean(0)
            gap = torch.stack([e.sum(0) for e in errors]).mean(0).abs()
            gap -= self.rounding[rows] + TOLERANCE * new[:, :-2].abs().sum(1)
            new = torch.cat([new, gap[:, None]], 1)
            result = new if result is None else result.index_copy(0, rows, new)
            if n_steps or len(errors[0]) >= LAST:
                break
            has_gap = gap > 0
            rows = rows[has_gap]
            points = [
                _refined(t[:, has_gap], e[:, has_gap])
                for t, e in zip(points, errors, strict=True)
            ]
        assert result is not None
        return Contributions(result[:, :-3], *result[:, -3:].unbind(1))

    def _sums(self, baseline: int, rows: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """For rows, the values and F at both ends, and the errors (S, rows) of the steps."""
        batch = self.batch.part(0, rows.to(self.batch.x.device))
        total, last, first_f, errors = torch.zeros(()), None, None, []
        for part in t.split(self.explained.n_points(batch)):
            points = self._points(baseline, batch, self.weights[rows], part)
            points = points.after(last)
            to_h, to_f = points.h.diff(dim=0), points.f.diff(dim=0)
            values, added = _of_steps(points.gradient, to_h, to_f)
            total, last = total + values, points.last()
            first_f = points.f[0] if first_f is None else first_f
            errors.append((added - to_f).cpu())
        assert last is not None and first_f is not None
        sums = self.explained.lines.by_cell(total).cpu()
        ends = torch.stack([first_f, last.f[0]], 1).cpu()
        return torch.cat([sums, ends], 1), torch.cat(errors)

    def _points(
        self, baseline: int, batch: Batch, weights: Tensor, t: Tensor
    ) -> _Points:
        """The points at t (S, B)."""
        explained, device = self.explained, batch.x.device
        t = t.to(device)[:, :, None]
        h = explained.lines.points(batch, baseline, t).requires_grad_()
        with torch.enable_grad(), _recurrent_gradients(device):
            f = (explained.outputs(h, batch) * weights).sum(2)
            (gradient,) = torch.autograd.grad(f.sum(), h)
        return _Points(h.detach(), gradient, f.detach().to(device))


def _recurrent_gradients(device: torch.device) -> AbstractContextManager:
    """CuDNN computes gradients of recurrent layers in training mode only."""
    if device.type == "cuda":
        return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()


def _of_steps(gradient: Tensor, to_h: Tensor, to_f: Tensor) -> tuple[Tensor, Tensor]:
    """The sum over S steps (B, ...), and what each step adds to F (S, B).

    From gradients (S + 1, B, ...), and the changes of h (S, B, ...) and F (S, B).
    """
    first, second = gradient[:-1] * to_h, gradient[1:] * to_h
    by_first, by_second = first.flatten(2).sum(2), second.flatten(2).sum(2)
    s = (to_f.to(by_first) - by_second) / (by_first - by_second)
    s = s.nan_to_num(0.5).clamp(0, 1)
    added = by_second.lerp(by_first, s)
    s = s.view(*s.shape, *[1] * (to_h.dim() - 2))
    return torch.lerp(second, first, s).sum(0), added


def _refined(t: Tensor, errors: Tensor) -> Tensor:
    """Twice as many steps (2 S + 1, B): half of them of equal length, half by the errors.

    The errors alone would leave long steps whose errors are small by chance.
    """
    n_steps = len(errors)
    # A line without errors is that of a row which is its own baseline.
    by_error = (errors.abs() / errors.abs().sum(0)).nan_to_num(1 / n_steps)
    density = by_error + t.diff(dim=0)
    reached = torch.cat([density.new_zeros(1, t.shape[1]), density.cumsum(0)]).T
    levels = torch.linspace(0, 2, 2 * n_steps + 1, dtype=reached.dtype)[1:-1]
    levels = levels.expand(len(reached), -1).contiguous()
    step = (torch.searchsorted(reached.contiguous(), levels) - 1).clamp(0, n_steps - 1)
    low, high = reached.gather(1, step), reached.gather(1, step + 1)
    fraction = ((levels - low) / (high - low)).to(t.dtype)
    inner = t.T.gather(1, step).lerp(t.T.gather(1, step + 1), fraction).T
    return torch.cat([t[:1], inner, t[-1:]])
