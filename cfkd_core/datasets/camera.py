"""A webcam as a video that nobody knows the end of."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import cv2

from cfkd_core.datasets.sequence import Frame
from cfkd_core.datasets.video import quiet
from cfkd_core.errors import InputError


class Camera:
    """Frames of a webcam, RGB, from the moment it is opened until Ctrl-C or the camera's end.

    Frames that come while nobody asks are dropped, but for the latest: a slow tracker sees fewer
    frames, and no old ones. Can be gone through once.

    Attributes:
        first: the frame that the camera gave when it was opened; also the first of the iteration.
        fps: frames per second that the camera promises, 25 where it does not say.
        time: of the last frame, s after the first one.
        damage: empty; a camera claims no number of frames.
    """

    def __init__(self, number: int) -> None:
        """Opens the camera.

        Raises:
            InputError: if there is no such camera, or it gives no frame.
        """
        self.number, self._begin = number, time.monotonic()
        with quiet():
            self._capture = cv2.VideoCapture(number)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        first = self._read() if self._capture.isOpened() else None
        if first is None:
            self._capture.release()
            raise InputError(
                f"camera {number}: gives no picture; is it plugged in, and used by nobody else? "
                "the first camera is 0"
            )
        self.first, self.damage = first, ""
        self._begin = time.monotonic()
        self.time: float | None = 0.0
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or 25.0

    def __iter__(self) -> Iterator[Frame]:
        try:
            with _interruption() as interrupted:
                frame: Frame | None = self.first
                while frame is not None and not interrupted():
                    yield frame
                    frame = self._read()
        finally:
            self._capture.release()

    def _read(self) -> Frame | None:
        """The next frame; None where the camera has gone."""
        readable, frame = self._capture.read()
        self.time = time.monotonic() - self._begin
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if readable else None


@contextmanager
def _interruption() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C has come; meanwhile it does not raise, so that the frame at hand is done.

    A second Ctrl-C is Python's own again: something hangs. Only a main thread has signals.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event.is_set
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield event.is_set
    finally:
        signal.signal(signal.SIGINT, before)
