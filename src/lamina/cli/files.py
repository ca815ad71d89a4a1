"""A table with the path of an image or of a recording in each row."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from lamina.cli.folders import files_below, samples_of_files
from lamina.cli.samples import Samples
from lamina.cli.tables import FileTable, is_table, name_of
from lamina.cli.tabular import TableSource, require
from lamina.cli.targets import Target, are_classes, target_of, texts_of
from lamina.encoders.choose import AUDIO_SUFFIXES
from lamina.encoders.images.files import SUFFIXES as IMAGE_SUFFIXES
from lamina.exceptions import DataError
from lamina.missing import is_missing

MEDIA: dict[str, Collection[str]] = {
    "images": IMAGE_SUFFIXES,
    "recordings": AUDIO_SUFFIXES,
}
"""The suffixes of files by what they are."""
WRITERS = {"images": "ImageCaptioner", "recordings": "SpeechRecognizer"}
"""The estimators whose targets are texts to generate."""


@dataclass(frozen=True)
class FileColumnSource(TableSource):
    """A table with the path of a file in each row, below the folder of the table.

    The target is a class, a number, or a text to generate. To predict, DATA may also be a
    folder of files, or a file.
    """

    kind = "file column"
    words = "a table with the path of a file in each row"
    file: str = ""
    """The column of paths; of a network that Python saved, the first one that has paths."""
    media: str = "images"

    def read(self, path: str, encoding: str, *, with_target: bool = True) -> Samples:
        if with_target or is_table(path):
            return super().read(path, encoding, with_target=with_target)
        files = files_below(path, MEDIA[self.media])
        return samples_of_files(path, files, None, self.media)

    def samples(
        self, table: FileTable, path: str, *, with_target: bool = True
    ) -> Samples:
        samples = super().samples(table, path, with_target=with_target)
        for file, place in zip(samples.X, samples.places, strict=True):
            if file is None or not file.is_file():
                raise DataError(
                    f"{name_of(path)}, {place}: the file {str(file)!r} does not exist; "
                    f"paths in {self.file!r} begin at the folder of the table."
                )
        return samples

    def target_in(self, column: nw.Series) -> Target:
        generates = self.generates or not are_classes(column)
        return texts_of(column) if generates else target_of(column)

    def values_of(self, frame: nw.DataFrame, path: str) -> Any:
        column = self.file
        if not column:
            column, _ = file_column(frame, ()) or ("file", "")
        names = frame[require(frame, column, path)].to_list()
        folder = Path(path).parent
        return [None if is_missing(name) else folder / str(name) for name in names]

    def estimator(self, samples: Samples) -> tuple[str, str]:
        why = f"{self.file!r} has the paths of {self.media}, and {samples.why}"
        if samples.kind_of_target == "Writer":
            return WRITERS[self.media], why
        return f"CNN{samples.kind_of_target}", why


def file_column(
    frame: nw.DataFrame, others: Collection[str | None]
) -> tuple[str, str] | None:
    """The first column of paths, and what its files are; None if there is none."""
    for name in frame.columns:
        if name in others or frame[name].dtype != nw.String:
            continue
        values = [v for v in frame[name].to_list() if not is_missing(v)]
        for media, suffixes in MEDIA.items():
            if values and all(Path(v).suffix.lower() in suffixes for v in values):
                return name, media
    return None
