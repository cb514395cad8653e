import json
import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from cfkd_core.errors import InputError
from cfkd_core.explore import Clip, Explorer, inline_svg
from cfkd_core.explore.svg import as_svg
from cfkd_core.figures import style


def line(slope: float, end: int = 2) -> Figure:
    figure = Figure(figsize=(2, 1))
    axes = figure.add_subplot()
    axes.plot([0, end], [0, slope * end])
    axes.set_title("a < b")
    return figure


def content(html: str) -> dict:
    """What the script reads, as a browser finds it: the element ends at the first `</`."""
    return json.loads(re.search(r'application/json">(.*?)</', html, re.DOTALL)[1])


class TestInlineSvg:
    def test_is_well_formed_and_scales(self):
        element = ElementTree.fromstring(inline_svg(as_svg(line(1.0))))
        assert "width" not in element.attrib
        assert "max-width" in element.attrib["style"]
        assert element.attrib["viewBox"]

    def test_black_takes_the_colour_of_the_text(self):
        svg = inline_svg(as_svg(line(1.0)))
        assert "#000000" not in svg
        assert "currentColor" in svg

    def test_text_stays_text(self):
        assert "a &lt; b</text>" in inline_svg(as_svg(line(1.0)))

    def test_ids_are_those_referred_to_and_differ_between_pictures(self):
        first, second = (inline_svg(as_svg(line(slope))) for slope in (1.0, 2.0))
        ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (first, second)]
        used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', first))
        assert ids[0] == used
        assert not ids[0] & ids[1]

    def test_same_figure_same_bytes(self):
        assert as_svg(line(1.0)) == as_svg(line(1.0))


class TestExplorer:
    def test_page_has_a_picture_for_every_position(self):
        explorer = Explorer(line, {"slope": [1.0, 2.0, 3.5], "end": [1, 4]}, caption="Lines.")

        shown = content(explorer.html())

        assert [one["values"] for one in shown["sliders"]] == [["1", "2", "3.5"], ["1", "4"]]
        # the last slider runs fastest, as the script counts
        assert shown["frames"][3] == explorer.picture(2.0, 4)
        assert len(set(shown["frames"])) == 6

    def test_page_of_four_sliders_counts_as_its_script_does(self):
        explorer = Explorer(
            lambda *values: f'<svg viewBox="{" ".join(map(str, values))}"><rect/></svg>',
            {"a": [1, 2, 3], "b": [1, 2], "c": [1], "d": [1, 2]},
            caption="Boxes.",
        )
        frames = content(explorer.html())["frames"]
        assert len(frames) == 12
        # the script: ((a * 2 + b) * 1 + c) * 2 + d
        assert frames[((2 * 2 + 1) * 1 + 0) * 2 + 1] == explorer.picture(3, 2, 1, 2)

    def test_page_begins_in_the_middle_without_a_script(self):
        explorer = Explorer(line, {"slope": [1.0, 2.0, 3.5]}, caption="Lines.")
        html = explorer.html()
        assert 'aria-label="slope 2"' in html
        assert 'max="2" step="1" value="1"' in html
        assert explorer.picture(2.0) in html

    def test_page_is_the_same_each_time_and_asks_for_nothing(self):
        explorer = Explorer(line, {"slope": [1.0]}, caption="Lines.")
        assert explorer.html() == explorer.html()
        assert not re.search(r'(?:src|href)="(?!#|data:)', explorer.html())

    def test_caption_and_labels_are_escaped(self):
        html = Explorer(line, {"a<b": [1.0]}, caption="</script>").html()
        assert 'aria-label="a&lt;b"' in html
        assert html.count("</script>") == 2

    def test_svg_text_serves_as_a_picture(self):
        explorer = Explorer(
            lambda n: f'<svg viewBox="0 0 {n} 1"><rect/></svg>', {"n": [1, 2]}, caption="Box."
        )
        assert 'viewBox="0 0 2 1"' in explorer.picture(2)

    def test_live_view_renders_anew_when_its_slider_moves(self):
        calls = []

        def render(slope):
            calls.append(slope)
            return line(slope)

        picture, slider, _ = (
            Explorer(render, {"slope": [1.0, 2.0, 3.5]}, caption="Lines.").live().children
        )
        before = picture.value
        slider.value = 3.5
        assert calls == [2.0, 3.5]
        assert picture.value != before
        assert picture.value == inline_svg(as_svg(line(3.5)))

    def test_bundle_has_the_widget_and_the_page(self):
        bundle = Explorer(line, {"slope": [1.0]}, caption="Lines.")._repr_mimebundle_()
        assert set(bundle) >= {
            "application/vnd.jupyter.widget-view+json",
            "text/html",
            "text/plain",
        }

    @pytest.mark.parametrize("sliders", [{}, {"a": []}, {key: [1] for key in "abcde"}])
    def test_sliders_that_cannot_be(self, sliders):
        with pytest.raises(InputError, match="give one to four"):
            Explorer(line, sliders, caption="Lines.")


FRAMES = [np.full((8, 12, 3), shade, np.uint8) for shade in (0, 100, 200)]


class TestClip:
    def test_page_has_every_frame_and_its_label(self):
        clip = Clip(FRAMES, fps=5, caption="Shades.", labels=["dark", "grey", "pale"])
        shown = content(clip.html())
        assert [frame[:23] for frame in shown["frames"]] == ["data:image/webp;base64,"] * 3
        assert len(set(shown["frames"])) == 3
        assert shown["labels"] == ["dark", "grey", "pale"]
        assert 'alt="Shades." width="12" height="8"' in clip.html()

    def test_labels_are_numbers_by_default(self):
        assert content(Clip(FRAMES, fps=5, caption="Shades.").html())["labels"] == [
            "0",
            "1",
            "2",
        ]

    @pytest.mark.parametrize(("frames", "labels"), [([], None), (FRAMES, ["one"])])
    def test_frames_and_labels_must_match(self, frames, labels):
        with pytest.raises(InputError, match="give as many"):
            Clip(frames, fps=5, caption="Shades.", labels=labels)


def contrast(first: str, second: str) -> float:
    """WCAG 2.1's contrast ratio."""

    def luminance(colour):
        parts = np.array(mpl.colors.to_rgb(colour))
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("role", style.ROLES)
@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_colours_stand_out_from_light_and_dark_pages(role, page):
    assert contrast(style.ROLES[role], page) >= 3


def test_style_is_transparent_and_stable():
    with mpl.rc_context():
        style.use_style()
        assert mpl.rcParams["savefig.transparent"]
        assert mpl.rcParams["svg.hashsalt"]
