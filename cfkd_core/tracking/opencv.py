"""OpenCV's trackers, through the same two methods as ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from jaxtyping import Float

from cfkd_core import boxes
from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Frame, Prediction, check_frame

# MIL draws random features until they fit into the target, for ever if it is too small for them.
SMALLEST_FOR_MIL = 10

MAKERS = {"csrt": "TrackerCSRT", "kcf": "TrackerKCF", "mil": "TrackerMIL"}


class OpenCVTracker:
    """CSRT, KCF or MIL with OpenCV's defaults; `lost` keeps the last box.

    OpenCV takes whole pixels and at least one of them in the frame, so the first box is rounded.
    MIL cannot be seeded: it draws from a state of its own that lasts as long as the process, so
    the second MIL tracker of a process answers otherwise than the first.
    """

    def __init__(self, name: str, *, seed: int = 0) -> None:
        self.name = name
        self.seed = seed
        maker = getattr(cv2, MAKERS[name], None)
        if maker is None:
            raise InputError(
                f"tracker {name}: this cv2 {cv2.__version__} has no {MAKERS[name]}; "
                "uninstall every opencv package, then install opencv-contrib-python-headless"
            )
        self._create = maker.create

    @property
    def card(self) -> dict:
        """What decides the answers."""
        return {"seed": self.seed, "opencv": cv2.__version__}

    def init(self, frame: Frame, box: Float[np.ndarray, "4"]) -> None:
        """Starts a new OpenCV tracker on `box`."""
        check_frame(frame)
        height, width = frame.shape[:2]
        x, y, w, h = boxes.check(box, width, height)
        left, top = max(round(x), 0), max(round(y), 0)
        right, bottom = min(round(x + w), width), min(round(y + h), height)
        whole = (left, top, max(right - left, 1), max(bottom - top, 1))
        if self.name == "mil" and min(whole[2:]) < SMALLEST_FOR_MIL:
            raise InputError(
                f"tracker mil: a target of {whole[2]} x {whole[3]} px in the frame; it needs "
                f"{SMALLEST_FOR_MIL} px a side, so take another tracker"
            )
        cv2.setRNGSeed(self.seed)
        self._tracker = self._create()
        self._box = np.array([x, y, w, h])
        with self._named(frame):
            self._tracker.init(_to_bgr(frame), whole)

    def update(self, frame: Frame) -> Prediction:
        """OpenCV reports no confidence: the score is 1 where it found the target, else 0."""
        check_frame(frame)
        with self._named(frame):
            found, box = self._tracker.update(_to_bgr(frame))
        if found:
            self._box = np.array(box, dtype=np.float64)
        return Prediction(self._box, float(found), "normal" if found else "lost")

    @contextmanager
    def _named(self, frame: Frame) -> Iterator[None]:
        """What OpenCV cannot do with a target, in words: its own name lines of its source."""
        try:
            yield
        except cv2.error as error:
            shown = ",".join(f"{number:g}" for number in self._box)
            raise InputError(
                f"tracker {self.name}: OpenCV cannot follow the box {shown} in a frame of "
                f"{frame.shape[1]} x {frame.shape[0]} px ({error.err}); draw another box, or take "
                "another tracker"
            ) from None


def _to_bgr(frame: Frame) -> Frame:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
