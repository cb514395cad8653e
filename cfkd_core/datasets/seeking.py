"""A video file whose frames can be asked for in any order."""

import collections.abc
import os
from pathlib import Path

import cv2

from cfkd_core.datasets.frame_times import missing_frames
from cfkd_core.datasets.sequence import Frame
from cfkd_core.datasets.video import open_capture
from cfkd_core.errors import InputError

# A seek lands this many frames early, and as many times four with each try that lands too late.
MARGIN = 8

# A frame this little further on is reached faster by decoding than by a seek.
NEAR = 32


class SeekingVideo(collections.abc.Sequence):
    """Frames of a video file, RGB, decoded as they are asked for; only their times are kept.

    The file is gone through once to count the frames and note their times: containers claim
    numbers of frames that are wrong. A seek goes to somewhat before the frame and decodes up to
    its time, because OpenCV's seeks are off by some frames in many files. So frame i is always
    the one that reading from the beginning gives.

    It can be sent to other processes; each opens the file for itself.

    Attributes:
        damage: what the file lacks, such as "ends after 43 of 100 frames"; empty if it is whole.

    Raises:
        InputError: if the file cannot be decoded, or has no frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        capture = open_capture(path)
        self.times: list[float] = []
        while capture.grab():
            self.times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
        claimed = [capture.get(each) for each in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT)]
        self.damage = missing_frames([time / 1000 for time in self.times], *claimed)
        capture.release()
        if not self.times:
            raise InputError(f"{path}: a video without a frame that can be decoded")
        self._close()

    def _close(self) -> None:
        self._capture: cv2.VideoCapture | None = None
        self._process = os.getpid()
        self._decoded = -1  # number of the frame that the decoder holds

    def __getstate__(self) -> dict:
        return {"path": self.path, "times": self.times, "damage": self.damage}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._close()

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]  # no slices
        number = range(len(self))[index]
        # a decoder shared with a parent process would give each the other's frames
        if self._capture is None or self._process != os.getpid():
            self._close()
            self._capture = open_capture(self.path)
        if not self._decoded <= number <= self._decoded + NEAR:
            self._seek(number)
        while self._decoded < number:
            if not self._capture.grab():
                raise InputError(f"{self.path}: ends before frame {number}; has it changed?")
            self._decoded += 1
        readable, frame = self._capture.retrieve()
        if not readable:
            raise InputError(f"{self.path}: frame {number} cannot be decoded")
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)

    def _seek(self, number: int) -> None:
        """Makes the decoder hold a frame not after `number`, or start anew."""
        assert self._capture is not None  # `__getitem__` has opened it
        back = MARGIN
        while back < number:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, number - back)
            if self._capture.grab():
                landed = self._number_at(self._capture.get(cv2.CAP_PROP_POS_MSEC))
                if 0 <= landed <= number:
                    self._decoded = landed
                    return
            back *= 4
        self._capture.release()
        self._capture = open_capture(self.path)
        self._decoded = -1

    def _number_at(self, time: float) -> int:
        """The one frame of that time, or -1 if there is none, or more than one."""
        return self.times.index(time) if self.times.count(time) == 1 else -1
