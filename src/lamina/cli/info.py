"""The command `info`: what a file says about its network."""

from pathlib import Path
from typing import Any

from lamina.cli.models import header_of, read_model
from lamina.cli.schemas import lines_of_schema
from lamina.cli.scores import Score
from lamina.estimators.fitted import FittedLabels
from lamina.params import declared


def line_of(name: str, value: Any) -> str:
    """A fact in words."""
    if value is None:
        return f"{name}: none"
    if name == "score":
        value = str(Score.from_json(value))
    elif isinstance(value, dict):
        value = ", ".join(f"{k} {v}" for k, v in value.items())
    elif name == "columns":
        value = "".join(f"\n  {line}" for line in value)
    elif isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"{name}: {value}"


def facts_of(path: str) -> dict[str, Any]:
    """What a file says about its network."""
    estimator, note = read_model(path)
    header, data = header_of(path), (note or {}).get("data", {})
    kind: type = type(estimator)
    labels = estimator.classes_ if isinstance(estimator, FittedLabels) else None
    return {
        "file": path,
        "size_bytes": Path(path).stat().st_size,
        "estimator": kind.__name__,
        "form": estimator.form_,
        "data": data.get("kind"),
        "target": data.get("target"),
        "columns": lines_of_schema(estimator.schema_),
        "labels": None if labels is None else [*labels],
        "parameters": {
            d.name: getattr(estimator, d.name)
            for d in declared(kind)
            if not d.is_default(getattr(estimator, d.name))
        },
        "n_parameters": estimator.n_parameters_,
        "epochs": estimator.n_iter_,
        "versions": header["versions"],
        "score": (note or {}).get("score"),
    }
