"""The kind of data that a file or a folder has, for a new fit and for a saved network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina.cli.documents import DocumentSource, ParallelSource
from lamina.cli.files import WRITERS, FileColumnSource
from lamina.cli.folders import TEXT_SUFFIXES, AudioSource, ImageSource, TextFolderSource
from lamina.cli.samples import Source
from lamina.cli.tables import SUFFIXES, absent, is_table
from lamina.cli.tabular import HistorySource, StepsSource, TableSource, TextColumnSource
from lamina.cli.tagged import SUFFIX as TAGGED_SUFFIX
from lamina.cli.tagged import TaggedSource
from lamina.encoders.choose import AUDIO_SUFFIXES
from lamina.encoders.images.files import SUFFIXES as IMAGE_SUFFIXES
from lamina.encoders.series.encoder import SeriesParams
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.captioner import ImageCaptioner
from lamina.estimators.forecaster import SeriesForecaster
from lamina.estimators.kinds import entry_of
from lamina.estimators.language import LanguageEstimator
from lamina.estimators.speech import Recognizer
from lamina.estimators.tagger import Tagger
from lamina.exceptions import DataError, ParameterError

SOURCES: dict[str, type[Source]] = {
    source.kind: source
    for source in (
        TableSource,
        TextColumnSource,
        FileColumnSource,
        StepsSource,
        HistorySource,
        ImageSource,
        AudioSource,
        TextFolderSource,
        DocumentSource,
        ParallelSource,
        TaggedSource,
    )
}
GENERATORS = (*WRITERS.values(), "Translator")
"""Estimators whose targets are texts to generate."""
OF_FORM: dict[str, type[Source]] = {
    "image": ImageSource,
    "audio": AudioSource,
    "text": ParallelSource,
}
"""How to predict with a file that was saved by Python; other forms are tables."""


@dataclass(frozen=True)
class Roles:
    """The options that say what is in DATA."""

    target: str | None = None
    text: str | None = None
    id: str | None = None
    time: str | None = None
    horizon: int | None = None
    ignored: tuple[str, ...] = ()
    estimator: str | None = None

    @property
    def generates(self) -> bool:
        """Whether the target is of texts to generate."""
        return self.estimator in GENERATORS

    def refuse_for(self, words: str) -> None:
        """Raise if an option is given that only tables have."""
        for name in ("text", "id", "time", "horizon"):
            if getattr(self, name) is not None:
                raise ParameterError(
                    f"--{name} has no effect on {words}; leave it out."
                )
        if self.ignored:
            raise ParameterError(f"--ignore has no effect on {words}; leave it out.")


def source_for(path: str, roles: Roles) -> Source:
    """The kind of data at a path, in a new fit."""
    if is_table(path):
        return _table(roles)
    if not Path(path).exists():
        raise absent(path)
    source = _folder(path, roles) if Path(path).is_dir() else _text_file(path, roles)
    roles.refuse_for(source.words)
    return source


def source_of(
    note: dict[str, Any] | None, estimator: NeuralEstimator, target: str | None
) -> Source:
    """The kind of data that a saved network learnt."""
    if note is None:
        return _of_python(estimator, target)
    fields: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in note["data"].items()
    }
    kind = SOURCES[fields.pop("kind")]
    if target is not None:
        if not issubclass(kind, TableSource | ParallelSource):
            raise ParameterError(f"--target has no effect on {kind.words}.")
        fields["target"] = target
    return kind(**fields)


def _of_python(estimator: NeuralEstimator, target: str | None) -> Source:
    if isinstance(estimator, SeriesForecaster):
        return HistorySource(
            estimator.value_column,
            id=estimator.id_column,
            time=estimator.time_column,
            horizon=estimator.horizon,
        )
    if isinstance(estimator, SeriesParams) and estimator.id_column is not None:
        return StepsSource(target, id=estimator.id_column, time=estimator.time_column)
    if isinstance(estimator, LanguageEstimator):
        return DocumentSource()
    if isinstance(estimator, Tagger):
        return TaggedSource()
    media = entry_of({ImageCaptioner: "images", Recognizer: "recordings"}, estimator)
    if media is not None:
        return FileColumnSource(target, generates=True, media=media)
    kind = OF_FORM.get(estimator.form_, TableSource)
    return kind(target=target) if kind in (TableSource, ParallelSource) else kind()


def _table(roles: Roles) -> Source:
    if roles.target is None and roles.estimator != "LanguageModel":
        raise ParameterError(
            "Pass --target, the column of DATA that is to be predicted."
        )
    if roles.horizon is not None:
        if roles.text is not None:
            raise ParameterError("--text has no effect with --horizon; leave it out.")
        return HistorySource(
            roles.target,
            roles.ignored,
            id=roles.id,
            time=roles.time,
            horizon=roles.horizon,
        )
    if roles.id is not None:
        return StepsSource(roles.target, roles.ignored, id=roles.id, time=roles.time)
    if roles.time is not None:
        raise ParameterError(
            "--time needs --horizon, to forecast, or --id, to classify series. A column of "
            "dates of a table needs no option."
        )
    if roles.text is not None:
        return TextColumnSource(roles.target, (), roles.generates, roles.text)
    return TableSource(roles.target, roles.ignored, roles.generates)


def _folder(path: str, roles: Roles) -> Source:
    suffixes = {file.suffix.lower() for file in Path(path).rglob("*") if file.is_file()}
    if roles.target is not None:
        raise ParameterError(
            f"--target has no effect on a folder; the classes of {path!r} are the names of "
            f"its folders."
        )
    if suffixes & IMAGE_SUFFIXES:
        return ImageSource()
    if suffixes & AUDIO_SUFFIXES:
        return AudioSource()
    if suffixes & set(TEXT_SUFFIXES):
        has_classes = any(entry.is_dir() for entry in Path(path).iterdir())
        return TextFolderSource() if has_classes else DocumentSource()
    raise DataError(
        f"{path!r} contains no images ({', '.join(sorted(IMAGE_SUFFIXES))}), recordings "
        f"({', '.join(sorted(AUDIO_SUFFIXES))}) or texts ({', '.join(TEXT_SUFFIXES)})."
    )


def _text_file(path: str, roles: Roles) -> Source:
    if path.lower().endswith(TAGGED_SUFFIX):
        if roles.target is not None:
            raise ParameterError(
                f"--target has no effect on {TaggedSource.words}; leave it out."
            )
        return TaggedSource()
    if not path.lower().endswith(TEXT_SUFFIXES):
        suffixes = ", ".join((*SUFFIXES, *TEXT_SUFFIXES, TAGGED_SUFFIX))
        raise DataError(
            f"{path!r} has none of the suffixes {suffixes}; pass a table, a text file or a "
            f"folder of files. A spreadsheet is saved as CSV before."
        )
    if roles.target is None:
        return DocumentSource()
    if not Path(roles.target).is_file():
        raise DataError(
            f"--target {roles.target!r} is not a file: for a text file it is the file of "
            f"its translations, line by line. A table is named {', '.join(SUFFIXES)}."
        )
    return ParallelSource(roles.target)
