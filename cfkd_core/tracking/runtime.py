"""What runs the network on a search patch: torch, or ONNX Runtime, which takes half the time.

ONNX Runtime can run a graph in whole numbers, too, `int8`. Then the answers are other ones.

The first frame, where the target is learnt, and the box head's few linear layers are torch's in
either case: a target is the same to the last bit, whatever it is then followed with.
"""

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core.errors import InputError
from cfkd_core.models import whole_numbers
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.iou_head import SearchFeatures
from cfkd_core.patches import Pixels, to_images

if TYPE_CHECKING:
    import onnxruntime

EXACT = {"session.x64quantprecision": "1"}
"""Entry of a session of ONNX Runtime: int8 without overflow where the processor has no VNNI."""

RuntimeName = Literal["auto", "torch", "onnxruntime", "int8"]


class Sight(NamedTuple):
    """What the network makes of one search patch: all that a frame needs of it.

    Attributes:
        block4: of the backbone.
        features: of the head; None without one.
    """

    block4: Float[Tensor, "1 c h w"]
    features: SearchFeatures | None


@runtime_checkable
class Runtime(Protocol):
    """Runs one network.

    Attributes:
        name: as `load_tracker` takes it.
        card: what makes its answers other ones than the network's own; empty if they are those.
    """

    name: str
    card: dict[str, str]

    def see(self, pixels: Pixels) -> Sight:
        """The network's view of a search patch, RGB."""


class TorchRuntime:
    """Runs a network where its parameters are."""

    name = "torch"

    def __init__(self, net: AtomNet) -> None:
        self.card: dict[str, str] = {}
        self._net = net
        self._device = next(net.parameters()).device

    def see(self, pixels: Pixels) -> Sight:
        """See `Runtime`."""
        pyramid = self._net.backbone(to_images([pixels], self._device))
        head = self._net.iou_head
        return Sight(pyramid.block4, None if head is None else head.search_features(pyramid))


class OnnxRuntime:
    """Runs a network in ONNX Runtime, on as many threads as torch has when it is made.

    Raises:
        InputError: if ONNX Runtime is not installed, or the network is not in the main memory.
    """

    name = "onnxruntime"
    session: Mapping[str, str] = {}

    def __init__(self, net: AtomNet) -> None:
        require()
        if next(net.parameters()).device.type != "cpu":
            raise InputError(f"runtime {self.name}: runs on the processor; choose torch for a GPU")
        graph = self._graph(net)
        self.card = self._describe(graph)
        self._session = start(graph, self.session)

    def _graph(self, net: AtomNet) -> bytes:
        from cfkd_core.models.export import search_graph

        return search_graph(net).SerializeToString()

    def _describe(self, graph: bytes) -> dict[str, str]:
        return {}

    def see(self, pixels: Pixels) -> Sight:
        """See `Runtime`."""
        block4, *levels = map(torch.from_numpy, self._session.run(None, {"pixels": pixels[None]}))
        by_channel = [level.permute(0, 3, 1, 2) for level in levels]
        return Sight(block4, SearchFeatures(*by_channel) if by_channel else None)


class Int8Runtime(OnnxRuntime):
    """Runs the graph in whole numbers that ships for a network.

    Processors without VNNI add products of 8 bits in pairs that saturate at 16: block 4 is then off
    by 16 % instead of 9 % (root mean square, 12 patches of otb-dev). There the session has `EXACT`,
    and gives the bits that VNNI gives. With VNNI it would change nothing but the time, 9.7 for
    5.7 ms a patch, where the exact graph takes 8.8 ms; quantising weights to 7 bits is as fast and
    the same everywhere, but off by 13 %.

    Raises:
        InputError: if none ships for it, or what `OnnxRuntime` raises.
    """

    name = "int8"

    def __init__(self, net: AtomNet, weights: str) -> None:
        self._weights = weights
        self.session = {} if has_vnni() else EXACT
        super().__init__(net)

    def _graph(self, net: AtomNet) -> bytes:
        return whole_numbers.find(self._weights)

    def _describe(self, graph: bytes) -> dict[str, str]:
        return {"runtime": self.name, "graph": hashlib.sha256(graph).hexdigest(), "sums": "exact"}


def has_vnni() -> bool:
    """Whether the processor is known to add products of 8 bits without overflow."""
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(known.get("avx512_vnni") or known.get("avx_vnni"))


def installed() -> bool:
    """Whether ONNX Runtime can be used here: it runs graphs, and `onnx` writes them."""
    return all(find_spec(package) is not None for package in ("onnx", "onnxruntime"))


def require() -> None:
    """Raises `InputError` unless ONNX Runtime can be used here."""
    if not installed():
        raise InputError(
            "onnxruntime: not installed, or onnx is not; pip install 'cfkd[onnx]', or leave the "
            "network to torch (runtime torch)"
        )


def start(model: bytes, entries: Mapping[str, str] | None = None) -> "onnxruntime.InferenceSession":
    """A session of ONNX Runtime that has as many threads as torch has now.

    Args:
        entries: of its configuration.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    for key, value in (entries or {}).items():
        options.add_session_config_entry(key, value)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def choose(name: str, net: AtomNet, original: AtomNet | None = None) -> Runtime:
    """The runtime of that name, for a network made ready for inference.

    Args:
        name: auto is the fastest with the network's own answers that is installed and can run
            where the network is.
        original: the network before that; int8 knows it by its weights. `net` if not given.

    Raises:
        InputError: if there is none of that name, or it cannot be used here.
    """
    if name == "auto":
        on_processor = next(net.parameters()).device.type == "cpu"
        name = "onnxruntime" if installed() and on_processor else "torch"
    if name == Int8Runtime.name:
        return Int8Runtime(net, whole_numbers.digest(net if original is None else original))
    kinds = {kind.name: kind for kind in (TorchRuntime, OnnxRuntime)}
    if name not in kinds:
        raise InputError(f"runtime {name}: choose one of {', '.join(get_args(RuntimeName))}")
    return kinds[name](net)
