"""What `track` follows a target through: a video with a box, from wherever it comes."""

import itertools
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from cfkd_core import boxes
from cfkd_core.datasets.camera import Camera
from cfkd_core.datasets.sequence import Frame
from cfkd_core.datasets.video import ImageFolder, VideoFile, open_frames
from cfkd_core.errors import InputError


@runtime_checkable
class FrameSource(Protocol):
    """What knows of the frames that it gives.

    Attributes:
        fps: frames per second.
        time: of the frame that was read last, s after the first one; None where there is no clock.
        damage: what the video lacks, as far as it was read; empty if nothing.
    """

    fps: float
    time: float | None
    damage: str


@dataclass(frozen=True)
class Footage:
    """Frames, and the target in the first of them.

    Attributes:
        frames: RGB; to be gone through once.
        box: px of the first frame, 0-based.
        total: how many frames there will be; None where nobody knows.
        source: where the frames come from.
        files: that are read.
    """

    frames: Iterable[Frame]
    box: Float[np.ndarray, "4"]
    total: int | None
    source: FrameSource
    files: list[Path]

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.source.fps


def open_footage(
    video: Path | None,
    camera: int | None,
    box: str,
    limit: int | None = None,
    *,
    strict: bool = False,
) -> Footage:
    """The frames of a video, or those of a camera, of which one must be given.

    Args:
        video: a file, or a folder of images.
        camera: number of a webcam.
        box: x,y,w,h; before a camera it may be empty, for the middle third of the picture.
        limit: how many frames to take.
        strict: whether reading a damaged video to its end is an error.

    Raises:
        InputError: if both are given or neither, one of them cannot be read, or the box is none to
            start from.
    """
    if limit is not None and limit < 1:
        raise InputError(f"--frames {limit}: at least 1")
    source: VideoFile | ImageFolder | Camera
    if video is not None and camera is None:
        source = open_frames(video, strict=strict)
    elif camera is not None and video is None:
        source = Camera(camera)
    else:
        raise InputError("name a video, or a webcam by --camera 0; one of them")
    first = source.first if isinstance(source, Camera) else next(iter(source))
    height, width = first.shape[:2]
    if not box and camera is None:
        raise InputError("no box: say where the target is in the first frame, --box X,Y,W,H")
    start = box.split(",") if box else [width / 3, height / 3, width / 3, height / 3]
    counts = [count for count in (operator.length_hint(source), limit) if count]
    return Footage(
        frames=itertools.islice(source, limit),
        box=boxes.check(start, width, height),
        total=min(counts, default=None),
        source=source,
        files=_files(source),
    )


def _files(source: FrameSource) -> list[Path]:
    if isinstance(source, ImageFolder):
        return source.files
    return [source.path] if isinstance(source, VideoFile) else []
