"""Similarity of generated texts to their references: chrF and BLEU, by sacrebleu."""

from typing import Any

import numpy as np

from lamina.exceptions import MissingExtraError
from lamina.scripts import has_kana, is_unspaced


def chrf(
    texts: list[str], references: list[list[str]], weight: np.ndarray | None
) -> float:
    """Weighted mean over texts of the character n-gram F-score (Popovic 2015), in [0, 1].

    Of several references the best one counts; a text that equals one of them has 1.
    """
    return float(np.average(sentence_chrf(texts, references), weights=weight))


def sentence_chrf(texts: list[str], references: list[list[str]]) -> np.ndarray:
    """(n,) the F-score of each text, of several references with the best one."""
    metric = _metrics().CHRF()
    scores = [
        1.0 if text in true else metric.sentence_score(text, true).score / 100
        for text, true in zip(texts, references, strict=True)
    ]
    return np.array(scores)


def bleu(
    texts: list[str], references: list[list[str]], weight: np.ndarray | None
) -> float:
    """Corpus BLEU (Papineni et al. 2002; Post 2018), in [0, 1].

    The counts of each text are multiplied by its weight. If most references are in a script
    without spaces, n-grams are of characters.
    """
    counts = bleu_counts(texts, references)
    return bleu_of((np.ones(len(texts)) if weight is None else weight) @ counts)


def bleu_counts(texts: list[str], references: list[list[str]]) -> np.ndarray:
    """(n, 10) of each text: matching n-grams, all n-grams, and the two lengths."""
    BLEU = _metrics().BLEU
    metric = BLEU(effective_order=True, tokenize=_tokenizer(references))
    return np.array(
        [
            [*score.counts, *score.totals, score.sys_len, score.ref_len]
            for score in map(metric.sentence_score, texts, references)
        ]
    )


def bleu_of(sums: np.ndarray) -> float:
    """The BLEU of a sum (10,) of the counts of texts."""
    correct, total = np.split(sums[:-2], 2)
    sys_len, ref_len = sums[-2:]
    result = _metrics().BLEU.compute_bleu(
        correct=correct.tolist(),
        total=total.tolist(),
        # Only their ratio has an effect, and they have to be integers.
        sys_len=round(1000 * sys_len),
        ref_len=round(1000 * ref_len),
        smooth_method="exp",
    )
    return result.score / 100


def _tokenizer(references: list[list[str]]) -> str:
    """The tokenizer of sacrebleu for texts of this script."""
    texts = [text for true in references for text in true]
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
