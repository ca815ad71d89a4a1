"""Base of the schemas: what `fit` learnt about the form of X, to check later samples."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schema:
    """Base of the schemas, one for each form of data: plain values, no arrays.

    An encoder learns its schema when it first reads X, in `fit`, and checks every later X
    against it.
    """

    form: str
    """The form of data: "table", "series", "image", "audio" or "text"."""
