"""Kinds of data in text files: documents to continue, and two parallel texts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.cli.folders import TEXT_SUFFIXES, files_below, samples_of_files
from lamina.cli.samples import Part, Samples, Source
from lamina.cli.tables import decoded, name_of, read_bytes
from lamina.encoders.texts.documents import contents
from lamina.exceptions import DataError


@dataclass(frozen=True)
class DocumentSource(Source):
    """Text files whose continuation is learnt; to predict, a prompt in each line."""

    kind = "documents"
    words = "text to continue"

    def read(self, path: str, encoding: str, *, with_target: bool = True) -> Samples:
        if not with_target:
            return line_samples(path, encoding)
        files = files_below(path, TEXT_SUFFIXES)
        samples = samples_of_files(path, files, None, "text files", "documents")
        samples.X = [contents(file, "File") for file in files]
        n_characters = sum(map(len, samples.X))
        if not n_characters:
            raise DataError(f"{path!r} is empty.")
        samples.how[0] += f", {n_characters} characters"
        return samples

    def estimator(self, samples: Samples) -> tuple[str, str]:
        del samples
        return "LanguageModel", "there is a text and no target"

    def split(self, samples: Samples, fraction: float, seed: int) -> Part:
        """The end of a single text, from a line on; otherwise random documents."""
        if len(samples) > 1:
            return super().split(samples, fraction, seed)
        (text,) = samples.X
        limit = int(len(text) * (1 - fraction))
        cut = text.rfind("\n", 0, limit) + 1 or limit
        train = Samples([text[:cut]], places=samples.places)
        test = Samples([text[cut:]], places=samples.places)
        name = f"the last {len(text) - cut} of {len(text)} characters"
        return Part(train, test, name)

    def test_name(self, samples: Samples) -> str:
        return f"{len(samples)} documents of {sum(map(len, samples.X))} characters"


@dataclass(frozen=True)
class ParallelSource(Source):
    """Two text files: a line of the second is the translation of the line of the first."""

    kind = "parallel texts"
    words = "two parallel texts, line by line"
    target: str | None = None

    def read(self, path: str, encoding: str, *, with_target: bool = True) -> Samples:
        samples = line_samples(path, encoding)
        if not with_target:
            return samples
        if self.target is None:
            raise DataError("Pass --target, the file of the translations.")
        samples.y = lines_of(self.target, encoding)
        if len(samples.y) != len(samples.X):
            raise DataError(
                f"{path!r} has {len(samples.X)} lines and {self.target!r} has "
                f"{len(samples.y)}; each line needs its translation in the same line."
            )
        return samples

    def estimator(self, samples: Samples) -> tuple[str, str]:
        del samples
        return "Translator", f"--target {self.target!r} is a text file"

    def note(self) -> dict[str, Any]:
        return {"kind": self.kind}


def line_samples(path: str, encoding: str) -> Samples:
    """A text in each line."""
    lines = lines_of(path, encoding)
    places = [f"line {i + 1}" for i in range(len(lines))]
    how = [f"{name_of(path)}: {len(lines)} lines"]
    return Samples(lines, None, places, shown={"text": lines}, unit="lines", how=how)


def lines_of(path: str, encoding: str) -> list[str]:
    """The lines of a text file, without line ends."""
    text = decoded(read_bytes(path), name_of(path), encoding)
    if not text:
        raise DataError(f"{name_of(path)} is empty.")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def join(texts: object) -> str:
    """Several outputs for one sample, in a line."""
    return (
        " ".join(map(str, texts))
        if isinstance(texts, list | np.ndarray)
        else str(texts)
    )
