"""Trackers timed side by side: each gets a frame in turn, so that all meet the same machine.

Absolute times move up to twofold with what else a machine does; ratios of one run stand. Times are
processor time of the thread that tracks, which leaves out what other programs take; with one
thread and a free core that is the time on the wall.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float

from cfkd_core import files, provenance
from cfkd_core.benchmarks import contenders
from cfkd_core.benchmarks.contenders import REST, Contender, Stopwatch
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError
from cfkd_core.tracking import runtime
from cfkd_core.tracking.tracker import Frame, Tracker

DEFAULT = (
    "matom:onnxruntime",
    "matom:torch",
    "matom:int8",
    "matom:plain",
    "atom:onnxruntime",
    "csrt",
    "mil",
    "kcf",
)
"""Ours and its other ways, our teacher, and OpenCV's."""

_FILM = "syn_light_face"  # no cut, and the target is in sight throughout
_PEAK_SIDE = 768  # of the matrices whose product says what the processor can do
_THREADS = {"torch": torch.get_num_threads, "opencv": cv2.getNumThreads}


@dataclass(frozen=True)
class Timing:
    """One tracker's times, in seconds.

    Attributes:
        init: of the first frame.
        frames: of each later one.
        updated: in which frames a classifier was fitted.
        parts: of each frame; empty for trackers that are not ours.
        macs: of the network for one frame; 0 if it has none that can be held against the peak.
        memory: bytes that a process of its own had at most; None if that was not measured.
    """

    name: str
    init: float
    frames: Float[np.ndarray, "t"]
    updated: Bool[np.ndarray, "t"]
    parts: dict[str, Float[np.ndarray, "t"]]
    macs: int
    memory: int | None = None

    @property
    def median(self) -> float:
        """Of the frames."""
        return float(np.median(self.frames))

    @property
    def mean(self) -> float:
        """Of the frames."""
        return float(self.frames.mean())

    @property
    def p99(self) -> float:
        """What one frame of a hundred takes longer than."""
        return float(np.percentile(self.frames, 99))

    @property
    def worst(self) -> float:
        """Of the frames."""
        return float(self.frames.max())

    def over_median(self, *, updated: bool) -> Float[np.ndarray, "u"]:
        """The frames with (or without) an update, in medians of all."""
        return self.frames[self.updated == updated] / self.median

    def worst_over_median(self, *, updated: bool) -> float:
        """The worst of them; NaN if there is none."""
        chosen = self.over_median(updated=updated)
        return float(chosen.max()) if len(chosen) else float("nan")

    def peak_share(self, peak: float) -> float:
        """Multiplications a second of the network, as a share of `peak`; NaN without `macs`."""
        return self.macs / float(np.median(self.parts["network"])) / peak if self.macs else np.nan

    def summary(self, peak: float) -> dict[str, object]:
        """The numbers that are looked at, as JSON can hold them."""
        share = self.peak_share(peak)
        return {
            "median": self.median,
            "mean": self.mean,
            "p99": self.p99,
            "worst": self.worst,
            "anatomy": self.anatomy(),
            "peak_share": None if np.isnan(share) else share,
        }

    def anatomy(self) -> dict[str, float]:
        """Mean seconds a frame of each part, and of what is left."""
        means = {part: float(seconds.mean()) for part, seconds in self.parts.items()}
        return {**means, REST: self.mean - sum(means.values())} if means else {}


def film(size: tuple[int, int], length: int) -> tuple[list[Frame], Float[np.ndarray, "4"]]:
    """Frames of (width, height) px, forwards and backwards as often as need be, and the first box.

    A synthetic film, drawn larger or smaller: what a tracker computes does not depend on it.
    """
    (sequence,) = synthetic_sequences([_FILM])
    last = len(sequence) - 1
    numbers = [last - abs(last - number % (2 * last)) for number in range(length)]
    shown = {n: cv2.resize(sequence.frames[n], size) for n in sorted(set(numbers))}
    height, width = sequence.frames[0].shape[:2]
    factors = np.array([size[0] / width, size[1] / height] * 2)
    return [shown[number] for number in numbers], sequence.boxes[0] * factors


def race(
    trackers: dict[str, Tracker], frames: Sequence[Frame], box: Float[np.ndarray, "4"]
) -> list[Timing]:
    """All trackers through the same frames, each frame by one after the other."""
    stopwatches = {name: Stopwatch() for name in trackers}
    first: dict[str, float] = {}
    laps: dict[str, list[dict[str, float]]] = {name: [] for name in trackers}
    for name, tracker in trackers.items():
        first[name] = _seconds(tracker.init, frames[0], box)
        contenders.watch_parts(tracker, stopwatches[name])
    for frame in frames[1:]:
        for name, tracker in trackers.items():
            whole = _seconds(tracker.update, frame)
            laps[name].append({"": whole, **stopwatches[name].lap()})
    return [
        _timing(name, tracker, first[name], pd.DataFrame(laps[name]))
        for name, tracker in trackers.items()
    ]


def steadied(races: Sequence[Sequence[Timing]]) -> list[Timing]:
    """One race of several equal ones: every time is its median over them.

    What another program takes from a frame, it hardly takes from the same frame again.
    """
    return [_steadied(runs) for runs in zip(*races, strict=True)]


def _steadied(runs: Sequence[Timing]) -> Timing:
    first = runs[0]
    return replace(
        first,
        init=float(np.median([each.init for each in runs])),
        frames=np.median([each.frames for each in runs], axis=0),
        parts={
            part: np.median([each.parts[part] for each in runs], axis=0) for part in first.parts
        },
    )


def _timing(name: str, tracker: Tracker, first: float, laps: pd.DataFrame) -> Timing:
    parts = {part: laps[part].to_numpy() for part in laps.columns if part}
    updates = parts.get("update", np.zeros(len(laps)))
    return Timing(
        name, first, laps[""].to_numpy(), updates > 0, parts, contenders.network_macs(tracker)
    )


def _seconds(call, *args: object) -> float:
    start = time.thread_time()
    call(*args)
    return time.thread_time() - start


def gemm_peak(repeats: int = 9) -> float:
    """Multiplications with accumulation a second, in the best of a few large matrix products."""
    left, right = torch.rand(2, _PEAK_SIDE, _PEAK_SIDE)
    product = torch.empty(_PEAK_SIDE, _PEAK_SIDE)
    best = min(_seconds(lambda: torch.mm(left, right, out=product)) for _ in range(repeats))
    return _PEAK_SIDE**3 / best


@dataclass(frozen=True)
class Contest:
    """A race, and what it was run on.

    Attributes:
        peak: multiplications a second in a large matrix product.
        absent: contenders that could not run here, and why.
        repeats: how many races each time is the median of.
        commit: of the code; None where that is not known.
        versions: of the libraries that multiply.
    """

    timings: tuple[Timing, ...]
    size: tuple[int, int]
    peak: float
    threads: dict[str, int]
    absent: dict[str, str]
    repeats: int
    processor: str
    commit: str | None
    versions: dict[str, str]

    def table(self) -> pd.DataFrame:
        """A row a tracker, times in ms; `x` is how many times the first one's."""
        reference = self.timings[0]
        rows = {
            each.name: {
                "init": each.init * 1e3,
                "median": each.median * 1e3,
                "mean": each.mean * 1e3,
                "p99": each.p99 * 1e3,
                "worst": each.worst * 1e3,
                "x median": each.median / reference.median,
                "x mean": each.mean / reference.mean,
                **{part: seconds * 1e3 for part, seconds in each.anatomy().items()},
                "% of peak": 100 * each.peak_share(self.peak),
                "MB": np.nan if each.memory is None else each.memory / 1e6,
            }
            for each in self.timings
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("tracker")

    def conditions(self) -> str:
        """One line: threads, frames, processor and its peak."""
        threads = ", ".join(f"{library} {count}" for library, count in self.threads.items())
        width, height = self.size
        times = f"median of {self.repeats} races" if self.repeats > 1 else "one race"
        return (
            f"ms of processor time a frame, {len(self.timings[0].frames)} frames of "
            f"{width}x{height}, {times}; threads: {threads}; {self.processor}, matrix product "
            f"{2 * self.peak / 1e9:.0f} GFLOP/s"
        )

    def save_json(self, path: Path) -> None:
        """Writes every frame's time, the summaries, and the machine; whole or not at all."""
        content = {
            "processor": self.processor,
            "threads": self.threads,
            "gemm_peak_gflops": 2 * self.peak / 1e9,
            "versions": self.versions,
            "commit": self.commit,
            "size": self.size,
            "absent": self.absent,
            "repeats": self.repeats,
            "trackers": [each.summary(self.peak) | asdict(each) for each in self.timings],
        }
        text = json.dumps(content, indent=1, default=_plain, allow_nan=False)
        files.write_text(path, text + "\n")


def load_json(path: Path) -> Contest:
    """What `Contest.save_json` has written, on whichever machine.

    Raises:
        InputError: if the file is missing or holds something else.
    """
    remedy = "`python -m cfkd_core bench --json FILE` writes one"
    if not path.is_file():
        raise InputError(f"{path}: no such file of times; {remedy}")
    content = files.read_json(path, remedy)
    try:
        width, height = map(int, content["size"])
        return Contest(
            timings=tuple(map(_recorded, content["trackers"])),
            size=(width, height),
            peak=float(content["gemm_peak_gflops"]) * 1e9 / 2,
            threads=dict(content["threads"]),
            absent=dict(content["absent"]),
            repeats=int(content["repeats"]),
            processor=str(content["processor"]),
            commit=content["commit"],
            versions=dict(content["versions"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise InputError(f"{path}: not a file of times; {remedy}") from None


def _recorded(entry: dict) -> Timing:
    frames = np.array(entry["frames"], dtype=float)
    updated = np.array(entry["updated"], dtype=bool)
    parts = {str(name): np.array(times, dtype=float) for name, times in entry["parts"].items()}
    if frames.ndim != 1 or any(each.shape != frames.shape for each in (updated, *parts.values())):
        raise ValueError("times of some frames are missing")
    memory = entry["memory"]
    return Timing(
        name=str(entry["name"]),
        init=float(entry["init"]),
        frames=frames,
        updated=updated,
        parts=parts,
        macs=int(entry["macs"]),
        memory=None if memory is None else int(memory),
    )


def run(
    entrants: Sequence[Contender],
    *,
    size: tuple[int, int],
    length: int,
    threads: int,
    memory: bool,
    repeats: int = 1,
) -> Contest:
    """Races those of the contenders that can run here.

    Args:
        size: (width, height) of the frames.
        length: of the film, frames.
        memory: whether each is also followed alone in a process of its own.
        repeats: races, each of trackers that are built anew; see `steadied`.

    Raises:
        InputError: if none can run, or there is nothing to time.
    """
    if length < 2 or threads < 1:
        raise InputError(f"{length} frames on {threads} threads: take two frames and one thread")
    if repeats < 1:
        raise InputError(f"{repeats} repeats: take one")
    before = {library: count() for library, count in _THREADS.items()}
    contenders.set_threads(threads)
    try:
        frames, box = film(size, length)
        races = []
        for _ in range(repeats):
            trackers, absent = contenders.available(entrants)
            if not trackers:
                raise InputError(f"nothing to time: {'; '.join(absent.values())}")
            races.append(race(trackers, frames, box))
        timings = steadied(races)
        if memory:
            by_name = {each.name: each for each in entrants}
            needs = {n: contenders.peak_memory(by_name[n], frames, box, threads) for n in trackers}
            timings = [replace(each, memory=needs[each.name]) for each in timings]
        return Contest(
            timings=tuple(timings),
            size=size,
            peak=gemm_peak(),
            threads={library: count() for library, count in _THREADS.items()},
            absent=absent,
            repeats=repeats,
            processor=provenance.processor(),
            commit=provenance.commit(),
            versions=_versions(),
        )
    finally:
        torch.set_num_threads(before["torch"])
        cv2.setNumThreads(before["opencv"])


def parse_size(text: str) -> tuple[int, int]:
    """(width, height) of `WxH`.

    Raises:
        InputError: for anything else, or frames too small to track in.
    """
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 32):
        raise InputError(f"size {text}: write WIDTHxHEIGHT in px, 32x32 or more, such as 640x480")
    return int(width), int(height)


def _versions() -> dict[str, str]:
    """Of what multiplies, where it is installed."""
    found = {"torch": torch.__version__, "opencv": cv2.__version__}
    if runtime.installed():
        found["onnxruntime"] = version("onnxruntime")
    return found


def _plain(value: np.ndarray) -> list:
    return value.tolist()
