"""An ONNX graph under construction: nodes, constants, inputs and outputs, by name.

The shapes in docstrings are those of `lamina.batch`; B and T are dynamic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lamina.exceptions import MissingExtraError

try:
    from onnx import GraphProto, TensorProto, checker, helper, numpy_helper
except ImportError:
    raise MissingExtraError("Export to ONNX", "onnx", "onnx") from None

OPSET, ML_OPSET = 20, 3
"""Versions of the operators of "" and "ai.onnx.ml". 20 is the first with Gelu."""
ML_OPERATORS = {"LabelEncoder"}
BOOL, INT32, INT64 = TensorProto.BOOL, TensorProto.INT32, TensorProto.INT64
FLOAT, DOUBLE, STRING = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.STRING

Axis = str | int
"""A dynamic axis by name, or the size of a fixed one."""


@dataclass(frozen=True)
class GraphBatch:
    """What `lamina.batch.Batch` is in a graph: the names of its tensors."""

    x: str
    codes: str | None = None
    lengths: str | None = None
    spellings: str | None = None
    level_and_scale: str | None = None
    bags: tuple[tuple[str, str], ...] = ()
    """The ids (B, L) and the weights (B, L) of each of the bags."""

    def inputs(self) -> tuple[str, ...]:
        """x, and the codes and spellings if there are any."""
        return tuple(v for v in (self.x, self.codes, self.spellings) if v is not None)


@dataclass(frozen=True)
class GraphFeatures:
    """What `lamina.batch.Features` is in a graph: h (B, T, D), lengths (B,) and x (B, C)."""

    h: str
    lengths: str | None = None
    x: str | None = None


class Graph:
    """Nodes in the order of their computation. Values are known by their names."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        """Begins all names of a graph within another one, where they must differ."""
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.constants: dict[tuple[str, bytes], Any] = {}

    def add(self, op: str, *inputs: str, n_outputs: int = 1, **attributes: Any) -> Any:
        """The name of the output of a new node; a tuple of names if it has several."""
        name = f"{self.prefix}{op}_{len(self.nodes)}"
        names = [f"{name}_{i}" for i in range(n_outputs)]
        domain = "ai.onnx.ml" if op in ML_OPERATORS else ""
        node = helper.make_node(
            op, inputs, names, name=name, domain=domain, **attributes
        )
        self.nodes.append(node)
        return names[0] if n_outputs == 1 else tuple(names)

    @staticmethod
    def array(value: object, dtype: Any = None) -> np.ndarray:
        """An array, a tensor or a number as an array."""
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        return np.array(value, dtype=dtype, order="C")

    def constant(self, value: object, dtype: Any = None) -> str:
        """The name of an array, a tensor or a number; equal constants are stored once."""
        array = self.array(value, dtype)
        key = f"{array.dtype}{array.shape}", array.tobytes()
        name = f"{self.prefix}constant_{len(self.constants)}"
        if key not in self.constants:
            self.constants[key] = numpy_helper.from_array(array, name)
        return self.constants[key].name

    def ints(self, *values: int) -> str:
        """A constant of int64 with an axis, as shapes and axes are given."""
        return self.constant(list(values), np.int64)

    def cast(self, value: str, to: int) -> str:
        """The value in another type."""
        return self.add("Cast", value, to=to)

    def split(self, value: str, sizes: Sequence[int]) -> list[str]:
        """The parts of the last axis, of these sizes."""
        names = self.add(
            "Split", value, self.ints(*sizes), n_outputs=len(sizes), axis=-1
        )
        return [names] if len(sizes) == 1 else list(names)

    def mask(self, lengths: str, h: str, axis: int) -> str:
        """(B, T), True at the real steps of h, whose steps lie along `axis`."""
        n_steps = self.size(h, axis)
        steps = self.add("Range", self.scalar(0), n_steps, self.scalar(1))
        return self.add("Less", steps, self.add("Unsqueeze", lengths, self.ints(1)))

    def size(self, value: str, axis: int) -> str:
        """The size () of an axis."""
        shape = self.add("Shape", value)
        return self.add("Gather", shape, self.scalar(axis), axis=0)

    def scalar(self, value: int) -> str:
        """A constant () of int64."""
        return self.constant(value, np.int64)

    def input(self, name: str, dtype: int, shape: Sequence[Axis]) -> str:
        """A new input of the graph."""
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: int, shape: Sequence[Axis]) -> None:
        """Make a value an output of the graph, under this name."""
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def proto(self, name: str) -> GraphProto:
        """The finished graph."""
        constants = list(self.constants.values())
        return helper.make_graph(
            self.nodes, name, self.inputs, self.outputs, initializer=constants
        )

    def file(self, name: str, version: str, metadata: dict[str, str]) -> bytes:
        """The contents of a file with the finished graph, after a check of it."""
        opsets = [
            helper.make_opsetid("", OPSET),
            helper.make_opsetid("ai.onnx.ml", ML_OPSET),
        ]
        model = helper.make_model(
            self.proto(name),
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets),
            producer_name="lamina",
            producer_version=version,
        )
        helper.set_model_props(model, metadata)
        checker.check_model(model, full_check=True)
        return model.SerializeToString()
