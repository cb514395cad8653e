"""A short video."""

import html
from base64 import b64encode
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

from cfkd_core.errors import InputError
from cfkd_core.explore import page

Frame = UInt8[np.ndarray, "h w 3"]


class Clip:
    """A short video with a play button and a slider; the last value of a cell.

    The frames are in the page. Nothing moves until the reader asks for it, so the wish for reduced
    motion is met.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        *,
        fps: float | int,
        caption: str,
        labels: Sequence[str] | None = None,
        quality: int = 80,
    ) -> None:
        """A clip of `frames`.

        Args:
            frames: RGB, all of one size.
            caption: what the clip shows, in plain text; screen readers say it.
            labels: what to say beside the slider at each frame; by default its number.
            quality: of the WebP images, 1 to 100.

        Raises:
            InputError: if there are no frames, or not one label a frame.
        """
        self.frames = list(frames)
        self.fps = fps
        self.caption = caption
        count = len(self.frames)
        self.labels = list(labels) if labels is not None else [f"{i}" for i in range(count)]
        self.quality = quality
        if not self.frames or len(self.labels) != count:
            raise InputError(f"clip of {count} frames and {len(self.labels)} labels: give as many")

    def html(self) -> str:
        """The clip as part of a page."""
        images = [_data_uri(frame, self.quality) for frame in self.frames]
        height, width = self.frames[0].shape[:2]
        body = (
            f'<div class="picture"><img class="frame" src="{images[0]}" '
            f'alt="{html.escape(self.caption)}" width="{width}" height="{height}"></div>'
            '<div class="controls"><button type="button">Play</button>'
            f"{page.slider('frame', values=self.labels, start=0)}</div>"
        )
        content = {"frames": images, "labels": self.labels, "fps": self.fps}
        return page.element("clip", content=content, body=body, caption=self.caption)

    def _repr_mimebundle_(self, **selection: object) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": f"Clip: {self.caption}"}


def _data_uri(frame: Frame, quality: int) -> str:
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
    return f"data:image/webp;base64,{b64encode(encoded.tobytes()).decode()}"
