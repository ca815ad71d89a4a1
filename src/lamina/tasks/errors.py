"""How much of a text is wrong, by jiwer."""

import numpy as np

from lamina.exceptions import MissingExtraError


def error_rate(
    unit: str, truth: list[str], found: list[str], weight: np.ndarray | None
) -> float:
    """Units inserted, left out or replaced, for each unit of the true texts.

    `unit` is "words" or "characters". An empty text is allowed: everything that was found
    is inserted then.
    """
    try:
        import jiwer
    except ImportError:
        raise MissingExtraError("Error rates", "jiwer", "text") from None
    process, read = {
        "words": (jiwer.process_words, _single_spaces),
        "characters": (jiwer.process_characters, str),
    }[unit]
    counts = np.zeros((len(truth), 2))
    for row, wanted, text in zip(counts, truth, found, strict=True):
        if not wanted.strip():
            row[0] = len(text.split() if unit == "words" else text.strip())
            continue
        result = process(read(wanted), read(text))
        row[0] = result.substitutions + result.deletions + result.insertions
        row[1] = result.substitutions + result.deletions + result.hits
    weights = np.ones(len(truth)) if weight is None else weight
    wrong, total = weights @ counts
    return float(wrong / total) if total else float(wrong > 0)


def _single_spaces(text: str) -> str:
    """The words of a text between single spaces, where alone jiwer separates words."""
    return " ".join(text.split())
