"""The description of a request: its JSON schema and an example, from the estimator."""

from typing import Any

from lamina.serving.readers import Reader
from lamina.serving.requests import JSON
from lamina.serving.series import StepsReader


def request_body(reader: Reader, *, explains: bool) -> dict[str, Any]:
    """The part of the OpenAPI description that the body of a request is."""
    samples = {"type": "array", "items": reader.json_schema(), "minItems": 1}
    properties: dict[str, Any] = {"samples": samples}
    if explains:
        properties["target"] = {
            "description": "The output to explain: a label, or the position of an output; "
            "for several outputs both, as a list."
        }
    if isinstance(reader, StepsReader) and reader.known_columns:
        properties["future"] = {
            "type": "array",
            "description": "For each sample the next values of the known columns.",
        }
    schema = {
        "type": "object",
        "properties": properties,
        "required": ["samples"],
        "additionalProperties": False,
    }
    content: dict[str, Any] = {
        JSON: {"schema": schema, "example": {"samples": [reader.example()]}}
    }
    for media_type in reader.accepted():
        content[media_type] = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"content": content, "required": True}}
