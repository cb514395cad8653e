"""One look for every figure: legible on paper white and on a dark page, and on a phone."""

import matplotlib as mpl
import matplotlib.style
from cycler import cycler

ROLES = {
    "teacher": "#0072B2",
    "student": "#D55E00",
    "ground_truth": "#009E73",
    "prediction": "#B566A0",
    "thesis": "#808080",
    "ours": "#B07C00",
}
"""Colour by what a mark stands for.

Hues of Okabe and Ito's palette, which colour-blind readers tell apart, with lightness moved to
where each stands out from white and from the dark page alike (contrast 3:1, WCAG 2.1's for
graphics).
"""

# A phone shows a figure at 350 px. At this width in inches its text shrinks only to 8 px there.
WIDTH = 5.6

_SETTINGS = {
    "figure.figsize": (WIDTH, 3.2),
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.prop_cycle": cycler(color=list(ROLES.values())),
    "font.size": 10,
    "font.family": "sans-serif",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "image.cmap": "viridis",
    "savefig.transparent": True,
    # text stays text: it takes the page's font and colour, and a screen reader finds it
    "svg.fonttype": "none",
    # the same figure gives the same bytes
    "svg.hashsalt": "cfkd",
}


def use_style() -> None:
    """Sets the look for all figures that follow; in a notebook they are shown as SVG."""
    mpl.style.use(_SETTINGS)
    if mpl.get_backend().lower().endswith("inline"):
        from matplotlib_inline import backend_inline

        backend_inline.set_matplotlib_formats("svg", metadata={"Date": None})
