"""What each benchmark counts as success, by name: `PROTOCOLS`, and with restarts `VOT_PROTOCOLS`.

A protocol turns the boxes of one sequence into curves, and a curve into scores. Most average
curves over sequences, not frames, so that a long sequence weighs no more than a short one; the
two kinds of protocol say how much each sequence weighs.

The same boxes score differently by another rule: up to three points of success between a mean
over frames and one over sequences. A score is only a score with its protocol's name.
"""

from cfkd_core.benchmarks.protocols.got10k import GOT10K, GOT10K_TOOLKIT
from cfkd_core.benchmarks.protocols.lasot import LASOT
from cfkd_core.benchmarks.protocols.otb import OTB, OTB_ERRORS, OTB_OVERLAPS, UAV123
from cfkd_core.benchmarks.protocols.protocol import Curves, Measure, Protocol
from cfkd_core.benchmarks.protocols.pysot import PYSOT, PYSOT_LASOT
from cfkd_core.benchmarks.protocols.pytracking import (
    PYTRACKING,
    PYTRACKING_LASOT,
    PYTRACKING_UAV123,
)
from cfkd_core.benchmarks.protocols.trackingnet import TRACKINGNET
from cfkd_core.benchmarks.protocols.vot import VOT_PROTOCOLS, VotProtocol
from cfkd_core.errors import InputError

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        OTB, LASOT, TRACKINGNET, GOT10K, UAV123,
        PYTRACKING, PYTRACKING_LASOT, PYTRACKING_UAV123,
        PYSOT, PYSOT_LASOT, GOT10K_TOOLKIT,
    )
}  # fmt: skip

__all__ = [
    "OTB_ERRORS",
    "OTB_OVERLAPS",
    "PROTOCOLS",
    "VOT_PROTOCOLS",
    "Curves",
    "Measure",
    "Protocol",
    "VotProtocol",
    "measures",
]


def measures(name: str) -> dict[str, Measure]:
    """What the protocol of this name reads off its curves.

    Raises:
        InputError: if there is no such protocol.
    """
    known = PROTOCOLS | VOT_PROTOCOLS
    if name not in known:
        raise InputError(f"protocol {name!r} is unknown; choose from {', '.join(known)}")
    return dict(known[name].measures)
