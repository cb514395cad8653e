"""Drawing a box with a real mouse in a real browser."""

import numpy as np

from cfkd_core.explore import Drawing

FRAME = np.full((120, 160, 3), 90, np.uint8)


def test_the_mouse_draws_in_a_browser(browser):
    page = browser.new_page(viewport={"width": 500, "height": 500})
    page.set_content(Drawing(FRAME, (1, 2, 3, 4), caption="a grey frame").html())
    frame = page.locator("svg").bounding_box()
    scale = frame["width"] / 160
    # from the lower right to the upper left: the box is the same
    page.mouse.move(frame["x"] + 100 * scale, frame["y"] + 90 * scale)
    page.mouse.down()
    page.mouse.move(frame["x"] + 40 * scale, frame["y"] + 30 * scale, steps=4)
    page.mouse.up()
    assert page.locator("input").input_value() == "40,30,60,60"
    assert page.locator("rect").first.get_attribute("width") == "60"
    page.close()
