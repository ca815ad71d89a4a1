"""What `fit` learnt about the form of X, and what later samples are checked against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schema:
    """Base of the schemas, one for each form of data: plain values, no arrays.

    An encoder learns its schema when it first reads X, in `fit`; whatever it reads later
    has to agree with it.
    """

    form: str
    """The form of data: "table", "series", "image", "audio" or "text"."""
