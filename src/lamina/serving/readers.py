"""Values of JSON, or contents of files -> samples X as the estimator takes them.

There is a reader for each form of data. It refuses what is not a sample by `DataError`,
before the samples of several requests are joined.
"""

import re
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from lamina.encoders.texts.encoder import TextSchema
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataError
from lamina.inputs import DataLike
from lamina.schema import Schema

FormSchema = TypeVar("FormSchema", bound=Schema)
Sample = TypeVar("Sample")

TOKEN = re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]")
"""A token of a text: a word or a punctuation mark."""
MAX_SHOWN = 60
"""Characters of a value in a message."""


class Reader(ABC, Generic[FormSchema, Sample]):
    """Abstract: reads the samples of a form of data."""

    media_types: ClassVar[tuple[str, ...]] = ()
    """Media types of a body that is one sample; "image/" stands for all that begin so."""
    cost_limit: ClassVar[str | None] = None
    """The limit of the sum of `cost` over the samples of a request."""
    is_slow: ClassVar[bool] = False
    """Whether a small body may take long to read."""

    def __init__(self, estimator: NeuralEstimator, schema: FormSchema):
        self.estimator, self.schema = estimator, schema

    @abstractmethod
    def sample(self, value: object, i: int) -> Sample:
        """Sample number `i` of a value of JSON."""

    def contents(self, body: bytes) -> Sample:
        """The sample that a body of one of `media_types` is."""
        raise NotImplementedError

    def accepted(self) -> list[str]:
        """`media_types` as they are written in headers, such as "image/*"."""
        return [f"{t}*" if t.endswith("/") else t for t in self.media_types]

    def cost(self, sample: Sample, i: int) -> float:
        """What counts against `cost_limit`."""
        del sample, i
        return 0

    def join(self, samples: list[Sample]) -> DataLike:
        """X of all samples of a batch."""
        return samples

    @abstractmethod
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of a sample."""

    @abstractmethod
    def example(self) -> Any:
        """A sample as a value of JSON, for the documentation."""


class TextReader(Reader[TextSchema, str]):
    """Texts as strings."""

    cost_limit = "max_steps"

    def sample(self, value: object, i: int) -> str:
        if not isinstance(value, str):
            raise DataError(f"Sample {i} is {shown(value)}; pass a text, as a string.")
        return value

    def cost(self, sample: str, i: int) -> float:
        return len(sample)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def example(self) -> Any:
        return "A text of one sentence."


class TokensReader(Reader[TextSchema, list[str]]):
    """Tokens as lists of strings; a string is divided into words and punctuation marks."""

    cost_limit = "max_steps"

    def sample(self, value: object, i: int) -> list[str]:
        tokens = TOKEN.findall(value) if isinstance(value, str) else value
        if not isinstance(tokens, list) or not all(isinstance(t, str) for t in tokens):
            raise DataError(
                f"Sample {i} is {shown(value)}; pass a list of tokens, or a text."
            )
        return tokens

    def cost(self, sample: list[str], i: int) -> float:
        return sum(map(len, sample), len(sample))

    def json_schema(self) -> dict[str, Any]:
        tokens = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [tokens, {"type": "string"}]}

    def example(self) -> Any:
        return ["A", "text", "of", "one", "sentence", "."]


def shown(value: object) -> str:
    """A value of JSON in a message."""
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"{kind} of {len(value)}"
    if isinstance(value, str):
        is_long = len(value) > MAX_SHOWN
        return repr(value[:MAX_SHOWN] + "\u2026" * is_long)
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    is_huge = isinstance(value, int | float) and abs(value) > 1e300
    return f"a number of {len(str(value))} digits" if is_huge else str(value)
