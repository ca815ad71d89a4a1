"""Search in the Chinese pages, without a dictionary of words.

Chinese has no spaces between words. Every two to four adjacent characters are indexed, so
that a word of the reader is found wherever its characters stand together.
"""

import re

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

LATIN = re.compile(r"[A-Za-z0-9_]+")
HAN = re.compile(r"[\u4e00-\u9fff]+")
LENGTHS = range(2, 5)


class SearchChinese(SearchEnglish):
    """Words in Latin letters as in English, and n-grams of Chinese characters."""

    lang = "zh"

    def split(self, input: str) -> list[str]:
        """The terms of a text."""
        terms = LATIN.findall(input)
        for run in HAN.findall(input):
            terms += [run[i : i + n] for n in LENGTHS for i in range(len(run) - n + 1)]
        return terms

    def word_filter(self, stemmed_word: str) -> bool:
        """Whether a term is indexed."""
        return len(stemmed_word) > 1 and super().word_filter(stemmed_word)


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace the search of sphinx, which needs a dictionary."""
    app.add_search_language(SearchChinese)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
