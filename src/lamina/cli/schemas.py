"""What a network takes, in lines: the columns of a table by kind, the size of images."""

from dataclasses import fields
from typing import Any

from lamina.cli.samples import Samples
from lamina.encoders.choose import choose, encoder_for
from lamina.encoders.containers import unwrap
from lamina.encoders.tables.schema import TableSchema
from lamina.estimators.base import NeuralEstimator
from lamina.params import check_params
from lamina.schema import Schema

SHOWN = {
    "height": "height",
    "width": "width",
    "channels": "channels",
    "n_channels": "channels",
    "sampling_rate": "sampling rate",
    "unit": "texts are split into",
    "columns": "columns",
    "names": "columns",
}
"""The fields of schemas that are shown, of those that are no columns of a table."""
MAX_NAMES = 20
"""Columns that are listed for each kind."""


def schema_before_fit(estimator: NeuralEstimator, samples: Samples) -> Schema:
    """What `fit` will learn about the form of the samples; parameters are checked first."""
    check_params(estimator)
    X, forms = samples.X, estimator.forms()
    form = forms[0]
    if len(forms) > 1:
        X = unwrap(X, is_table="table" in forms)
        form = choose(X, forms, estimator)
    encoder: Any = encoder_for(form, estimator.encoders, estimator)
    encoder.read(X)
    return encoder.schema


def lines_of_schema(schema: Schema) -> list[str]:
    """The schema in lines."""
    if isinstance(schema, TableSchema):
        kinds: dict[str, list[str]] = {}
        for column in schema.every_column:
            kinds.setdefault(column.kind, []).append(str(column.name))
        return [f"{kind}: {_listed(names)}" for kind, names in kinds.items()]
    values = {
        f.name: getattr(schema, f.name) for f in fields(schema) if f.name in SHOWN
    }
    return [f"{SHOWN[name]}: {_text(v)}" for name, v in values.items() if v is not None]


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
