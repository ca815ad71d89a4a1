"""A fitted estimator -> a file in the format ONNX.

The file holds one graph, from the values of X to the outputs, and in its metadata, under the
key "lamina", what `Predictor` needs to read X and to give labels.
"""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import onnx

from lamina.onnx.bodies import BODIES
from lamina.onnx.graph import Graph
from lamina.onnx.inputs import INPUTS
from lamina.onnx.layers import nodes_of
from lamina.onnx.metadata import encode
from lamina.onnx.outputs import OUTPUTS


def export(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the network of a fitted estimator to a file, or leave an old file unchanged."""
    model = model_of(estimator)
    onnx.checker.check_model(model, full_check=True)
    _write(model.SerializeToString(), Path(path))


def model_of(estimator: Any) -> onnx.ModelProto:
    """The model; `ParameterError` naming a part that cannot be exported."""
    name, network = type(estimator).__name__, estimator.network_
    parts = (estimator.task_, network.body, estimator.encoder_)
    add_outputs, add_body, add_inputs = (
        nodes_of(functions, part, f"{what} of {name},")
        for functions, part, what in zip(
            (OUTPUTS, BODIES, INPUTS), parts, ("task", "body", "encoder"), strict=True
        )
    )
    estimator.task_.configure_prediction(estimator)
    graph = Graph()
    batch, of_inputs = add_inputs(graph, estimator.encoder_)
    features = add_body(graph, network.body, batch)
    of_outputs = add_outputs(graph, estimator.task_, network.head, features, batch)
    metadata = {
        "estimator": name,
        "form": estimator.form_,
        "inputs": of_inputs,
        "outputs": of_outputs,
    }
    return graph.model(name, version("lamina"), encode(metadata))


def _write(contents: bytes, path: Path) -> None:
    """Replace the file as a whole, so that no reader sees a part of it."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
