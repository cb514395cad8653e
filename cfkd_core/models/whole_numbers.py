"""Graphs in whole numbers that ship with the project, each beside a card.

The card names the network that a graph was made of, by the hash of its weights, and what it was
calibrated on; `models.quantise` makes such graphs.
"""

import hashlib
import json
from pathlib import Path

from cfkd_core import files, paths
from cfkd_core.errors import InputError
from cfkd_core.models.atom import AtomNet

CARDS = "*_int8.json"
"""Which files in a folder of weights are cards of such graphs."""


def digest(net: AtomNet) -> str:
    """SHA-256 of a network's parameters and statistics, by which a graph knows it again."""
    found = hashlib.sha256()
    for key, value in net.state_dict().items():
        found.update(key.encode() + value.cpu().numpy().tobytes())
    return found.hexdigest()


def write(graph: bytes, path: Path, card: dict[str, object]) -> None:
    """Writes a graph and its card, the card first: a graph is never without one.

    Args:
        path: ends in `_int8.onnx`.
        card: with the network's `digest` as `network`; the hash is added.
    """
    whole = card | {"sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph)}
    files.write_text(path.with_suffix(".json"), json.dumps(whole, indent=2) + "\n")
    files.write_bytes(path, graph)


def find(network: str, folder: Path | None = None) -> bytes:
    """The graph that ships for a network.

    Args:
        network: its `digest`.
        folder: of graphs; the weights' if not given.

    Raises:
        InputError: if there is none, or `read` cannot read it.
    """
    for card in sorted((folder or paths.WEIGHTS).glob(CARDS)):
        if _card(card)["network"] == network:
            return read(card)
    raise InputError(
        "runtime int8: no graph in whole numbers ships for this network; take onnxruntime, or "
        "matom with its own weights"
    )


def read(card: Path) -> bytes:
    """The graph beside a card.

    Raises:
        InputError: if it is missing, or not what the card describes.
    """
    path = card.with_suffix(".onnx")
    if not path.is_file():
        raise InputError(f"{path}: missing; {paths.RESTORE}")
    graph = path.read_bytes()
    if hashlib.sha256(graph).hexdigest() != _card(card)["sha256"]:
        raise InputError(f"{path}: damaged, or not what its card describes; {paths.RESTORE}")
    return graph


def _card(path: Path) -> dict[str, object]:
    content = files.read_json(path, paths.RESTORE)
    if not isinstance(content, dict) or not {"network", "sha256"} <= set(content):
        raise InputError(f"{path}: not the card of a graph; {paths.RESTORE}")
    return content
