"""What a tracker is: two methods, and what they give back."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8

from cfkd_core import files
from cfkd_core.errors import InputError

Frame = UInt8[np.ndarray, "h w 3"]
Status = Literal["normal", "hard_negative", "uncertain", "lost"]

HEADER = "frame,x,y,w,h,score,status,seconds"
"""First line of a file of boxes."""


class Prediction(NamedTuple):
    """Where the target is in one frame.

    Attributes:
        box: (x, y, w, h) in px of the frame, 0-based, continuous edges.
        score: the tracker's own confidence; its scale is the tracker's.
        status: how the tracker judged the frame; `lost` means the box is the last known one.
    """

    box: Float[np.ndarray, "4"]
    score: float
    status: Status


@runtime_checkable
class Tracker(Protocol):
    """Follows one target; a new `init` begins afresh and forgets everything before it.

    Attributes:
        name: names its folder of results.
    """

    name: str

    @property
    def card(self) -> dict:
        """What decides its answers (options, seed, weights), as JSON can hold it."""

    def init(self, frame: Frame, box: Float[np.ndarray, "4"]) -> None:
        """Learns the target inside `box`, 0-based px of `frame` (RGB)."""

    def update(self, frame: Frame) -> Prediction:
        """Finds the target in the next frame (RGB)."""


def check_frame(frame: object) -> None:
    """Refuses what is not a frame.

    OpenCV's order, BGR, cannot be told from RGB: it is followed, with red and blue exchanged in
    every frame, and networks that know natural colours see the target less well.

    Raises:
        InputError: if `frame` is not an array of uint8, height x width x 3.
    """
    if not isinstance(frame, np.ndarray):
        raise InputError(f"frame of type {type(frame).__name__}: expected an array")
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
        raise InputError(
            f"frame of {frame.dtype} {frame.shape}: expected RGB, uint8, height x width x 3"
            + _remedy(frame)
        )


def _remedy(frame: np.ndarray) -> str:
    """What makes a frame of an array, as the end of a message; empty where nothing does."""
    if frame.size == 0:
        return "; it is empty"
    if frame.dtype != np.uint8:
        return "; scale it to 0 to 255 and convert it to uint8"
    if frame.ndim == 2:
        return "; repeat the grey channel three times"
    if frame.ndim == 3 and frame.shape[2] == 4:
        return "; leave out the fourth channel"
    return ""


@dataclass(frozen=True)
class Trajectory:
    """A tracker's answers on one video, the annotated first frame included.

    Attributes:
        boxes: px of the frame, 0-based.
        scores: the tracker's confidence; 1 for the first frame.
        seconds: time in `init` (first) and `update` (the rest), image reading left out.
        statuses: one a frame.
    """

    boxes: Float[np.ndarray, "t 4"]
    scores: Float[np.ndarray, "t"]
    seconds: Float[np.ndarray, "t"]
    statuses: tuple[Status, ...]

    @property
    def fps(self) -> float:
        """Frames per second of `update`; NaN for a video of one frame.

        Source: CFKD's pytracking leaves the first frame out (The original, exactly, section 6.3).
        """
        updates = self.seconds[1:]
        return len(updates) / updates.sum() if len(updates) else float("nan")

    def summary(self) -> dict:
        """Frames, how many of them each status has, and speed, as JSON can hold it."""
        return {
            "frames": len(self.boxes),
            "statuses": dict(Counter(self.statuses)),
            "fps": round(self.fps, 2) if len(self.boxes) > 1 else None,
            "first_frame_seconds": round(float(self.seconds[0]), 4),
            "last_box": [round(value, 4) for value in self.boxes[-1].tolist()],
        }

    def to_csv(self, path: str | Path) -> None:
        """Writes frame, x, y, w, h, score, status, seconds, a row a frame; whole or not at all."""
        table = pd.DataFrame(self.boxes, columns=["x", "y", "w", "h"]).rename_axis("frame")
        table = table.assign(score=self.scores, status=self.statuses, seconds=self.seconds)
        files.write_text(Path(path), table.to_csv(float_format="%.4f"))


def check_boxes_file(path: Path) -> None:
    """Refuse to write boxes over a file that `Trajectory.to_csv` did not write.

    Beside a film lies its annotation, by the same name.

    Raises:
        InputError: if there is a file of something else.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        first = file.readline(len(HEADER) + 2).decode("utf-8", "replace").strip()
    if first not in ("", HEADER):
        raise InputError(f"{path}: is there, and not from a tracker; name another file for boxes")


def track(
    tracker: Tracker,
    frames: Iterable[Frame],
    box: Float[np.ndarray, "4"],
    watch: Callable[[Frame, Prediction], None] | None = None,
) -> Trajectory:
    """One pass over `frames` from `box` in the first one.

    Args:
        watch: called with each frame and its prediction, outside the timer.
    """
    predictions: list[Prediction] = []
    seconds: list[float] = []
    for frame in frames:
        start = time.perf_counter()
        if not predictions:
            tracker.init(frame, box)
            prediction = Prediction(np.asarray(box, dtype=np.float64), 1.0, "normal")
        else:
            prediction = tracker.update(frame)
        seconds.append(time.perf_counter() - start)
        predictions.append(prediction)
        if watch is not None:
            watch(frame, prediction)
    return Trajectory(
        boxes=np.stack([prediction.box for prediction in predictions]),
        scores=np.array([prediction.score for prediction in predictions], dtype=np.float64),
        seconds=np.array(seconds),
        statuses=tuple(prediction.status for prediction in predictions),
    )
