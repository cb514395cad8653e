"""Trackers to be timed side by side, and what a tracker's frame is spent on."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch
from jaxtyping import Float

from cfkd_core.benchmarks import cost
from cfkd_core.errors import InputError
from cfkd_core.models.iou_head import ProposalHead
from cfkd_core.tracking.load import load_tracker
from cfkd_core.tracking.online import OnlineTracker
from cfkd_core.tracking.runtime import Int8Runtime, RuntimeName
from cfkd_core.tracking.tracker import Frame, Tracker

PLAIN = "plain"
"""The reference path of our trackers, where others name a runtime."""

WAYS: dict[str, RuntimeName] = {**{name: name for name in get_args(RuntimeName)}, PLAIN: "torch"}
"""How a tracker with a network can be run, and the runtime that takes."""

PARTS = {
    "network": ("runtime", "see"),
    "localise": ("", "localise"),
    "refine": ("", "refined"),
    "update": ("classifier", "update"),
}
"""What is timed by itself in our trackers: owner (the tracker where there is none) and method."""

REST = "crop and rest"


@dataclass(frozen=True)
class Contender:
    """A tracker on paper, written as `tracker` or `tracker:way`.

    Attributes:
        tracker: as `load_tracker` knows it.
        way: a runtime, or `plain`; empty for the fastest there is.
    """

    tracker: str
    way: str = ""

    @property
    def name(self) -> str:
        """As it was written."""
        return f"{self.tracker}:{self.way}" if self.way else self.tracker

    def build(self) -> Tracker:
        """The tracker.

        Raises:
            InputError: if there is none of that name, or it cannot run that way here.
        """
        if self.way == "":
            return load_tracker(self.tracker)
        if self.way not in WAYS:
            raise InputError(f"contender {self.name}: choose one of {', '.join(WAYS)} after the :")
        tracker = load_tracker(self.tracker, runtime=WAYS[self.way])
        if not isinstance(tracker, OnlineTracker):
            raise InputError(f"contender {self.name}: {self.tracker} has no network to run a way")
        if self.way == PLAIN:
            return type(tracker)(
                tracker.net,
                tracker.options,
                seed=tracker.seed,
                name=tracker.name,
                plain=True,
                runtime="torch",
            )
        return tracker


def parse(text: str) -> Contender:
    """A contender as it is written: `matom`, `matom:torch`, `matom:plain`."""
    tracker, _, way = text.partition(":")
    return Contender(tracker, way)


def available(contenders: Sequence[Contender]) -> tuple[dict[str, Tracker], dict[str, str]]:
    """Those that can run here, built, and the reason for each that cannot."""
    built: dict[str, Tracker] = {}
    absent: dict[str, str] = {}
    for contender in contenders:
        try:
            built[contender.name] = contender.build()
        except InputError as error:
            absent[contender.name] = str(error)
    return built, absent


class Stopwatch:
    """Adds up what calls take, part by part, in processor time of this thread.

    A part within another one counts for itself alone, so that no time is counted twice.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._inside = 0.0  # what parts within the present one have taken

    def watch(self, owner: object, method: str, part: str) -> None:
        """Times every later call of this one object's method."""
        call: Callable = getattr(owner, method)

        def timed(*args, **kwargs):
            outside, self._inside = self._inside, 0.0
            start = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                whole = time.thread_time() - start
                self._seconds[part] += whole - self._inside
                self._inside = outside + whole

        self._seconds.setdefault(part, 0.0)
        setattr(owner, method, timed)

    def lap(self) -> dict[str, float]:
        """Seconds of each part since the last lap."""
        seconds = dict(self._seconds)
        self._seconds = dict.fromkeys(seconds, 0.0)
        return seconds


def watch_parts(tracker: Tracker, stopwatch: Stopwatch) -> None:
    """Times the parts of a tracker of ours, from its `init` to the next; others have none."""
    if not isinstance(tracker, OnlineTracker):
        return
    for part, (owner, method) in PARTS.items():
        stopwatch.watch(getattr(tracker, owner) if owner else tracker, method, part)


def network_macs(tracker: Tracker) -> int:
    """Multiplications of the network for one search patch, those of single floats.

    0 for a tracker without a network, and for one that runs in whole numbers: the peak was
    measured on floats.
    """
    if not isinstance(tracker, OnlineTracker) or tracker.runtime.name == Int8Runtime.name:
        return 0
    net, size = tracker.net, tracker.options.size
    patch = torch.zeros(1, 3, size, size)
    costs = list(cost.layer_costs(net.backbone, patch))
    if net.iou_head is not None:
        with torch.inference_mode():
            pyramid = net.backbone(patch)
        search = _SearchFeatures(net.iou_head).eval()
        costs += cost.layer_costs(search, pyramid)
    return sum(each.macs for each in costs)


class _SearchFeatures(torch.nn.Module):
    """What a head does to a search patch, as a module of its own."""

    def __init__(self, head: ProposalHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, pyramid):
        return self.head.search_features(pyramid)


def peak_memory(
    contender: Contender, frames: list[Frame], box: Float[np.ndarray, "4"], threads: int
) -> int | None:
    """Bytes that a process of its own had in memory at most, libraries and video included.

    None if the process did not come to its end.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_follow, args=(contender, frames, box, threads, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        return None
    finally:
        process.join()


def _follow(
    contender: Contender, frames: list[Frame], box: Float[np.ndarray, "4"], threads: int, pipe
) -> None:
    set_threads(threads)
    tracker = contender.build()
    tracker.init(frames[0], box)
    for frame in frames[1:]:
        tracker.update(frame)
    pipe.send(_high_water())


def _high_water() -> int:
    """Linux says it of the program that runs; `getrusage` also counts what forked it."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def set_threads(threads: int) -> None:
    """Gives torch and OpenCV as many threads; ONNX Runtime takes torch's number."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
