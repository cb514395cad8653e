"""Videos of the user's own: files or folders of images in, files or folders out."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from jaxtyping import Float

from cfkd_core import files
from cfkd_core.datasets.frame_times import DEFAULT_FPS, LOOKED_AT, frame_rate, missing_frames
from cfkd_core.datasets.sequence import Frame, ImageFiles, read_image
from cfkd_core.errors import InputError

# FFmpeg writes its own lines to standard error ("moov atom not found") unless told so before
# OpenCV opens the first video; ours say what is wrong.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

IMAGES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

# What the wheels of OpenCV can encode; H.264 needs a library that they do not carry.
CODECS = {".mp4": "mp4v", ".avi": "MJPG"}


LONGEST_GAP = 10
"""Seconds between two frames of a film that is written; damaged files claim gaps of hours."""


class VideoFile:
    """Frames of a video file, decoded one by one; each iteration begins anew.

    `operator.length_hint` gives the number of frames that the file claims.

    Attributes:
        fps: frames per second, measured; see `frame_times.frame_rate`.
        time: of the frame that was decoded last, s after the first one.
        damage: what the file turned out to lack when it was read to its end.
    """

    def __init__(self, path: Path, *, strict: bool = False) -> None:
        """Opens the video.

        Args:
            strict: whether reading a damaged file to its end is an error.
        """
        self.path, self.strict = path, strict
        self.time: float | None = 0.0
        self.damage = ""
        with _opened(path) as capture:
            self._claimed = capture.get(cv2.CAP_PROP_FPS)
            self._count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
            first = [_position(capture) for _ in range(LOOKED_AT) if capture.grab()]
        self.fps = frame_rate(first, self._claimed)

    def __iter__(self) -> Iterator[Frame]:
        times: list[float] = []
        with _opened(self.path) as capture:
            readable, frame = capture.read()
            if not readable:
                raise InputError(f"{self.path}: a video without a frame that can be decoded")
            while readable:
                times.append(_position(capture))
                self.time = times[-1] - times[0]
                yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
                readable, frame = capture.read()
        self.damage = missing_frames(times, self._claimed, self._count)
        if self.damage and self.strict:
            raise InputError(f"{self.path}: {self.damage}; copy it again, or leave out --strict")

    def __length_hint__(self) -> int:
        # streams report 0 or a huge negative number
        return max(0, int(self._count))


def _position(capture: cv2.VideoCapture) -> float:
    """Time of the frame at hand, s."""
    return capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


class ImageFolder(ImageFiles):
    """Images of a folder as the frames of a video, in natural order: 2.jpg before 10.jpg.

    Attributes:
        fps: `DEFAULT_FPS`; a folder has no clock.
        time: None.
        damage: empty; a folder claims no number of frames.
    """

    fps = DEFAULT_FPS
    time: float | None = None
    damage = ""

    def __init__(self, folder: Path) -> None:
        visible = (path for path in folder.iterdir() if not path.name.startswith("."))
        images = sorted((path for path in visible if path.suffix.lower() in IMAGES), key=_natural)
        if not images:
            raise InputError(f"{folder}: no images here; expected {', '.join(sorted(IMAGES))}")
        stems: dict[str, Path] = {}
        for path in images:
            if stems.setdefault(path.stem, path) is not path:
                raise InputError(
                    f"{path}: beside {stems[path.stem].name}, one frame in two formats; "
                    "move the files of one format away"
                )
        super().__init__(images)
        self._size = read_image(self.files[0]).shape

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]  # no slices
        """Raises InputError where a frame has not the size of the first one."""
        frame = super().__getitem__(index)
        if frame.shape != self._size:
            raise InputError(
                f"{self.files[index]}: {_size(frame.shape)} px, but the first frame has "
                f"{_size(self._size)}; all frames of one video must have one size"
            )
        return frame


def _natural(path: Path) -> list[tuple[int, str]]:
    """Digits compare as numbers, the rest as text."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"


def open_frames(path: str | Path, *, strict: bool = False) -> VideoFile | ImageFolder:
    """The frames of a video file or of a folder of images, RGB, read as they are asked for.

    Args:
        strict: whether reading a damaged video to its end is an error.

    Raises:
        InputError: if there is nothing at `path`, it is no video, has no frame, or a frame cannot
            be decoded.
    """
    path = Path(path)
    if files.is_folder(path):
        return ImageFolder(path)
    if not files.is_file(path):
        raise InputError(f"{path}: no such video or folder of images")
    video = VideoFile(path, strict=strict)
    next(iter(video))
    return video


def open_capture(path: Path) -> cv2.VideoCapture:
    """OpenCV's decoder at the beginning of a video file.

    Raises:
        InputError: if the file is no video.
    """
    name = _name_for_opencv(path)
    with quiet():
        capture = cv2.VideoCapture(name)
    if not capture.isOpened():
        raise InputError(f"{path}: cannot be decoded as a video; is it one, and whole?")
    return capture


def _name_for_opencv(path: Path) -> str:
    """The absolute path: OpenCV takes a relative `12:30:05.mp4` for a protocol.

    Raises:
        InputError: if it is not UTF-8, on which OpenCV crashes.
    """
    name = os.path.abspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{path}: a name that is not UTF-8, as OpenCV needs; rename it") from None
    return name


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    capture = open_capture(path)
    try:
        yield capture
    finally:
        capture.release()


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps OpenCV's own log lines off standard error."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


class WriteFrame(Protocol):
    """What `write_video` gives: takes one frame after the other."""

    def __call__(self, frame: Frame, time: float | None = None) -> None:
        """Write an RGB frame.

        Args:
            time: at which it is shown, s after the first one; None for the next in turn.
        """


@contextmanager
def write_video(path: Path, fps: float = DEFAULT_FPS) -> Iterator[WriteFrame]:
    """A function that takes frame after frame; `path` appears whole at the end, or not at all.

    A path with no suffix becomes a folder of JPEGs. Frames are RGB and of one size; the codecs cut
    an odd width or height by one px. Encoders have one rate: where frames come with their times, a
    frame is repeated until the next one is due.

    Raises:
        InputError: if the suffix is not one of `CODECS`, the codec is missing, the folder is there
            already and holds files, no frame was written, or the place or the disk takes none.
    """
    if path.suffix and path.suffix not in CODECS:
        known = ", ".join(CODECS)
        raise InputError(f"{path}: cannot write {path.suffix}; use {known}, or no suffix for JPEGs")
    if path.is_dir() and (path.suffix or any(path.iterdir())):
        raise InputError(f"{path}: a folder with files in it; name another output")
    # the suffix stays last: OpenCV chooses the container by it
    beside = files.partial(path, f".partial{path.suffix}")
    sink = _VideoSink(beside, path, fps) if path.suffix else _ImageSink(beside, path)
    try:
        with _writing(path):
            beside.parent.mkdir(parents=True, exist_ok=True)
            _remove(beside)
        yield sink.write
        sink.close()
        if not beside.exists():
            raise InputError(f"{path}: no frame to write")
        sink.check()
        with _writing(path):
            if path.suffix:
                files.deliver(beside, path)
            else:
                beside.replace(path)  # which an empty folder may be
    finally:
        sink.close()
        _remove(beside)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); free space or name another output"
        ) from None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class _VideoSink:
    """An encoder that opens with the first frame, whose size it needs."""

    def __init__(self, path: Path, called: Path, fps: float) -> None:
        self.path, self.called, self.fps = path, called, fps
        self.encoder: cv2.VideoWriter | None = None
        self.size = (0, 0)
        self.count = 0
        self.last: np.ndarray | None = None

    def write(self, frame: Frame, time: float | None = None) -> None:
        height, width = frame.shape[:2]
        if self.encoder is None:
            self.size = (width, height)
            self.encoder = self._open()
        if (width, height) != self.size:
            # OpenCV would drop the frame in silence
            raise InputError(
                f"frame of {width} x {height} px in a video of {_size(self.size[::-1])}"
            )
        slot = self.count if time is None else round(time * self.fps)
        most = self.count + round(LONGEST_GAP * self.fps)
        while self.last is not None and self.count < min(slot, most):
            self._encode(self.last)
        self.last = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        self._encode(self.last)

    def _encode(self, frame: np.ndarray) -> None:
        assert self.encoder is not None  # `write` has opened it
        self.encoder.write(frame)
        self.count += 1

    def _open(self) -> cv2.VideoWriter:
        codec, name = CODECS[self.path.suffix], _name_for_opencv(self.path)
        with _writing(self.called):
            self.path.touch()
        with quiet():
            code = cv2.VideoWriter.fourcc(*codec)
            encoder = cv2.VideoWriter(name, code, self.fps, self.size)
        if not encoder.isOpened():
            raise InputError(
                f"this OpenCV cannot encode {codec} for {self.path.suffix}; "
                "name an output without a suffix for a folder of JPEGs"
            )
        return encoder

    def close(self) -> None:
        if self.encoder is not None:
            self.encoder.release()

    def check(self) -> None:
        """Raises InputError unless all frames arrived: OpenCV does not say that a disk is full."""
        with quiet():
            capture = cv2.VideoCapture(_name_for_opencv(self.path))
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        if found != self.count:
            raise InputError(
                f"{self.called}: cannot be written ({found} of {self.count} frames arrived); free "
                "space or name another output"
            )


class _ImageSink:
    """A folder of numbered JPEGs."""

    def __init__(self, folder: Path, called: Path) -> None:
        self.folder, self.called = folder, called
        self.count = 0

    def write(self, frame: Frame, time: float | None = None) -> None:
        with _writing(self.called):
            self.folder.mkdir(exist_ok=True)
            self.count += 1
            file = self.folder / f"{self.count:06d}.jpg"
            # OpenCV does not say that a disk is full
            _, encoded = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            file.write_bytes(encoded.tobytes())

    def close(self) -> None:
        """Every file is complete once it is written."""

    def check(self) -> None:
        """Every file that could not be written was an error then."""


def draw_box(
    frame: Frame,
    box: Float[np.ndarray, "4"],
    colour: tuple[int, int, int] = (213, 94, 0),
    label: str = "",
) -> Frame:
    """A copy of `frame` with the outline of `box`, and `label` above it; no mark for a NaN box.

    Args:
        box: px of the frame, 0-based.
        colour: RGB.
    """
    drawn = frame.copy()
    if not np.isfinite(box).all():
        return drawn
    height, width = frame.shape[:2]
    thickness = max(1, round(min(height, width) / 200))
    # a lost tracker's box may be far outside, where OpenCV's integers overflow
    limits = np.array([width, height, width, height])
    corners = np.concatenate([box[:2], box[:2] + box[2:]]).clip(-limits, 2 * limits)
    left, top, right, bottom = corners.round().astype(int).tolist()
    cv2.rectangle(drawn, (left, top), (right, bottom), colour, thickness, cv2.LINE_AA)
    if label:
        _draw_label(drawn, label, (left, top), colour, scale=max(0.4, min(height, width) / 600))
    return drawn


def _draw_label(
    frame: Frame, label: str, corner: tuple[int, int], colour: tuple[int, int, int], scale: float
) -> None:
    """White text on `colour`, above the corner, or below it at the frame's top."""
    font, pad = cv2.FONT_HERSHEY_SIMPLEX, 2
    (width, height), descent = cv2.getTextSize(label, font, scale, 1)
    tall = height + descent + 2 * pad
    left = int(np.clip(corner[0], 0, max(0, frame.shape[1] - width - 2 * pad)))
    top = int(np.clip(corner[1] - tall, 0, max(0, frame.shape[0] - tall)))
    cv2.rectangle(frame, (left, top), (left + width + 2 * pad, top + tall), colour, cv2.FILLED)
    place = (left + pad, top + pad + height)
    cv2.putText(frame, label, place, font, scale, (255, 255, 255), 1, cv2.LINE_AA)
