"""An annotated video."""

import collections.abc
import warnings
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
    """Image files as frames, each decoded when it is asked for.

    Attributes:
        size: width and height that an annotation declares for each; None where none does.
    """

    def __init__(self, files: list[Path], size: tuple[int, int] | None = None) -> None:
        self.files, self.size = files, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]  # no slices
        return read_image(self.files[index], self.size)


def read_image(path: Path, size: tuple[int, int] | None = None) -> Frame:
    """The image at `path`, RGB.

    Images with more than 8 bits a channel are scaled by their own range, with a warning.

    Args:
        size: width and height that the annotation declares; None where it declares none. A camera's
            note on how to turn the image is followed, unless only without it the two agree.

    Raises:
        InputError: if the file is missing, is no image that can be decoded, or has another size.
    """
    if not is_file(path):
        raise InputError(f"{path}: no such image")
    content = read_bytes(path, MOST_IMAGE_BYTES)
    # OpenCV decodes half a JPEG to a picture with a flat lower part; the end mark is missing then.
    # A camera may append to a whole one, hence the half.
    if content[:2] == b"\xff\xd8" and content.rfind(b"\xff\xd9") < len(content) // 2:
        raise InputError(f"{path}: a JPEG that ends too soon; copy it again")
    image = _decode_frame(path, content, _AS_FRAME)
    found = image.shape[1::-1]
    if size is not None and found != size:
        if found == size[::-1]:
            image = _decode_frame(path, content, _AS_FRAME | cv2.IMREAD_IGNORE_ORIENTATION)
        if image.shape[1::-1] != size:
            raise InputError(
                f"{path}: {found[0]} x {found[1]} px, but its annotation is of "
                f"{size[0]} x {size[1]}; annotate the image as it is, or take the one annotated"
            )
    return image


_AS_FRAME = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH


def _decode_frame(path: Path, content: bytes, flags: int) -> Frame:
    image = decode_image(content, flags)
    if image is None:
        raise InputError(f"{path}: cannot be decoded as an image; is it damaged?")
    return image if image.dtype == np.uint8 else _to_8_bits(path, image)


def _to_8_bits(path: Path, image: np.ndarray) -> Frame:
    """Thermal cameras use a few hundred of the 65,536 levels of their files."""
    warnings.warn(
        f"{path.parent}: images of {8 * image.itemsize} bits a channel; each is scaled by its own "
        "range, darkest to brightest",
        stacklevel=4,
    )
    finite = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0)
    low, high = float(finite.min()), float(finite.max())
    if low == high:  # a flat image has no range; its level is one of all that there are
        low, high = 0.0, float(np.iinfo(image.dtype).max) if image.dtype.kind == "u" else 1.0
    return np.round((finite - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)


def decode_image(content: bytes, flags: int) -> np.ndarray | None:
    """What OpenCV makes of an image file's bytes; None where it can make nothing.

    Args:
        flags: of `cv2.imdecode`.
    """
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    except cv2.error:  # sides that it does not allow, as a damaged header claims them
        return None
