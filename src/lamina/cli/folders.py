"""Kinds of data in folders: images, recordings or texts, a folder for each class."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from lamina.cli.samples import Samples, Source
from lamina.datasets import load_folder
from lamina.datasets.folders import warn_of_parts
from lamina.encoders.choose import AUDIO_SUFFIXES
from lamina.encoders.images.files import SUFFIXES as IMAGE_SUFFIXES
from lamina.encoders.texts.documents import contents
from lamina.exceptions import DataError

TEXT_SUFFIXES = (".txt", ".md", ".text")


@dataclass(frozen=True)
class FolderSource(Source):
    """Files of images or recordings in class folders; to predict, files anywhere below."""

    suffixes: ClassVar[Collection[str]]

    def read(self, path: str, encoding: str, *, with_target: bool = True) -> Samples:
        del encoding
        y = None
        if with_target:
            files, y = load_folder(path, return_X_y=True)
        else:
            files = files_below(path, self.suffixes)
        return samples_of_files(path, files, y, self.words)

    def estimator(self, samples: Samples) -> tuple[str, str]:
        return "CNNClassifier", f"{samples.why}, which convolutions learn best"


@dataclass(frozen=True)
class ImageSource(FolderSource):
    """Files of images."""

    kind = "images"
    words = "images"
    suffixes = IMAGE_SUFFIXES


@dataclass(frozen=True)
class AudioSource(FolderSource):
    """Files of recordings."""

    kind = "recordings"
    words = "recordings"
    suffixes = AUDIO_SUFFIXES


@dataclass(frozen=True)
class TextFolderSource(Source):
    """Text files in class folders; to predict, files anywhere below."""

    kind = "texts"
    words = "text files"

    def read(self, path: str, encoding: str, *, with_target: bool = True) -> Samples:
        del encoding
        files = files_below(path, TEXT_SUFFIXES)
        y = None
        if with_target:
            root, by_class = Path(path), defaultdict(list)
            y = np.array([_class_of(file, root) for file in files])
            for file, name in zip(files, y.tolist(), strict=True):
                by_class[root / name].append(file)
            warn_of_parts(by_class)
        samples = samples_of_files(path, files, y, self.words)
        samples.X = [contents(file, "File") for file in files]
        return samples

    def estimator(self, samples: Samples) -> tuple[str, str]:
        return "DNNClassifier", f"{samples.why}, which n-grams of words tell apart"


def files_below(path: str, suffixes: Collection[str]) -> list[Path]:
    """The file itself, or all files below a folder with these suffixes, sorted."""
    root = Path(path)
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise DataError(f"{path!r} is neither a file nor a folder.")
    files = sorted(
        file
        for file in root.rglob("*")
        if file.suffix.lower() in suffixes
        and not any(p.startswith(".") for p in file.relative_to(root).parts)
    )
    if not files:
        raise DataError(
            f"{path!r} contains no files with one of the suffixes {sorted(suffixes)}."
        )
    return files


def samples_of_files(
    path: str, files: list[Path], y: np.ndarray | None, words: str, unit: str = "files"
) -> Samples:
    """Samples that are files; the classes are the names of folders."""
    root = Path(path)
    places = [
        repr(str(file.relative_to(root) if file != root else file)) for file in files
    ]
    samples = Samples(list(files), y, places, shown={"file": [str(f) for f in files]})
    samples.unit, samples.how = unit, [f"{path!r}: {len(files)} {words}"]
    if y is not None:
        names = np.unique(y).tolist()
        if len(names) == 1:
            raise DataError(
                f"{path!r} has one class folder, {names[0]!r}, and a classifier needs at "
                f"least two. Captions and transcripts are in a table with a column of paths."
            )
        samples.kind_of_target = "Classifier"
        samples.why = f"{len(names)} class folders ({', '.join(map(str, names))})"
    return samples


def _class_of(file: Path, root: Path) -> str:
    folder, *others = file.relative_to(root).parts
    if not others:
        raise DataError(
            f"{str(file)!r} is not in a class folder; move it into one, named after its "
            f"class."
        )
    return folder
