"""Drawing the next token of a text from the probabilities (N, K) of all tokens."""

import torch
from torch import Tensor


def sharpened(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """Logits (N, K) -> probabilities (N, K) to draw from.

    `temperature` divides the logits; 0 keeps the most likely token only. `top_k` keeps the
    k most likely tokens, `top_p` the fewest whose probabilities sum to at least `top_p`
    (Holtzman et al. 2020).
    """
    if temperature == 0:
        temperature, top_k = 1.0, 1
    logits = logits.double()
    # The greatest becomes 0, so that division by a small temperature cannot overflow.
    p = ((logits - logits.amax(-1, keepdim=True)) / temperature).softmax(-1)
    if top_k is None and top_p is None:
        return p
    ranked, order = p.sort(dim=-1, descending=True, stable=True)
    kept = torch.ones_like(ranked, dtype=torch.bool)
    if top_k is not None:
        kept[:, top_k:] = False
    if top_p is not None:
        kept &= ranked.cumsum(-1) - ranked < top_p
    p = torch.zeros_like(p).scatter(-1, order, ranked * kept)
    return p / p.sum(-1, keepdim=True)


def draw(p: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Probabilities (N, K) -> a token (N,) of each row."""
    return torch.multinomial(p, 1, generator=generator)[:, 0]
