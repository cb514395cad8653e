"""The pages in a browser, opened as files: nothing from outside, no errors, everything moves."""

from contextlib import contextmanager
from pathlib import Path

import pages
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PHONE, DESK = 390, 1200

EXPLORER = """
from matplotlib.figure import Figure
from cfkd_core import explore

def draw(slope, end):
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.plot([0, end], [0, slope * end])
    axes.set_title(f"slope {slope}")
    return figure

explore.Explorer(draw, {"slope": [1.0, 2.0, 4.0], "end": [1, 2]}, caption="A line.")
"""

CLIP = """
import numpy as np
frames = [np.full((60, 80, 3), 20 * t, np.uint8) for t in range(10)]
explore.Clip(frames, fps=20, caption="It gets lighter.")
"""


@contextmanager
def opened(browser, page: Path, *, scheme="light", width=DESK):
    """The page, and a list of what went wrong in it: foreign requests and errors."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else wrong.append(request.url)
        ),
    )
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.goto(page.as_uri())
    tab.wait_for_load_state("networkidle")
    yield tab, wrong
    context.close()


@pytest.fixture(scope="module")
def small_page(lasting_book, browser):
    """A page with an explorer and a clip. Without a browser it is not even built."""
    lasting_book.toc("first")
    lasting_book.write("first", EXPLORER.strip(), CLIP.strip(), prose="$x^2$, a formula.")
    result = lasting_book.build()
    assert result.returncode == 0, result.stdout + result.stderr
    return lasting_book.html / "first.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_explorer_follows_its_slider(browser, small_page, scheme):
    with opened(browser, small_page, scheme=scheme) as (tab, wrong):
        picture, slider = tab.locator(".explorer .picture"), tab.get_by_label("slope", exact=True)
        before = picture.inner_html()
        assert "slope 2.0" in before
        slider.focus()
        tab.keyboard.press("ArrowRight")

        assert "slope 4.0" in picture.inner_html()
        assert picture.get_attribute("aria-label") == "slope 4, end 2"
        assert slider.get_attribute("aria-valuetext") == "4"
        assert slider.locator("xpath=following-sibling::output").inner_text() == "4"
        assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_explorer_takes_the_colours_of_the_page(browser, small_page, scheme):
    with opened(browser, small_page, scheme=scheme) as (tab, _):
        colours = tab.evaluate(
            """() => {
                const style = (selector) => getComputedStyle(document.querySelector(selector));
                return [style(".explorer svg text").fill,
                        style(".bd-article section > p:not(.provenance)").color,
                        style(".cell_output .text_html").backgroundColor];
            }"""
        )
        assert colours[0] == colours[1]
        assert colours[2] == "rgba(0, 0, 0, 0)"


def test_clip_plays_and_pauses(browser, small_page):
    with opened(browser, small_page) as (tab, wrong):
        image, slider = tab.locator(".clip img"), tab.locator(".clip input")
        assert slider.input_value() == "0"
        before = image.get_attribute("src")
        tab.get_by_role("button", name="Play").click()
        tab.wait_for_function("document.querySelector('.clip input').value > 2")
        tab.get_by_role("button", name="Pause").click()
        assert image.get_attribute("src") != before
        stopped = slider.input_value()
        tab.wait_for_timeout(300)
        assert slider.input_value() == stopped
        assert wrong == []


def test_nothing_moves_by_itself(browser, small_page):
    with opened(browser, small_page) as (tab, _):
        tab.wait_for_timeout(500)
        assert tab.locator(".clip input").input_value() == "0"


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_small_page_fits(browser, small_page, width):
    with opened(browser, small_page, width=width) as (tab, wrong):
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert wrong == []


def test_formulas_are_drawn_without_a_network(browser, small_page):
    with opened(browser, small_page) as (tab, _):
        tab.locator("mjx-container svg").first.wait_for()


def names() -> list[str]:
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    return [toc["root"], *pages.files(toc)]


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", DESK), ("dark", DESK), ("light", PHONE)])
@pytest.mark.parametrize("name", names())
def test_page_of_the_book(browser, html, name, scheme, width):
    with opened(browser, html / f"{name}.html", scheme=scheme, width=width) as (tab, wrong):
        assert wrong == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("document.documentElement.dataset.theme") == scheme


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_explorer_of_the_book_moves(browser, html, name):
    with opened(browser, html / f"{name}.html") as (tab, wrong):
        for explorer in tab.locator(".explorer").all():
            pictures = set()
            slider = explorer.locator("input").first
            for key in ("Home", "End"):
                slider.focus()
                tab.keyboard.press(key)
                pictures.add(explorer.locator(".picture").inner_html())
            assert len(pictures) == 2
        assert wrong == []
