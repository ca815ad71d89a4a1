"""Rows of a table: objects by the names of the columns, or lists in their order."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np

from lamina.encoders.tables.columns import Column
from lamina.encoders.tables.schema import TableSchema
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataError, ParameterError
from lamina.inputs import DataLike
from lamina.serving.fields import Field, fields_of
from lamina.serving.readers import Reader, shown

SCALARS = (str, int, float, bool, type(None))
JSON_TYPES = {"number": "number", "duration": "number"}
"""JSON type of a column by its kind; other kinds are strings."""


class RowReader(Reader[TableSchema, list]):
    """Rows of a table; null is a missing value, and a duration is in seconds."""

    cost_limit = "max_steps"

    def __init__(self, estimator: NeuralEstimator, schema: TableSchema):
        super().__init__(estimator, schema)
        self.columns: list[Column] = list(schema.every_column)
        self.has_kinds = schema.columns is not None
        self.labels = schema.names
        names = [str(c.name) for c in self.columns]
        self.names = names if self.labels is not None else [f"x{n}" for n in names]
        if len(set(names)) < len(names):
            raise ParameterError(
                "Two columns of the estimator have the same name as text, so that rows "
                "cannot be objects of JSON; rename one of them, and call fit."
            )
        self.texts = [i for i, c in enumerate(self.columns) if c.kind == "text"]
        self.durations = {i for i, c in enumerate(self.columns) if c.kind == "duration"}

    def sample(self, value: object, i: int) -> list:
        row = self._ordered(value, i) if isinstance(value, dict) else value
        if not isinstance(row, list) or len(row) != len(self.names):
            raise DataError(
                f"Sample {i} is {shown(value)}; pass an object with the columns of fit, or "
                f"a list of their {len(self.names)} values."
            )
        return [self._value(v, i, k) for k, v in enumerate(row)]

    def _ordered(self, row: dict[str, object], i: int) -> list:
        if row.keys() != set(self.names):
            absent = [name for name in self.names if name not in row]
            others = [name for name in row if name not in self.names]
            words = [f"lacks the column {absent[0]!r}"] if absent else []
            words += [f"has {shown(others[0])}, which is no column"] if others else []
            raise DataError(
                f"Sample {i} {' and '.join(words)}; pass the columns of fit, and null for "
                f"a value that is missing."
            )
        return [row[name] for name in self.names]

    def _value(self, value: object, i: int, k: int) -> object:
        column, name = self.columns[k], self.names[k]
        if not isinstance(value, SCALARS):
            raise DataError(
                f"Sample {i} has {shown(value)} in column {name!r}; pass a string, a "
                f"number, true, false or null."
            )
        if value is None or (self.has_kinds and column.kind != "duration"):
            return value
        if isinstance(value, str):
            raise DataError(
                f"Sample {i} has {shown(value)} in column {name!r}, which held "
                f"{column.kind}s in fit; pass a number, or null."
            )
        try:
            return timedelta(seconds=value) if k in self.durations else float(value)
        except OverflowError:
            raise DataError(
                f"Sample {i} has {shown(value)} in column {name!r}, which is out of range; "
                f"correct it, or pass null."
            ) from None

    def cost(self, sample: list, i: int) -> float:
        return sum(len(sample[k]) for k in self.texts if isinstance(sample[k], str))

    def join(self, samples: list[list]) -> DataLike:
        if not self.has_kinds:
            X = np.array(samples, dtype=np.float64)
            return X if self.labels is None else self._by_label(X.T)
        columns = [np.empty(len(samples), dtype=object) for _ in self.columns]
        for k, column in enumerate(columns):
            column[:] = [row[k] for row in samples]
        if self.labels is None:
            return np.stack(columns, 1)
        return self._by_label(columns)

    def _by_label(self, columns: Iterable[np.ndarray]) -> dict:
        assert self.labels is not None
        return dict(zip(self.labels, columns, strict=True))

    def json_schema(self) -> dict[str, Any]:
        properties = {f.key: _property(f) for f in self.fields()}
        return {
            "type": "object",
            "properties": properties,
            "required": self.names,
            "additionalProperties": False,
        }

    def example(self) -> Any:
        return {field.key: field.value for field in self.fields()}

    def fields(self) -> list[Field]:
        """The columns, as fields of a form."""
        return fields_of(self.estimator, self.schema, self.names)


def _property(field: Field) -> dict[str, Any]:
    kind = JSON_TYPES.get(field.kind, "string")
    schema: dict[str, Any] = {"type": [kind, "null"]}
    if field.hint:
        schema["description"] = field.hint
    if field.choices:
        schema["examples"] = list(field.choices)
    return schema
