"""Where two texts or two labellings differ."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from lamina.reporting.blocks import Comparison, Span
from lamina.scripts import is_unspaced


def compare_texts(reference: str, output: str) -> Comparison:
    """The words that differ; characters, where words are not separated by spaces."""
    unit = r"." if is_unspaced([reference, output]) else r"\s*\S+\s*|\s+"
    first, second = (re.findall(unit, text, re.DOTALL) for text in (reference, output))
    words = [[word.strip() for word in units] for units in (first, second)]
    matcher = SequenceMatcher(None, *words, autojunk=False)
    matching = matcher.get_matching_blocks()
    return Comparison(
        _spans(first, [(block.a, block.size) for block in matching]),
        _spans(second, [(block.b, block.size) for block in matching]),
    )


def compare_labels(
    reference: Sequence, output: Sequence, tokens: Sequence[str]
) -> Comparison:
    """The labels of the same steps, below their tokens."""
    triples = list(zip(reference, output, tokens, strict=True))
    return Comparison(
        [Span(str(true), true != other, token) for true, other, token in triples],
        [Span(str(other), true != other, token) for true, other, token in triples],
    )


def _spans(units: list[str], matching: list[tuple[int, int]]) -> list[Span]:
    spans, position = [], 0
    for start, size in matching:
        if start > position:
            text = "".join(units[position:start])
            kept = text.rstrip()  # a space between two words is not marked
            spans += [Span(kept, differs=True), Span(text[len(kept) :])]
        if size:
            spans.append(Span("".join(units[start : start + size])))
        position = start + size
    return spans
