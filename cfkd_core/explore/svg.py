"""Figures as elements of a page."""

import hashlib
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# points of a figure are drawn this much larger, if the column has the room
_SCALE = 1.25


def as_svg(figure: "Figure | str") -> str:
    """The figure as SVG, the same bytes every time; text is SVG already. Closes the figure."""
    if isinstance(figure, str):
        return figure
    import matplotlib as mpl
    from matplotlib import pyplot

    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "cfkd"}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    # left open, the notebook would show it a second time
    pyplot.close(figure)
    return text.getvalue()


def inline_svg(svg: str) -> str:
    """An SVG file as an element of a page.

    It scales with its column, black follows the colour of the text around it, and its ids cannot
    meet those of another picture. Text that must stay black on a light cell is drawn in `#010101`.
    """
    element = svg[svg.index("<svg") :].strip()
    element = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", element, flags=re.DOTALL)
    element = re.sub(r"\n\s*", "\n", element).replace("xlink:href", "href")
    element = re.sub(r"(?<=[:\" ])#000000", "currentColor", element)
    opening, body = element.split(">", 1)
    return f"{_opening(opening)}>{_own_ids(body)}"


def _opening(tag: str) -> str:
    """The svg tag without a fixed size: as wide as the column, up to a readable width."""
    width = re.search(r'\swidth="([\d.]+)', tag)
    limit = f"max-width:{float(width[1]) * _SCALE:.0f}pt;" if width else ""
    tag = re.sub(r'\s(?:width|height|xmlns:xlink|version)="[^"]*"', "", tag)
    # shapes without a colour of their own inherit this one
    return f'{tag} fill="currentColor" style="width:100%;{limit}height:auto"'


def _own_ids(body: str) -> str:
    """Ids that something refers to get a prefix from the content; the others go."""
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', body))
    prefix = "s" + hashlib.sha256(body.encode()).hexdigest()[:10]

    def rename(match: re.Match) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in used else ""

    body = re.sub(r' id="([^"]+)"', rename, body)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", body)
