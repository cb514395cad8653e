"""A film of what trackers answered on one sequence, beside the truth."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from cfkd_core.datasets.film import FPS
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.datasets.video import draw_box, write_video
from cfkd_core.errors import InputError

Colour = tuple[int, int, int]

TRUTH: Colour = (0, 114, 178)
COLOURS: tuple[Colour, ...] = ((213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0))
"""Of the trackers, in turn. Source: Okabe and Ito's palette, for all kinds of colour vision."""


def parse_span(text: str, frames: int) -> range:
    """The frames that `FIRST:LAST` names, both included, counted from 0; all if it is empty.

    Raises:
        InputError: if it is something else, or not within so many frames.
    """
    if not text:
        return range(frames)
    ends = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text)
    first, last = map(int, ends.groups()) if ends else (1, 0)
    if not first <= last < frames:
        raise InputError(
            f"frames {text[:60]!r}: expected FIRST:LAST, counted from 0, up to {frames - 1}"
        )
    return range(first, last + 1)


def write_overlay(
    sequence: Sequence,
    answers: Mapping[str, Float[np.ndarray, "n 4"]],
    span: range,
    path: Path,
) -> None:
    """Writes a video of some frames with the truth and each tracker's box drawn in.

    Args:
        answers: tracker -> its boxes, 0-based; a frame beyond the last one has none.
        span: of the frames.
        path: .mp4, .avi, or a folder of JPEGs.

    Raises:
        InputError: if there are more trackers than colours, or the video cannot be written.
    """
    if len(answers) > len(COLOURS):
        raise InputError(f"{len(answers)} trackers: at most {len(COLOURS)} can be told apart")
    with write_video(path, FPS) as write:
        for frame in span:
            drawn = draw_box(sequence.frames[frame], sequence.boxes[frame], TRUTH, "truth")
            for colour, (tracker, boxes) in zip(COLOURS, answers.items(), strict=False):
                if frame < len(boxes):
                    drawn = draw_box(drawn, boxes[frame], colour, tracker)
            write(drawn)
