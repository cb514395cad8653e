"""Videos of one's own: folders of images or video files, each with a table of boxes."""

import collections.abc
import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float

from cfkd_core.datasets.readers.box_format import check_format
from cfkd_core.datasets.readers.otb import read_folder
from cfkd_core.datasets.readers.rows import LARGEST, read_lines, read_row
from cfkd_core.datasets.seeking import SeekingVideo
from cfkd_core.datasets.sequence import Frame, Sequence
from cfkd_core.datasets.video import IMAGES, ImageFolder
from cfkd_core.errors import InputError

VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm"})
TABLES = (".csv", ".txt")

# Where a table lies within a folder of images, if it is not beside the folder.
INSIDE = ("boxes.csv", "boxes.txt", "groundtruth.txt", "groundtruth_rect.txt")


def read_own(root: Path) -> list[Sequence]:
    """Every video in a folder, sorted by name.

    `<root>/clip.mp4` or `<root>/clip/` (images in natural order) becomes the sequence `clip`. Its
    boxes are in `<root>/clip.csv` or `.txt`, or in the folder as one of `INSIDE`; see `read_table`.
    A folder in OTB's layout, `clip/img/0001.jpg` beside `clip/groundtruth_rect.txt`, is read as
    `read_otb` does: there, boxes are counted from 1.

    Raises:
        InputError: if a video has no table, or one that does not fit; and if there is no video.
    """
    paths = sorted(root.iterdir()) if root.is_dir() else []
    videos = [path for path in paths if _is_video(path) or _is_otb(path)]
    if not videos:
        raise InputError(
            f"{root}: no videos here; expected video files or folders of images, each with a table "
            "of boxes of the same name, as data/README.md describes"
        )
    return [
        sequence
        for path in videos
        for sequence in (
            [read_video(path, _find_table(path))] if _is_video(path) else read_folder(path)
        )
    ]


def _is_otb(path: Path) -> bool:
    return (path / "img").is_dir() and any(path.glob("groundtruth_rect*.txt"))


def _is_video(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    if path.is_dir():
        return any(file.suffix.lower() in IMAGES for file in path.iterdir())
    return path.suffix.lower() in VIDEOS


def _find_table(video: Path) -> Path:
    beside = [video.parent / (_name(video) + suffix) for suffix in TABLES]
    inside = [video / name for name in INSIDE] if video.is_dir() else []
    found = [path for path in (*beside, *inside) if path.is_file()]
    if not found:
        raise InputError(
            f"{video}: no boxes; put them in {beside[0].name} beside it, a line x,y,w,h a frame"
        )
    return found[0]


def _name(video: Path) -> str:
    return video.name if video.is_dir() else video.stem


def read_video(video: Path, table: Path) -> Sequence:
    """A video file or a folder of images, with the boxes of a table.

    Raises:
        InputError: if either cannot be read, or the table has other frames than the video.
    """
    frames: collections.abc.Sequence[Frame] = (
        ImageFolder(video) if video.is_dir() else SeekingVideo(video)
    )
    damage = getattr(frames, "damage", "")
    boxes = read_table(table, len(frames), f"; {video.name} {damage}" * bool(damage))
    height, width = frames[0].shape[:2]
    check_format(table, boxes, (width, height))
    return Sequence(
        name=_name(video),
        frames=frames,
        boxes=boxes,
        visible=np.all(boxes[:, 2:] > 0, axis=1),
    )


def sparse_annotations(sequences: list[Sequence]) -> list[str]:
    """A line for each video most of whose frames have no box."""
    return [
        f"sequence {each.name}: {each.visible.sum()} of {len(each)} frames have a box; most "
        "protocols count the others as failures, --protocol got10k leaves them out"
        for each in sequences
        if each.visible.sum() * 2 < len(each)
    ]


def read_table(path: Path, count: int, reason: str = "") -> Float[np.ndarray, "{count} 4"]:
    """The boxes of `count` frames, px, counted from 0; NaN where the target is absent.

    Without a header, each line is x,y,w,h: one a frame, with commas, tabs or spaces. With a
    header, a CSV file, delimited by commas, tabs or semicolons, with columns x, y, w, h and perhaps
    `frame`, counted from 0, as `track --boxes` writes it; other columns are passed over, an empty
    field is NaN, and frames that are not listed have no box.

    Args:
        reason: why there may be fewer frames than boxes, as the end of a message.

    Raises:
        InputError: naming file and line, if a line is something else, or has no frame of its own.
    """
    lines = read_lines(path)
    if any(letter in lines[0][1].lower() for letter in "xywh"):
        return _read_headed(path, lines, count, reason)
    if len(lines) != count:
        raise InputError(f"{path}: {len(lines)} boxes for {count} frames; give one a frame{reason}")
    return np.array([read_row(line, (4,), place) for place, line in lines])


def _read_headed(
    path: Path, lines: list[tuple[str, str]], count: int, reason: str
) -> Float[np.ndarray, "{count} 4"]:
    first = lines[0][1]
    delimiter = next((mark for mark in ",\t;" if mark in first), ",")
    try:
        # line by line: a quote that is not closed would swallow those that follow
        header, *rows = (next(csv.reader([line], delimiter=delimiter), []) for _, line in lines)
    except csv.Error as error:
        raise InputError(f"{path}: not a table of boxes ({error}); write it anew") from None
    columns = [name.strip().lower() for name in header]
    if not {"x", "y", "w", "h"} <= set(columns):
        raise InputError(
            f"{path}: columns {', '.join(columns)[:60]}; expected x, y, w, h among them"
        )
    if "frame" not in columns and len(rows) != count:
        raise InputError(
            f"{path}: {len(rows)} boxes for {count} frames; give one a frame, or a column frame"
            f"{reason}"
        )
    boxes = np.full((count, 4), np.nan)
    seen = set()
    for i, (row, (place, _)) in enumerate(zip(rows, lines[1:], strict=True)):
        fields = dict(zip(columns, row, strict=False))
        try:
            number = int(fields["frame"]) if "frame" in columns else i
            box = [float(fields[name].strip() or "nan") for name in "xywh"]
            if any(abs(side) > LARGEST for side in box):
                raise ValueError
        except (KeyError, ValueError):
            shown = f"expected {', '.join(columns)[:60]}, got {', '.join(row)[:60]!r}"
            raise InputError(f"{place}: {shown}") from None
        if not 0 <= number < count or number in seen:
            raise InputError(
                f"{place}: frame {number}: twice, or not one of 0 to {count - 1}{reason}"
            )
        seen.add(number)
        boxes[number] = box
    return boxes
