"""What an exported file says of its estimator, as JSON in its metadata."""

import json
from collections.abc import Mapping
from typing import Any

from lamina.exceptions import ParameterError

KEY = "lamina"
"""The key of the metadata of a file."""
FORMAT = 1
"""The version of the metadata; another one is refused."""


def encode(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The entry of the file."""
    # Numbers of numpy are no JSON by themselves.
    text = json.dumps(
        {"format": FORMAT, **metadata}, allow_nan=False, default=lambda v: v.item()
    )
    return {KEY: text}


def decode(entries: Mapping[str, str], path: object) -> dict[str, Any]:
    """The metadata of a file; `ParameterError` unless it is one of this format."""
    if KEY not in entries:
        raise ParameterError(
            f"{path} was not written by to_onnx of lamina: its metadata has no key "
            f"{KEY!r}. Read it by onnxruntime.InferenceSession."
        )
    metadata = json.loads(entries[KEY])
    if metadata["format"] != FORMAT:
        raise ParameterError(
            f"{path} has format {metadata['format']}, and this version of lamina reads "
            f"format {FORMAT}. Export it by the version that reads it."
        )
    return metadata


def as_names(names: list | None) -> tuple | None:
    """The names of columns; None if they have none."""
    return None if names is None else tuple(map(as_name, names))


def as_name(name: Any) -> Any:
    """A name as it was in `fit`: a list was a tuple."""
    return tuple(map(as_name, name)) if isinstance(name, list) else name
