"""BLEU of weighted texts, by sacrebleu."""

import numpy as np

from lamina.exceptions import MissingExtraError


def bleu(
    texts: list[str], references: list[list[str]], weight: np.ndarray | None
) -> float:
    """Corpus BLEU (Papineni et al. 2002; Post 2018), from 0 to 1.

    The counts of a text are taken `weight` times, so that 2 is twice and 0 is absent.
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise MissingExtraError("BLEU", "sacrebleu", "text") from None
    metric = BLEU(effective_order=True)
    counts = np.array(
        [
            [*score.counts, *score.totals, score.sys_len, score.ref_len]
            for score in map(metric.sentence_score, texts, references)
        ]
    )
    weights = np.ones(len(texts)) if weight is None else weight
    correct, total = np.split((weights @ counts)[:-2], 2)
    sys_len, ref_len = (weights @ counts)[-2:]
    found = BLEU.compute_bleu(
        correct=correct.tolist(),
        total=total.tolist(),
        # Only their ratio counts, and they have to be whole.
        sys_len=round(1000 * sys_len),
        ref_len=round(1000 * ref_len),
        smooth_method="exp",
    )
    return found.score / 100
