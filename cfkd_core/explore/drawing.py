"""A frame on which a box is drawn with the mouse."""

import hashlib
import html
from base64 import b64encode
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cfkd_core import boxes
from cfkd_core.errors import InputError

if TYPE_CHECKING:
    from ipywidgets import VBox

Frame = UInt8[np.ndarray, "h w 3"]

# Handlers that stand in the element itself: a page needs no other script, and a notebook's widget,
# whose scripts do not run, keeps them. The text field beside the picture is found by its place.
_DOWN = """
this.setPointerCapture(event.pointerId);
const frame = this.getBoundingClientRect(), view = this.viewBox.baseVal;
this.place = (e) => [
  Math.min(Math.max((e.clientX - frame.left) / frame.width, 0), 1) * view.width,
  Math.min(Math.max((e.clientY - frame.top) / frame.height, 0), 1) * view.height];
this.start = this.place(event);
event.preventDefault();
"""
_MOVE = """
if (!this.start) return;
const [x, y] = this.place(event), [u, v] = this.start;
this.drawn = [Math.min(x, u), Math.min(y, v), Math.abs(x - u), Math.abs(y - v)].map(Math.round);
for (const outline of this.querySelectorAll('rect'))
  ['x', 'y', 'width', 'height'].forEach((name, i) => outline.setAttribute(name, this.drawn[i]));
"""
_UP = """
this.start = null;
if (!this.drawn || this.drawn[2] < 1 || this.drawn[3] < 1) return;
const field = this.closest('.drawing-with-field, .drawing').querySelector('input');
field.value = this.drawn.join(',');
for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}));
"""


class Drawing:
    """A frame to draw the target's box on; the last value of a cell.

    In JupyterLab `box` is what was drawn last. A page without a kernel shows the numbers, for the
    command line. The field below the picture takes the same four numbers from the keyboard.
    """

    def __init__(self, frame: Frame, box: object, *, caption: str) -> None:
        """A frame with a box to begin with.

        Args:
            frame: RGB.
            box: x, y, w, h in px of the frame.
            caption: what the frame shows, in plain text; screen readers say it.

        Raises:
            InputError: if no tracker can start from the box.
        """
        self.frame = frame
        self.caption = caption
        self.height, self.width = frame.shape[:2]
        self._box = boxes.check(box, self.width, self.height)

    @property
    def box(self) -> Float[np.ndarray, "4"]:
        """The box at present: x, y, w, h in px of the frame."""
        return self._box

    @property
    def text(self) -> str:
        """The box as a command line takes it."""
        return ",".join(f"{value:g}" for value in self._box)

    def html(self) -> str:
        """The frame, the box and the field, for a page without a kernel."""
        shown = html.escape(self.caption)
        name = hashlib.sha256(f"{self.caption}{self.text}".encode()).hexdigest()[:12]
        return (
            f'<figure class="explore drawing" role="group" aria-label="{shown}">{self._picture()}'
            f'<label for="drawing-{name}">--box </label><input id="drawing-{name}" type="text" '
            f'value="{self.text}" size="20" autocomplete="off">'
            f"<figcaption>{shown}</figcaption></figure>"
        )

    def live(self) -> "VBox":
        """The same for a notebook with a kernel; needs ipywidgets."""
        import ipywidgets as widgets

        field = widgets.Text(value=self.text, description="box")
        remark = widgets.Label(self.caption)

        def take(change: dict) -> None:
            try:
                self._box = boxes.check(change["new"].split(","), self.width, self.height)
                remark.value = self.caption
            except InputError as error:
                remark.value = str(error)

        field.observe(take, "value")
        together = widgets.VBox([widgets.HTML(self._picture()), field, remark])
        together.add_class("drawing-with-field")
        return together

    def _picture(self) -> str:
        x, y, w, h = self._box
        place = f'x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" fill="none"'
        events = (("pointerdown", _DOWN), ("pointermove", _MOVE), ("pointerup", _UP))
        handlers = " ".join(
            f'on{name}="{html.escape(" ".join(code.split()))}"' for name, code in events
        )
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" {handlers} role="img" '
            f'style="width:100%;max-width:{2 * self.width}px;touch-action:none;cursor:crosshair">'
            f'<image href="{self._encoded()}" width="{self.width}" height="{self.height}"/>'
            f'<rect {place} stroke="#fdfdfd" stroke-width="3"/>'
            f'<rect {place} stroke="#d55e00" stroke-width="1.5"/></svg>'
        )

    def _encoded(self) -> str:
        bgr = cv2.cvtColor(self.frame, cv2.COLOR_RGB2BGR)
        _, image = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, 85])
        return f"data:image/webp;base64,{b64encode(image.tobytes()).decode()}"

    def _repr_mimebundle_(self, **selection: object) -> dict[str, object]:
        """Both at once: the front end takes what it can show."""
        widget = self.live()._repr_mimebundle_()
        return widget | {"text/html": self.html(), "text/plain": f"Drawing: {self.caption}"}
