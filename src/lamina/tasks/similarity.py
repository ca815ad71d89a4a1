"""How near written texts are to what was wanted: chrF and BLEU, by sacrebleu."""

from typing import Any

import numpy as np

from lamina.exceptions import MissingExtraError
from lamina.scripts import has_kana, is_unspaced


def chrf(
    texts: list[str], references: list[list[str]], weight: np.ndarray | None
) -> float:
    """Weighted mean over texts of the character n-gram F-score (Popovic 2015), in [0, 1].

    That of the best of a text's references counts; a text that equals one of them has 1.
    """
    metric = _metrics().CHRF()
    scores = [
        1.0 if text in known else metric.sentence_score(text, known).score / 100
        for text, known in zip(texts, references, strict=True)
    ]
    return float(np.average(scores, weights=weight))


def bleu(
    texts: list[str], references: list[list[str]], weight: np.ndarray | None
) -> float:
    """Corpus BLEU (Papineni et al. 2002; Post 2018), from 0 to 1.

    The counts of a text are taken `weight` times, so that 2 is twice and 0 is absent.
    Where most references are of a script without spaces, n-grams are of characters.
    """
    BLEU = _metrics().BLEU
    metric = BLEU(effective_order=True, tokenize=_tokenizer(references))
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


def _tokenizer(references: list[list[str]]) -> str:
    """The name in sacrebleu of what cuts texts of this script."""
    texts = [text for known in references for text in known]
    if not is_unspaced(texts):
        return "13a"
    is_han = any("\u4e00" <= character <= "\u9fff" for t in texts for character in t)
    return "zh" if is_han and not has_kana(texts) else "char"


def _metrics() -> Any:
    try:
        from sacrebleu import metrics
    except ImportError:
        raise MissingExtraError("chrF and BLEU", "sacrebleu", "text") from None
    return metrics
