"""A network in whole numbers: 8 bits for what flows through it, 8 for each weight."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from jaxtyping import UInt8
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
    shape_inference,
)

# A layer that multiplies by this much makes a large part of ReLU6's range out of the rounding of
# its input. MobileNetV2's first layers do, by up to 127, where BatchNorm has stretched channels
# that hardly vary: with them in whole numbers block 4 is off by a half, without by a tenth.
AMPLIFIES = 32.0


def quantise(
    model: onnx.ModelProto, patches: Iterable[UInt8[np.ndarray, "1 h w 3"]]
) -> onnx.ModelProto:
    """The graph in int8 where that can be done without harm; its outputs stay float32.

    Each channel of a layer's weights has a scale of its own, each map one for all of it, from the
    smallest to the largest value that `patches` bring forth. The layers up to the last one that
    `AMPLIFIES` stay in float32.

    Args:
        model: of `search_graph`.
        patches: as the tracker will see, RGB; some dozens.
    """
    # onnxruntime's quantiser works on files
    with tempfile.TemporaryDirectory() as folder:
        plain, shaped, whole = (
            Path(folder) / f"{name}.onnx" for name in ("plain", "shaped", "whole")
        )
        onnx.save(model, plain)
        shape_inference.quant_pre_process(
            plain, shaped, skip_optimization=True, skip_symbolic_shape=True
        )
        quantize_static(
            shaped,
            whole,
            _Patches(patches),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_delicate(model),
        )
        return onnx.load(whole)


def _delicate(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes up to the last layer that amplifies."""
    weights = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    amplifying = [
        number
        for number, node in enumerate(model.graph.node)
        if node.op_type == "Conv" and np.abs(weights[node.input[1]]).max() > AMPLIFIES
    ]
    return [node.name for node in model.graph.node[: max(amplifying, default=-1) + 1]]


class _Patches(CalibrationDataReader):
    """Hands out one patch at a time, as onnxruntime asks for them."""

    def __init__(self, patches: Iterable[UInt8[np.ndarray, "1 h w 3"]]) -> None:
        self._rest = iter(patches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        patch = next(self._rest, None)
        return None if patch is None else {"pixels": patch}
