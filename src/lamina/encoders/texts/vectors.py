"""Word vectors of a file -> those of the tokens of a vocabulary, for their embedding."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Annotated

import numpy as np

from lamina.encoders.texts.vector_file import VectorFile
from lamina.exceptions import ParameterError
from lamina.params import Params, Use, only_with
from lamina.paths import file_name
from lamina.texts import shown
from lamina.vocabulary import Vocabulary

N_SHOWN = 5


class VectorParams(Params):
    """The start of the embedding of words."""

    word_vectors: Annotated[
        str | PathLike[str] | None,
        file_name(),
        only_with(start_from=None),
        Use.FROZEN,
        """A file of word vectors, from which the embedding of words starts: lines
        `word v1 v2 ...` in UTF-8, as of GloVe, also after a line `n d`, as of word2vec and
        fastText, and also compressed by gzip. The embedding gets the width of the vectors.
        Words of the file that do not occur in `fit` are added to the vocabulary, in their
        order there, until it has `max_tokens`; words without a vector start at random, at
        the scale of the vectors. `freeze_body=True` keeps the embedding as it is, and
        otherwise it is trained with the network. Words only, not characters.""",
    ] = None


@dataclass(frozen=True)
class WordVectors:
    """The vectors (n, D) of some token ids (n,)."""

    token_ids: np.ndarray
    vectors: np.ndarray

    @property
    def width(self) -> int:
        """D of the vectors."""
        return self.vectors.shape[1]


def read_vectors(
    path: str | PathLike[str],
    vocabulary: Vocabulary,
    seen: Collection[str],
    max_tokens: int,
    token_of: Callable[[str], str | None],
) -> WordVectors:
    """The vectors of the words of a vocabulary, which further words of the file complete.

    `seen` are all tokens of the training samples, of which the vocabulary may lack rare
    ones. `token_of` gives the token that a text has for a word of the file, None if there
    is none. A word that is its token is preferred to one in other letters, such as "Us".
    """
    file = VectorFile(path)
    words: dict[str, str] = {}
    vectors: dict[str, np.ndarray] = {}
    n_others, n_places = 0, max_tokens - len(vocabulary.ids)
    for line in file:
        token, word = token_of(line.word), line.word
        if token is None or words.get(token) == token:
            continue
        if token in words:
            is_needed = word == token
        else:
            is_other = token not in vocabulary.ids
            is_needed = not is_other or n_others < n_places
            n_others += is_other and is_needed
        if is_needed:
            words[token], vectors[token] = word, file.vector(line)
    if vectors.keys().isdisjoint(seen):
        raise ParameterError(
            f"word_vectors={fspath(path)!r} has {file.n_words:,} words, and none of them "
            f"is one of the {len(seen):,} words of X, such as "
            f"{shown(sorted(seen)[:N_SHOWN])}; pass a file of the same language."
        )
    vocabulary.extend(vectors)
    ids = np.array(vocabulary.encode(vectors))
    return WordVectors(ids, np.stack(list(vectors.values())))
