"""Tagged sentences in a file: a token and its label in each line (CoNLL)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina.cli.documents import line_samples
from lamina.cli.samples import Samples, Source
from lamina.cli.tables import decoded, name_of, read_bytes
from lamina.exceptions import DataError

SUFFIX = ".conll"
DOCUMENT = "-DOCSTART-"
"""The token that begins a document, and is no token of a sentence."""


@dataclass(frozen=True)
class TaggedSource(Source):
    """Sentences with a label for each token; to predict, also a sentence in each line.

    A line has the token first and the label last, and an empty line ends a sentence.
    """

    kind = "tagged"
    words = "tagged sentences, a token and its label in each line"

    def read(self, path: str, encoding: str, *, with_target: bool = True) -> Samples:
        if not with_target and Path(path).suffix.lower() != SUFFIX:
            samples = line_samples(path, encoding)
            samples.X = [text.split() for text in samples.X]
            return samples
        name = name_of(path)
        starts, sentences = _sentences(decoded(read_bytes(path), name, encoding), name)
        X = [[fields[0] for fields in sentence] for sentence in sentences]
        places = [f"the sentence from line {start} on" for start in starts]
        shown: dict[str, Sequence[Any]] = {"text": [" ".join(tokens) for tokens in X]}
        how = [f"{name}: {len(X)} sentences, {sum(map(len, X))} tokens"]
        samples = Samples(X, None, places, shown=shown, unit="sentences", how=how)
        if with_target:
            samples.y = [[fields[-1] for fields in sentence] for sentence in sentences]
        return samples

    def estimator(self, samples: Samples) -> tuple[str, str]:
        n_labels = len({label for labels in samples.y for label in labels})
        return "SequenceTagger", f"each token has one of {n_labels} labels"


def _sentences(text: str, name: str) -> tuple[list[int], list[list[list[str]]]]:
    """The first line of each sentence, and the fields of its tokens."""
    starts: list[int] = []
    sentences: list[list[list[str]]] = []
    is_open, n_fields = False, None
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0] == DOCUMENT:
            is_open = False
            continue
        n_fields = n_fields or len(fields)
        if len(fields) != n_fields or n_fields < 2:
            raise DataError(
                f"{name}, line {number} has {len(fields)} fields, and the first token has "
                f"{n_fields}; each line has the same fields, a token first and its label "
                f"last, and an empty line ends a sentence."
            )
        if not is_open:
            starts.append(number)
            sentences.append([])
        is_open = True
        sentences[-1].append(fields)
    if not sentences:
        raise DataError(f"{name} has no tokens.")
    return starts, sentences
