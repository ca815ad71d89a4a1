"""A fitted estimator -> a file in the format ONNX.

The file holds one graph, from the values of X to the outputs, and in its metadata, under the
key "lamina", what `Predictor` needs to read X and to give labels.
"""

import os
from importlib.metadata import version
from typing import Any

from lamina.archive import replacing
from lamina.onnx.bodies import BODIES
from lamina.onnx.graph import Graph
from lamina.onnx.inputs import INPUTS
from lamina.onnx.layers import nodes_of
from lamina.onnx.metadata import encode
from lamina.onnx.outputs import OUTPUTS


def export(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the network of a fitted estimator to a file, or leave an old file unchanged."""
    contents = contents_of(estimator)
    with replacing(path) as part:
        part.write_bytes(contents)


def contents_of(estimator: Any) -> bytes:
    """The file; `ParameterError` naming a part that cannot be exported."""
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
    return graph.file(name, version("lamina"), encode(metadata))
