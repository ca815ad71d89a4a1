"""Base of the schemas: what `fit` learnt about the form of X, to check later samples."""

from dataclasses import dataclass, fields
from typing import Any

from lamina.state import Stored


@dataclass(frozen=True)
class Schema(Stored):
    """Base of the schemas, one for each form of data: plain values, no arrays.

    An encoder learns its schema when it first reads X, in `fit`, and checks every later X
    against it.
    """

    form: str
    """The form of data: "table", "series", "image", "audio" or "text"."""

    def to_state(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}
