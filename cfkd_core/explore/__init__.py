"""Things a reader can move, in a page without a kernel and in a notebook with one."""

from cfkd_core.explore.clip import Clip
from cfkd_core.explore.drawing import Drawing
from cfkd_core.explore.explorer import Explorer
from cfkd_core.explore.svg import inline_svg

__all__ = ["Clip", "Drawing", "Explorer", "inline_svg"]
