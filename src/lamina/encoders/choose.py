"""Which form of data X is: looked at once, from its leaves; and the encoder for it."""

import copy
import warnings
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from lamina.batch import Spec
from lamina.encoders.audio import AudioEncoder
from lamina.encoders.base import Encoder, Samples
from lamina.encoders.columns import is_frame
from lamina.encoders.image import ImageEncoder
from lamina.encoders.pictures import SUFFIXES as PICTURE_SUFFIXES
from lamina.encoders.pictures import is_picture
from lamina.encoders.series import SeriesEncoder
from lamina.encoders.table import TableEncoder
from lamina.encoders.text import TextEncoder
from lamina.exceptions import DataError, DataWarning
from lamina.params import Params, one_of, refuse_unused

ENCODERS: dict[str, type] = {
    "table": TableEncoder,
    "series": SeriesEncoder,
    "image": ImageEncoder,
    "audio": AudioEncoder,
    "text": TextEncoder,
}
AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au"}


class InputParams(Params):
    """What the samples are, where their form leaves it open."""

    input_type: Annotated[
        str,
        one_of("auto", *(name for name in ENCODERS if name != "table")),
        """What X holds. "auto" reads a 2-D array, and a list of arrays, as series; a list
        of strings as texts, or as image or audio files if all end like one; pictures as
        images; waveforms as audio when `sampling_rate` is given. A 4-D array is images,
        (samples, height, width, channels). A 3-D array is grey images, (samples,
        height, width), if it is uint8 or its pictures are square and the network takes
        images, and otherwise series, (samples, steps, channels).""",
    ] = "auto"


def plain(X: Any, accepted: tuple[str, ...]) -> Any:
    """X as an array, a sparse matrix, a frame or a list."""
    if sparse.issparse(X) or is_frame(X):
        return X
    if hasattr(X, "detach"):
        X = X.detach().cpu().numpy()
    if hasattr(X, "__array__") and not isinstance(X, np.ndarray) and not is_picture(X):
        X = np.asarray(X)
    if isinstance(X, np.ndarray):
        return list(X) if _holds_samples(X) else X
    if isinstance(X, Sequence) and not isinstance(X, str):
        return _list_or_array(list(X), is_table="table" in accepted)
    if is_text(X) or is_picture(X):
        raise DataError(f"X is a single sample, {X!r}; pass a list of samples.")
    return X


def choose(X: Any, accepted: tuple[str, ...], params: Any) -> str:
    """The form of `plain` X, one of `accepted`."""
    asked = getattr(params, "input_type", "auto")
    form = _look(X, accepted, params) if asked == "auto" else asked
    if form not in accepted:
        raise DataError(
            f"X looks like {form} data; {type(params).__name__} takes "
            f"{' or '.join(accepted)}."
        )
    return form


def encoder_for(form: str, params: Any) -> Encoder:
    """The encoder for this form; a parameter of another form's is refused."""
    lender = getattr(params, "encoder", None)
    if lender is not None:
        return Borrowed(lender)
    for name, encoder in params.encoders.items():
        group = getattr(encoder, "params", None)
        if name == form or group is None or not isinstance(params, group):
            continue
        for field in fields(group):
            if getattr(params, field.name) != field.default:
                refuse_unused(params, field.name, f"{form} input")
    return params.encoders[form](params)


class Borrowed:
    """The encoder of a fitted estimator, which has learnt its scales already."""

    spec: Spec
    n_features: int | None = None

    def __init__(self, lender: Any):
        check_is_fitted(lender, "encoder_")
        self.encoder = lender.encoder_

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Any:
        """The encoder itself; samples that it cannot read are refused."""
        del weight
        self.encoder.encode(X)
        return copy.deepcopy(self.encoder)

    def encode(self, X: Any) -> Samples:
        return self.encoder.encode(X)


def is_text(sample: Any) -> bool:
    """Whether a sample is a string or a path."""
    return isinstance(sample, str | Path)


def _look(X: Any, accepted: tuple[str, ...], params: Any) -> str:
    is_sound = getattr(params, "sampling_rate", None) is not None
    if isinstance(X, np.ndarray) and X.ndim == 2 and is_sound:
        return "audio"
    if isinstance(X, np.ndarray) and X.ndim > 2:
        return "image" if X.ndim == 4 else _look_3d(X, accepted)
    if isinstance(X, list) and X:
        if all(is_text(sample) for sample in X):
            return _look_strings(X)
        if any(is_picture(sample) for sample in X):
            return "image"
        if isinstance(X[0], list | tuple | np.ndarray):
            return _look_nested(X, params)
    return accepted[0]


def _look_3d(X: np.ndarray, accepted: tuple[str, ...]) -> str:
    _, a, b = X.shape
    if "image" not in accepted or "series" not in accepted:
        return "series" if "series" in accepted else "image"
    if X.dtype == np.uint8 or (a == b and a > 1):
        return "image"
    if min(a, b) >= 16 and a <= 2 * b:
        warnings.warn(
            f"X of shape {X.shape} is read as series of {a} steps and {b} channels; "
            f'pass input_type="image" if it holds grey pictures, and '
            f'input_type="series" to say that it does not.',
            DataWarning,
            stacklevel=2,
        )
    return "series"


def _look_strings(X: list) -> str:
    suffixes = {Path(sample).suffix.lower() for sample in X if len(str(sample)) < 4096}
    for form, known in (("image", PICTURE_SUFFIXES), ("audio", AUDIO_SUFFIXES)):
        if suffixes and suffixes <= known:
            return form
    if any(isinstance(sample, Path) for sample in X):
        raise DataError(
            f"X holds paths that end in {sorted(suffixes)}; images end in "
            f"{sorted(PICTURE_SUFFIXES)} and sound in {sorted(AUDIO_SUFFIXES)}."
        )
    return "text"


def _look_nested(X: list, params: Any) -> str:
    first = next((sample[0] for sample in X if len(sample)), None)
    if isinstance(first, str):
        return "text"
    if getattr(params, "sampling_rate", None) is not None:
        return "audio"
    return "image" if np.ndim(X[0]) == 3 else "series"


def _holds_samples(X: np.ndarray) -> bool:
    return X.ndim == 1 and X.dtype.kind in "OUS" and len(X) > 0


def _list_or_array(X: list, is_table: bool) -> Any:
    """Nested lists of numbers as an array; a list of other samples as it is.

    Rows of strings are the columns of a table, and otherwise texts that are cut already.
    """
    if any(hasattr(sample, "detach") for sample in X):
        X = [s.detach().cpu().numpy() if hasattr(s, "detach") else s for s in X]
    if not X or (isinstance(X[0], np.ndarray) and X[0].ndim > 0 and not is_table):
        return X
    if is_text(X[0]) or any(is_picture(sample) for sample in X):
        return X
    try:
        array = np.asarray(X)
    except ValueError:  # rows of unequal length
        return X
    if array.dtype.kind in "US":
        return np.asarray(X, dtype=object) if is_table and array.ndim == 2 else X
    return array


def refuse_ragged(X: Any, params: Any) -> None:
    """Raise where a table is wanted and X is a list of unequal rows."""
    lengths = [len(row) for row in X if np.ndim(row) == 1 or isinstance(row, list)]
    if len(lengths) == len(X) and len(set(lengths)) > 1:
        raise DataError(
            f"X is a list of rows of unequal length ({min(lengths)} to {max(lengths)} "
            f"values); {type(params).__name__} takes a table. Pad the rows, or use "
            f"RNNClassifier, RNNRegressor, CNNClassifier or CNNRegressor."
        )
