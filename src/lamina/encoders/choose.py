"""The form of data that X is, and the encoder for it.

The form follows from the first of these rules that applies:

1. the parameter `form`, if it is not "auto";
2. the only form that the estimator takes; where it takes tables, a list or a 1-D array of
   strings is texts, and all else a table;
3. strings and paths: files by their suffix, otherwise texts; PIL images; bytes and open
   files by their signature;
4. frames: texts if there is one column, of strings, and series otherwise (one in each
   row, or with `id_column` a step in each row);
5. arrays of four dimensions: images; of three: grey images if they are uint8 or square
   with whole values, otherwise series (`DataWarning` where both are plausible);
6. lists of lists of strings: lists of tokens; lists of arrays: images if `image_size` is
   given, otherwise as one array of them would be;
7. waveforms if `sampling_rate` is given, and series otherwise.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from lamina.encoders.audio.encoder import AudioEncoder, AudioParams
from lamina.encoders.audio.files import has_audio_signature
from lamina.encoders.base import Encoder
from lamina.encoders.containers import is_contents, is_image, is_text
from lamina.encoders.files import contents_of
from lamina.encoders.frames import is_frame, table_of
from lamina.encoders.images.encoder import ImageEncoder, ImageParams
from lamina.encoders.images.files import SUFFIXES as IMAGE_SUFFIXES
from lamina.encoders.series.encoder import SeriesEncoder
from lamina.encoders.tables.encoder import TableEncoder
from lamina.encoders.texts.encoder import TextEncoder
from lamina.exceptions import DataError, warn_of_data
from lamina.params import Params, Use, declared, refuse_unused

ENCODERS: dict[str, type[Encoder]] = {
    "table": TableEncoder,
    "series": SeriesEncoder,
    "image": ImageEncoder,
    "audio": AudioEncoder,
    "text": TextEncoder,
}
AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au"}
LONG = 2_000
"""Steps from which a series of one channel may be a waveform."""


class InputParams(Params):
    """The form of the samples, where their type does not determine it."""

    form: Annotated[
        Literal["auto", "series", "image", "audio", "text"],
        Use.FROZEN,
        """What X holds. "auto" reads a 2-D array, and a list of arrays, as series; a list
        of strings as texts, or as files if all have a suffix of image or of audio files;
        PIL images as images; waveforms as audio when `sampling_rate` is given. A 4-D
        array is images, (samples, height, width, channels). A 3-D array is grey images,
        (samples, height, width), if it is uint8 or its images are square and the network
        takes images, and otherwise series, (samples, steps, channels). The fitted
        attribute `form_` is the form that was chosen.""",
    ] = "auto"


def choose(X: object, forms: Sequence[str], params: Params) -> str:
    """The form, one of `forms`, of X as `unwrap` returns it."""
    form = params.form if isinstance(params, InputParams) else "auto"
    if form == "auto":
        has_rate = isinstance(params, AudioParams) and params.sampling_rate is not None
        is_resized = isinstance(params, ImageParams) and params.image_size is not None
        are_images = is_resized and _are_arrays(X)
        form = "image" if are_images else _detected(X, forms, has_rate)
    if form not in forms:
        raise DataError(
            f"X looks like {form} data; {type(params).__name__} takes "
            f"{' or '.join(forms)}."
        )
    return form


def encoder_for(
    form: str, encoders: Mapping[str, type[Encoder]], params: Params
) -> Encoder:
    """The encoder for this form.

    Refuses a parameter of the encoder of another form that is not at its default. An
    estimator without the parameters of the encoder uses their defaults.
    """
    encoder = encoders[form]
    used = {declaration.name for declaration in declared(encoder.params)}
    for other in encoders.values():
        if isinstance(params, other.params):
            for declaration in declared(other.params):
                name = declaration.name
                if name not in used and not declaration.is_default(
                    getattr(params, name)
                ):
                    refuse_unused(params, name, f"{form} input")
    if not isinstance(params, encoder.params):
        # Messages name the estimator by the class of its parameters.
        params = type(type(params).__name__, (encoder.params,), {})()
    return encoder(params)


def _detected(X: object, forms: Sequence[str], has_rate: bool) -> str:
    if "table" in forms:
        are_texts = isinstance(X, list) and any(isinstance(text, str) for text in X)
        return "text" if are_texts else "table"
    if is_frame(X):
        return _of_frame(X)
    if isinstance(X, np.ndarray):
        return _of_array(X, forms, has_rate)
    return _of_list(X, forms, has_rate) if isinstance(X, list) else forms[0]


def _of_list(X: list, forms: Sequence[str], has_rate: bool) -> str:
    texts = [sample for sample in X if is_text(sample)]
    others = [sample for sample in X if not is_text(sample) and sample is not None]
    if texts and all(isinstance(sample, np.ndarray) for sample in others):
        return _of_strings(texts)
    contents = next((i for i, sample in enumerate(X) if is_contents(sample)), None)
    if contents is not None:
        is_audio = has_audio_signature(contents_of(X[contents], contents))
        return "audio" if is_audio else "image"
    if any(is_image(sample) for sample in X):
        return "image"
    if any(isinstance(sample, list | tuple | np.ndarray) for sample in X):
        return _of_lists(X, forms, has_rate)
    return _of_others(X, forms)


def _are_arrays(X: object) -> bool:
    """Whether X is a list of arrays of two or three dimensions."""
    return isinstance(X, list) and all(
        isinstance(sample, np.ndarray) and sample.ndim in (2, 3) for sample in X
    )


def _of_frame(X: object) -> str:
    table = table_of(X)
    is_text_column = table.n_columns == 1 and _all_strings(table.column(0).array)
    return "text" if is_text_column else "series"


def _of_array(X: np.ndarray, forms: Sequence[str], has_rate: bool) -> str:
    if X.ndim == 3 and "image" in forms and "series" in forms:
        return _of_stack(X)
    if X.ndim >= 3:
        return "image" if X.ndim == 4 or "series" not in forms else "series"
    if X.ndim == 2 and has_rate:
        return "audio"
    if X.ndim == 2 and "series" in forms:
        _warn_of_waveforms(X.shape[1])
    return forms[0]


def _of_stack(X: np.ndarray) -> str:
    """Grey images (n, H, W) or series (n, T, C)."""
    _, a, b = X.shape
    if X.dtype == np.uint8:
        return "image"
    is_square = a == b and a > 1
    if not is_square and (min(a, b) < 16 or a > 2 * b):
        return "series"
    if is_square and _are_grey_levels(X):
        return "image"
    form, other = ("image", "series") if is_square else ("series", "image")
    warn_of_data(
        f"X of shape {X.shape} is read as {form} data, and may hold {other} data; pass "
        f'form="{form}" to confirm it, or form="{other}".'
    )
    return form


def _are_grey_levels(X: np.ndarray) -> bool:
    """Whether all values are whole and not negative, as grey levels are."""
    part = X[:100]
    with np.errstate(invalid="ignore"):
        return bool(
            (part >= 0).all() and (part == np.round(part)).all() and part.max() > 1
        )


def _of_strings(X: list) -> str:
    suffixes = {Path(sample).suffix.lower() for sample in X if len(str(sample)) < 4096}
    for form, known in (("image", IMAGE_SUFFIXES), ("audio", AUDIO_SUFFIXES)):
        if suffixes and suffixes <= known:
            return form
    if any(isinstance(sample, Path) for sample in X):
        raise DataError(
            f"X holds paths with the suffixes {sorted(suffixes)}; image files have one of "
            f"{sorted(IMAGE_SUFFIXES)} and audio files one of {sorted(AUDIO_SUFFIXES)}."
        )
    return "text"


def _of_lists(X: list, forms: Sequence[str], has_rate: bool) -> str:
    lists = [s for s in X if isinstance(s, list | tuple | np.ndarray)]
    samples = [s for s in lists if not (isinstance(s, np.ndarray) and not s.ndim)]
    samples = [s for s in samples if len(s)]
    first = next((sample[0] for sample in samples), None)
    if isinstance(first, str):
        return "text"
    if has_rate:
        return "audio"
    depth = np.ndim(samples[0]) if samples else 0
    if depth == 3:
        return "image"
    if depth == 2 and len({np.shape(s) for s in samples}) == 1 and "image" in forms:
        return _of_stack(np.stack([np.asarray(s) for s in samples]))
    if depth == 1:
        _warn_of_waveforms(max(map(len, samples)))
        _warn_of_token_ids(samples)
    return "series"


def _of_others(X: list, forms: Sequence[str]) -> str:
    if any(is_text(sample) for sample in X) and "text" in forms:
        return "text"
    return forms[0]


def _warn_of_waveforms(n_steps: int) -> None:
    if n_steps >= LONG:
        warn_of_data(
            f"X holds series of up to {n_steps} steps; if they are recordings, pass "
            f"sampling_rate=, so that they are read as waveforms."
        )


def _warn_of_token_ids(samples: list) -> None:
    """Whole numbers in lists of unequal length may be token ids."""
    are_lists = all(isinstance(sample, list | tuple) for sample in samples)
    if not are_lists or len(set(map(len, samples))) == 1:
        return
    values = {v for sample in samples[:100] for v in sample if isinstance(v, int)}
    if len(values) > 2 and all(isinstance(v, int) for s in samples[:100] for v in s):
        warn_of_data(
            "X holds lists of whole numbers, which are read as series; if they are token "
            "ids, pass the tokens as strings."
        )


def _all_strings(array: np.ndarray) -> bool:
    return array.dtype.kind in "OU" and all(isinstance(v, str) for v in array.tolist())
