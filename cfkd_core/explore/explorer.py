"""A picture with sliders."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from cfkd_core.errors import InputError
from cfkd_core.explore import page, svg

if TYPE_CHECKING:
    from ipywidgets import VBox
    from matplotlib.figure import Figure


class Explorer:
    """A picture with one to four sliders, each beginning in the middle.

    The last value of a cell. In JupyterLab each move renders anew; a page without a kernel has the
    pictures of all positions in it.
    """

    def __init__(
        self,
        render: "Callable[..., Figure | str]",
        sliders: Mapping[str, Sequence[object]],
        *,
        caption: str,
    ) -> None:
        """An explorer of what `render` draws.

        Args:
            render: takes one value of each slider, in order; gives a matplotlib figure, or SVG as
                text. The same values must give the same picture.
            sliders: label, with its unit, and the values to choose from.
            caption: what the picture shows, in plain text; screen readers say it.

        Raises:
            InputError: if there is no slider, more than four, or one without values.
        """
        self.render = render
        self.sliders = {label: list(values) for label, values in sliders.items()}
        self.caption = caption
        if not 1 <= len(self.sliders) <= 4 or not all(self.sliders.values()):
            raise InputError(f"sliders {self.sliders}: give one to four, each with values")

    def picture(self, *values: object) -> str:
        """The picture at one position."""
        return svg.inline_svg(svg.as_svg(self.render(*values)))

    def html(self) -> str:
        """The explorer of a page without a kernel."""
        positions = list(itertools.product(*self.sliders.values()))
        frames = [self.picture(*values) for values in positions]
        sliders = [
            (label, [_in_words(value) for value in values])
            for label, values in self.sliders.items()
        ]
        starts = [len(values) // 2 for _, values in sliders]
        words = [
            f"{label} {values[start]}"
            for (label, values), start in zip(sliders, starts, strict=True)
        ]
        picture = f'<div class="picture" role="img" aria-label="{escape(", ".join(words))}">'
        controls = [
            page.slider(label, values=values, start=start)
            for (label, values), start in zip(sliders, starts, strict=True)
        ]
        return page.element(
            "explorer",
            content={
                "sliders": [{"label": label, "values": values} for label, values in sliders],
                "frames": frames,
            },
            body=f"{picture}{frames[positions.index(self._start())]}</div>{''.join(controls)}",
            caption=self.caption,
        )

    def live(self) -> "VBox":
        """The explorer of a notebook with a kernel; needs ipywidgets."""
        import ipywidgets as widgets

        sliders = [
            widgets.SelectionSlider(
                description=label,
                options=[(_in_words(value), value) for value in values],
                value=value,
                style={"description_width": "initial"},
            )
            for (label, values), value in zip(self.sliders.items(), self._start(), strict=True)
        ]
        picture = widgets.HTML(self.picture(*self._start()))

        def redraw(change: object) -> None:
            picture.value = self.picture(*(slider.value for slider in sliders))

        for slider in sliders:
            slider.observe(redraw, "value")
        return widgets.VBox([picture, *sliders, widgets.Label(self.caption)])

    def _start(self) -> tuple[object, ...]:
        return tuple(values[len(values) // 2] for values in self.sliders.values())

    def _repr_mimebundle_(self, **selection: object) -> dict[str, object]:
        """Both at once: the front end takes what it can show."""
        widget = self.live()._repr_mimebundle_()
        return widget | {"text/html": self.html(), "text/plain": f"Explorer: {self.caption}"}


def _in_words(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
