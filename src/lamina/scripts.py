"""Properties of texts from Unicode: word boundaries, normal forms, scripts without spaces.

>>> from lamina.scripts import WORD, is_unspaced, pattern
>>> pattern(WORD).findall("हिन्दी, isn't it")
['हिन्दी', "isn't", 'it']
>>> is_unspaced(["我们在学习"]), is_unspaced(["We learn."])
(True, False)
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

WORD = r"\w+(?:[{m}]+\w*)*(?:['\u2019]\w+(?:[{m}]+\w*)*)*"
"""Letters, digits and their combining marks, also around an apostrophe."""
SYMBOL = r"[^\w\s][{m}]*"
"""Any other single character except spaces, with its combining marks."""
UNSPACED = (
    "\u0e00-\u0fff"  # Thai, Lao, Tibetan
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf"  # Tai Le, New Tai Lue, Tai Tham, Tai Viet
    "\u1b00-\u1b7f\ua980-\ua9df"  # Balinese, Javanese
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001b000-\U0001b16f"  # Japanese kana
    "\u3100-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u3005-\u3007\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U000323af"  # Han, rare
)
"""Blocks of scripts that are written without spaces between words."""
KANA = "\u3040-\u30ff"
N_TEXTS, N_CHARACTERS = 1_000, 100_000
"""About how many texts, and how many of their characters, `is_unspaced` examines."""
LETTER = r"[^\W\d_]"


@cache
def pattern(template: str) -> re.Pattern[str]:
    """A compiled pattern in which `{m}` stands for all combining marks."""
    return re.compile(template.replace("{m}", _marks()))


def is_unspaced(texts: Sequence[str]) -> bool:
    """Whether most letters are of scripts that are written without spaces between words.

    Of many texts and characters, an evenly spaced sample is examined.
    """
    some = texts[:: 1 + len(texts) // N_TEXTS]
    step = 1 + sum(map(len, some)) // N_CHARACTERS
    sample = "".join(text[::step] for text in some)
    if sample.isascii():
        return False
    n_letters = len(re.findall(LETTER, sample))
    return 2 * len(re.findall(rf"(?=[{UNSPACED}]){LETTER}", sample)) > n_letters


def has_kana(texts: Sequence[str]) -> bool:
    """Whether a text has letters that only Japanese uses."""
    return any(re.search(f"[{KANA}]", text) for text in texts)


def composed(text: str) -> str:
    """The text in normal form C: an accent is part of its letter where Unicode has one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_composed(text: str) -> bool:
    """Whether the text is in normal form C."""
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def _marks() -> str:
    """Combining marks, and the joiners within words, for a character class."""
    ranges: list[list[int]] = []
    for code in (*range(0x300, 0x1F000), *range(0xE0100, 0xE01F0)):
        if not unicodedata.category(chr(code)).startswith("M"):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    marks = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return marks + "\u200c\u200d"
