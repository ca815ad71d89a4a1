"""Error rates of texts, by jiwer."""

import numpy as np

from lamina.exceptions import MissingExtraError


def error_rate(
    unit: str, truth: list[str], predicted: list[str], weight: np.ndarray | None
) -> float:
    """Units inserted, deleted or substituted, divided by the units of the true texts.

    `unit` is "words" or "characters". A true text may be empty; every predicted unit is an
    insertion then.
    """
    counts = error_counts(unit, truth, predicted)
    return rate_of((np.ones(len(truth)) if weight is None else weight) @ counts)


def error_counts(unit: str, truth: list[str], predicted: list[str]) -> np.ndarray:
    """(n, 2) of each text: the units that are wrong, and those of the true text."""
    try:
        import jiwer
    except ImportError:
        raise MissingExtraError("Error rates", "jiwer", "text") from None
    process, prepare = {
        "words": (jiwer.process_words, _single_spaces),
        "characters": (jiwer.process_characters, str),
    }[unit]
    counts = np.zeros((len(truth), 2))
    for row, true, text in zip(counts, truth, predicted, strict=True):
        if not true.strip():
            row[0] = len(text.split() if unit == "words" else text.strip())
            continue
        result = process(prepare(true), prepare(text))
        row[0] = result.substitutions + result.deletions + result.insertions
        row[1] = result.substitutions + result.deletions + result.hits
    return counts


def rate_of(sums: np.ndarray) -> float:
    """The error rate of a sum (2,) of the counts of texts."""
    n_wrong, n_units = sums
    return float(n_wrong / n_units) if n_units else float(n_wrong > 0)


def _single_spaces(text: str) -> str:
    """The text with single spaces, the only separators of words for jiwer."""
    return " ".join(text.split())
