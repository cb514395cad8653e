"""ONNX graphs: written node by node, or read off a network."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from torch import Tensor, fx, nn
from torch.fx.node import Target

OPSET = 17
"""Old enough for runtimes of 2022, new enough for all that is used here."""

_IR = 8  # the file format of that operator set


class Graph:
    """A graph that grows by one operator at a time; its values are known by their names.

    Attributes:
        name: what the graph is for; the first word of a runtime's error messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def input(self, name: str, *shape: int | str, dtype: type = np.float32) -> str:
        """A value that whoever runs the graph gives; a side that varies is a word."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, value: str, name: str, *shape: int | str) -> None:
        """Gives `value` back as `name`."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=f"{name}_out"))
        self._outputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))

    def constant(self, values: Tensor | np.ndarray | float | list[int]) -> str:
        """Numbers that never change: whole ones as int64, others as float32."""
        array = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values)
        dtype = np.int64 if np.issubdtype(array.dtype, np.integer) else np.float32
        name = f"constant_{len(self._constants)}"
        tensor = numpy_helper.from_array(np.ascontiguousarray(array, dtype), name)
        self._constants.append(tensor)
        return name

    def apply(self, kind: str, *values: str, **attributes: Any) -> str:
        """What an ONNX operator of that kind makes of values."""
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, values, [name], name=name, **attributes))
        return name

    def shaped(self, value: str, *shape: int) -> str:
        """`value` in another shape; -1 is the side that is left over."""
        return self.apply("Reshape", value, self.constant(list(shape)))

    def raised(self, value: str) -> str:
        """`value` with a last side of 1 more."""
        return self.apply("Unsqueeze", value, self.constant([-1]))

    def run(self, module: nn.Module, value: str) -> str:
        """What a part of a network makes of a value, operator by operator.

        Raises:
            NotImplementedError: if it has a layer or function that is not translated here.
        """
        return _Translator(fx.symbolic_trace(module), self).run(value)

    def model(self) -> onnx.ModelProto:
        """The graph as a checked model."""
        graph = helper.make_graph(
            self._nodes, self.name, self._inputs, self._outputs, self._constants
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=_IR,
            producer_name="cfkd_core",
        )
        onnx.checker.check_model(model)
        return model


def _convolution(graph: Graph, layer: nn.Conv2d, value: str) -> str:
    parameters = [graph.constant(layer.weight)]
    if layer.bias is not None:
        parameters.append(graph.constant(layer.bias))
    return graph.apply(
        "Conv",
        value,
        *parameters,
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        pads=layer.padding * 2,
        dilations=layer.dilation,
        group=layer.groups,
    )


def _pooling(graph: Graph, layer: nn.MaxPool2d, value: str) -> str:
    if layer.dilation != 1 or layer.ceil_mode:
        raise NotImplementedError(f"{layer}: dilation and ceil_mode are not translated")
    return graph.apply(
        "MaxPool",
        value,
        kernel_shape=[layer.kernel_size] * 2,
        strides=[layer.stride] * 2,
        pads=[layer.padding] * 4,
    )


def _clip(graph: Graph, layer: nn.ReLU6, value: str) -> str:
    return graph.apply("Clip", value, graph.constant(layer.min_val), graph.constant(layer.max_val))


_MODULES: dict[type[nn.Module], Callable[[Graph, Any, str], str]] = {
    nn.Conv2d: _convolution,
    nn.Identity: lambda graph, layer, value: value,
    nn.MaxPool2d: _pooling,
    nn.ReLU: lambda graph, layer, value: graph.apply("Relu", value),
    nn.ReLU6: _clip,
}

_FUNCTIONS: dict[Target, str] = {operator.add: "Add", operator.iadd: "Add"}


class _Translator(fx.Interpreter):
    """Runs a traced module on names instead of tensors, and so writes its graph."""

    def __init__(self, traced: fx.GraphModule, graph: Graph) -> None:
        super().__init__(traced)
        self._written = graph

    def call_module(self, target: Target, args: tuple, kwargs: dict) -> str:
        module = self.fetch_attr(str(target))
        if type(module) not in _MODULES:
            raise NotImplementedError(f"{target}: {type(module).__name__} is not translated")
        return _MODULES[type(module)](self._written, module, *args)

    def call_function(self, target: Target, args: tuple, kwargs: dict) -> str:
        if target not in _FUNCTIONS:
            raise NotImplementedError(f"{target} is not translated")
        return self._written.apply(_FUNCTIONS[target], *args)
