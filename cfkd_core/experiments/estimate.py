"""What the full data sets cost: hours, memory and disk, from throughput that was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from cfkd_core.errors import InputError
from cfkd_core.experiments.definition import Experiment
from cfkd_core.training.stage import total_steps


@dataclass(frozen=True)
class Extent:
    """How much of a data set there is.

    Attributes:
        frames: in all; of pictures with single objects, pictures.
        gigabytes: of the files as they are used, unpacked.
    """

    sequences: int
    frames: int
    gigabytes: float


EVALUATED = {
    "otb": Extent(100, 59_040, 3.0),
    "lasot": Extent(280, 685_360, 49.0),
    "trackingnet": Extent(511, 225_589, 20.0),
    "vot2018": Extent(60, 21_356, 5.0),
    "vot2019": Extent(60, 19_935, 5.0),
    "got10k": Extent(180, 22_834, 2.0),
    "uav123": Extent(123, 112_578, 14.0),
}
"""Benchmarks. Source: frames as their papers count them, and for OTB and LaSOT as the toolkits use
them (Benchmarks, exactly, sections 1.1 and 1.2; The original, exactly, section 6.1). Gigabytes:
rounded, from their pages, as remembered."""

TRAINED_ON = {
    "lasot": Extent(1_120, 2_837_000, 178.0),
    "trackingnet": Extent(27_621, 13_000_000, 1_000.0),
    "got10k": Extent(9_335, 1_403_000, 66.0),
    "coco": Extent(117_266, 117_266, 19.0),
}
"""The thesis's training data. Source: the same papers; of TrackingNet 11 chunks (The
original, exactly, section 4)."""


@dataclass(frozen=True)
class Cost:
    """What one undertaking takes.

    Attributes:
        hours: of wall time.
        memory_gb: of all its processes together.
        disk_gb: data and results.
    """

    hours: float
    memory_gb: float
    disk_gb: float


# A row of a result file and of its times, in bytes: four numbers with four decimals, and one more.
ROW_BYTES = 50


def evaluation(
    benchmark: str, fps: float, *, processes: int, memory_gb: float, repetitions: int = 1
) -> Cost:
    """Cost of running one tracker over a benchmark.

    Args:
        benchmark: a key of `EVALUATED`.
        fps: of the tracker on one thread, reading left out; `run` prints it.
        processes: sequences at a time (`--jobs`, or threads of a cluster), each on a core.
        memory_gb: of one process.

    Raises:
        InputError: if the extent of the benchmark is not known.
    """
    if benchmark not in EVALUATED:
        known = ", ".join(EVALUATED)
        raise InputError(f"benchmark {benchmark}: how large it is is not known; known: {known}")
    extent = EVALUATED[benchmark]
    tracked = extent.frames * repetitions
    # sequences do not divide: more processes than sequences have nothing to do
    busy = min(processes, extent.sequences * repetitions)
    return Cost(
        hours=tracked / fps / busy / 3600,
        memory_gb=busy * memory_gb,
        disk_gb=extent.gigabytes + tracked * ROW_BYTES / 1e9,
    )


@dataclass(frozen=True)
class Pace:
    """How fast something was trained.

    Attributes:
        seconds: for each pair, forward and backward, all students of the run together.
        size: side of the patches, px.
    """

    seconds: float
    size: int


def pace(card: Mapping) -> Pace:
    """The pace at which the weights of a card were trained, on one process.

    Raises:
        InputError: if the card does not say how long it took.
    """
    try:
        steps = sum(stage["epochs"] * stage["batches"] for stage in card["stages"])
        seconds = card["hours"] * 3600 / (steps * card["batch_size"])
        return Pace(seconds, card["pairs"]["size"])
    except (KeyError, TypeError, ZeroDivisionError):
        raise InputError("card without stages, hours and pairs: not of trained weights") from None


def training(
    experiment: Experiment,
    measured: Pace,
    *,
    processes: int = 1,
    memory_gb: float,
    efficiency: float = 0.9,
) -> Cost:
    """Cost of training an experiment on all of `TRAINED_ON`.

    The time of a pair grows as the area of its patches: a convolution does.

    Args:
        measured: of the same kind of network, on the machine that is to train.
        processes: among which each batch is divided.
        memory_gb: of one process.
        efficiency: share of its time that a process of several does not wait for the others.
    """
    pairs = total_steps(experiment.stages) * experiment.batch_size
    larger = (experiment.pairs.size / measured.size) ** 2
    together = processes * (efficiency if processes > 1 else 1)
    return Cost(
        hours=pairs * measured.seconds * larger / together / 3600,
        memory_gb=processes * memory_gb,
        disk_gb=sum(extent.gigabytes for extent in TRAINED_ON.values()),
    )
