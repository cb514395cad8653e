"""An annotated video."""

import collections.abc
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from cfkd_core.errors import InputError
from cfkd_core.files import is_file, is_plain_name, read_bytes

Frame = UInt8[np.ndarray, "h w 3"]

MOST_IMAGE_BYTES = 2**29
"""Of an image file: 8K with 16 bits a colour has 0.2 GB before it is packed."""


@dataclass(frozen=True)
class Sequence:
    """A video with one box a frame.

    Attributes:
        name: unique within its benchmark; names its result file, so it must lead nowhere else.
        frames: RGB, decoded on access, never all in memory.
        boxes: (x, y, w, h) in px of the frame, 0-based; NaN where the target has no annotation.
        visible: False where a protocol must not count the frame as one with a target.
        attributes: challenges, in OTB's codes (IV, SV, OCC, DEF, MB, FM, IPR, OPR, OV, BC, LR); in
            GOT-10k, which has none, the class of the object and that of its motion.
        origin: index of the first pixel in the benchmark's own files (OTB counts from 1);
            result files are written in it, so that other toolkits read them.
        regions: where the annotation is a region (VOT), its corners x1, y1, …, x4, y4 in px of the
            frame, counted as `boxes` are, or x, y, w, h and NaN for one that is a rectangle;
            `boxes` then holds the rectangle around each. The box with which a tracker begins in
            VOT is another: `regions.starting_boxes`.
    """

    name: str
    frames: collections.abc.Sequence[Frame]
    boxes: Float[np.ndarray, "t 4"]
    visible: Bool[np.ndarray, "t"]
    attributes: frozenset[str] = field(default_factory=frozenset)
    origin: int = 0
    regions: Float[np.ndarray, "t 8"] | None = None

    def __post_init__(self) -> None:
        if not is_plain_name(self.name):
            raise InputError(
                f"sequence {self.name[:60]!r}: cannot name a file of results; rename it, without "
                "slashes and in 200 bytes"
            )
        if not len(self.frames) == len(self.boxes) == len(self.visible):
            raise InputError(
                f"sequence {self.name}: {len(self.frames)} frames, {len(self.boxes)} boxes, "
                f"{len(self.visible)} visibility flags; the three must be equal"
            )
        if len(self.frames) == 0:
            raise InputError(f"sequence {self.name}: no frames")

    def __len__(self) -> int:
        return len(self.frames)

    def to_published(self, boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
        """0-based boxes as the benchmark's own files count pixels."""
        return boxes + np.array([self.origin, self.origin, 0, 0])

    def from_published(self, boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
        """Boxes of the benchmark's files, 0-based."""
        return boxes - np.array([self.origin, self.origin, 0, 0])


@dataclass(frozen=True)
class NumberedImages(collections.abc.Sequence):
    """Image files whose names count up, each decoded when it is asked for.

    Only the rule of the names is kept, so that the 14 million frames of TrackingNet fit in memory.

    Attributes:
        digits: of a name, filled with zeros; 1 for names without them.
        first: number of the first frame.
        count: number of frames.
    """

    folder: Path
    digits: int
    suffix: str
    first: int
    count: int  # type: ignore[assignment]  # nobody counts equal frames

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]  # no slices
        return read_image(self.folder / self.name(index))

    def name(self, index: int) -> str:
        """Of a frame's file; counts from the end if `index` is negative."""
        number = self.first + range(self.count)[index]
        return f"{number:0{self.digits}d}{self.suffix}"


class ImageFiles(collections.abc.Sequence):
    """Image files as frames, each decoded when it is asked for."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]  # no slices
        return read_image(self.files[index])


def read_image(path: Path) -> Frame:
    """The image at `path`, RGB.

    Raises:
        InputError: if the file is missing or is no image that can be decoded.
    """
    if not is_file(path):
        raise InputError(f"{path}: no such image")
    content = read_bytes(path, MOST_IMAGE_BYTES)
    # OpenCV decodes half a JPEG to a picture with a flat lower part; the end mark is missing then.
    # A camera may append to a whole one, hence the half.
    if content[:2] == b"\xff\xd8" and content.rfind(b"\xff\xd9") < len(content) // 2:
        raise InputError(f"{path}: a JPEG that ends too soon; copy it again")
    image = decode_image(content, cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise InputError(f"{path}: cannot be decoded as an image; is it damaged?")
    return image


def decode_image(content: bytes, flags: int) -> np.ndarray | None:
    """What OpenCV makes of an image file's bytes; None where it can make nothing.

    Args:
        flags: of `cv2.imdecode`.
    """
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    except cv2.error:  # sides that it does not allow, as a damaged header claims them
        return None
