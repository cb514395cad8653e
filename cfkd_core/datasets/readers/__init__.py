"""Benchmarks on disk, one function and one file each: `load_benchmark` finds them by name."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cfkd_core.datasets.readers import official, trackingnet
from cfkd_core.datasets.readers.davis import read_davis
from cfkd_core.datasets.readers.got10k import read_got10k
from cfkd_core.datasets.readers.lasot import read_lasot
from cfkd_core.datasets.readers.otb import read_otb
from cfkd_core.datasets.readers.own import read_own
from cfkd_core.datasets.readers.rows import read_rows
from cfkd_core.datasets.readers.trackingnet import read_trackingnet
from cfkd_core.datasets.readers.uav123 import read_uav123
from cfkd_core.datasets.readers.vot import read_vot
from cfkd_core.datasets.seeking import SeekingVideo
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError

__all__ = [
    "BENCHMARKS",
    "READERS",
    "ROOT_VARIABLE",
    "damages",
    "load_benchmark",
    "read_otb",
    "read_rows",
    "shortfall",
]

ROOT_VARIABLE = "CFKD_DATA"


@dataclass(frozen=True)
class Benchmark:
    """Where the files of one benchmark are, and what reads them.

    Attributes:
        read: folder -> sequences.
        folder: its name under the folder that `CFKD_DATA` names.
        home: where people get it; empty for one's own videos.
        size: how many sequences it has; 0 for one's own videos.
        names: folder -> the names of all, as far as they are known.
    """

    read: Callable[[Path], list[Sequence]]
    folder: str
    home: str
    size: int
    names: Callable[[Path], frozenset[str]]

    def find(self, root: Path | None) -> Path:
        """`root`, or else this benchmark's folder under `CFKD_DATA`."""
        if root is None and ROOT_VARIABLE in os.environ:
            root = Path(os.environ[ROOT_VARIABLE]) / self.folder
        if root is None:
            raise InputError(
                f"benchmark {self.folder} needs its files: pass --root DIR, or set {ROOT_VARIABLE} "
                f"to the folder that holds {self.folder}/{self.source}"
            )
        if not root.is_dir():
            raise InputError(f"{root}: no such folder{self.source}")
        return root

    @property
    def source(self) -> str:
        """Where to get it, as the end of a message."""
        return f"; get {self.folder} from {self.home}" if self.home else ""


def _listed(name: str) -> Callable[[Path], frozenset[str]]:
    return lambda root: official.names(name)


VOT_HOME = "https://www.votchallenge.net"
GOT10K_HOME = "http://got-10k.aitestunion.com"

READERS = {
    "otb": Benchmark(
        read_otb,
        "otb",
        "http://cvlab.hanyang.ac.kr/tracker_benchmark/datasets.html",
        100,
        _listed("otb"),
    ),
    "lasot": Benchmark(
        lambda root: read_lasot(root, official.names("lasot")),
        "lasot",
        "http://vision.cs.stonybrook.edu/~lasot",
        280,
        _listed("lasot"),
    ),
    "trackingnet": Benchmark(
        read_trackingnet,
        "trackingnet",
        "https://tracking-net.org",
        official.TRACKINGNET_TEST,
        trackingnet.named,
    ),
    "vot2018": Benchmark(read_vot, "vot2018", f"{VOT_HOME}/vot2018", 60, _listed("vot2018")),
    "vot2019": Benchmark(read_vot, "vot2019", f"{VOT_HOME}/vot2019", 60, _listed("vot2019")),
    "got10k": Benchmark(
        lambda root: read_got10k(root, "test"), "got10k", GOT10K_HOME, 180, _listed("got10k")
    ),
    "got10k-val": Benchmark(
        lambda root: read_got10k(root, "val"), "got10k", GOT10K_HOME, 180, _listed("got10k-val")
    ),
    "uav123": Benchmark(
        read_uav123, "uav123", "https://cemse.kaust.edu.sa/ivul/uav123", 123, _listed("uav123")
    ),
    "davis": Benchmark(
        lambda root: read_davis(root, official.names("davis")),
        "davis",
        "https://davischallenge.org",
        30,
        _listed("davis"),
    ),
    "own": Benchmark(read_own, "own", "", 0, lambda root: frozenset()),
}
BENCHMARKS = ("synthetic", *READERS)


def load_benchmark(name: str, root: str | Path | None = None) -> list[Sequence]:
    """The sequences of one of `BENCHMARKS` that are there; `shortfall` says which are not.

    Args:
        root: folder of the benchmark's files; without it `CFKD_DATA` says where they are.
            The synthetic benchmark has no files and takes none.

    Raises:
        InputError: if the name is unknown, the files are missing or those of a sequence broken.
    """
    if name not in BENCHMARKS:
        raise InputError(f"benchmark {name!r} is unknown; choose from {', '.join(BENCHMARKS)}")
    if name == "synthetic":
        if root is not None:
            raise InputError(f"benchmark synthetic is rendered, not read; leave out --root {root}")
        return synthetic_sequences()
    benchmark = READERS[name]
    try:
        return benchmark.read(benchmark.find(None if root is None else Path(root)))
    except InputError as error:
        message = str(error).removesuffix(benchmark.source)
        raise InputError(message + benchmark.source) from None


def shortfall(name: str, sequences: list[Sequence], root: Path | None = None) -> str:
    """What a benchmark lacks or has beyond its own, in one line; empty if it is whole.

    Where less than half of OTB is there, it is no OTB that lacks something, but other videos in its
    layout, or a subset: the line only counts those that are known.

    Args:
        sequences: what `load_benchmark` gave.
        root: what it was given.
    """
    benchmark = READERS.get(name)
    if benchmark is None or not benchmark.size:
        return ""
    expected = benchmark.names(benchmark.find(root))
    found = {sequence.name for sequence in sequences}
    # of DAVIS the videos are counted, and each target of one is a sequence
    found |= {each.rpartition(".")[0] for each in found} & expected
    lacking, strange = sorted(expected - found), sorted(_without_targets(found - expected, found))
    unnamed = benchmark.size - len(expected)
    there = len(expected) - len(lacking)
    if name == "otb" and there < benchmark.size / 2:
        return f"{name}: {there} of {len(sequences)} sequences are of OTB-100's {benchmark.size}"
    parts = []
    if lacking or unnamed > 0:
        parts.append(f"{there} of {benchmark.size} sequences are there")
    if lacking:
        parts.append(f"missing: {_some(lacking)}")
    if strange:
        parts.append(f"not of this benchmark: {_some(strange)}")
    return f"{name}: {'; '.join(parts)}{benchmark.source}" if parts else ""


def damages(sequences: list[Sequence], *, strict: bool = False) -> list[str]:
    """A line for each video of which some frames cannot be read.

    Raises:
        InputError: with the first of them, if `strict`.
    """
    found = [
        f"sequence {each.name}: {each.frames.path} {each.frames.damage}"
        for each in sequences
        if isinstance(each.frames, SeekingVideo) and each.frames.damage
    ]
    if strict and found:
        raise InputError(f"{found[0]}; copy it again, or leave out --strict")
    return found


def _without_targets(names: set[str], found: set[str]) -> set[str]:
    return {name for name in names if name.rpartition(".")[0] not in found}


def _some(names: list[str], count: int = 10) -> str:
    rest = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + rest
