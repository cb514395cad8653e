"""The box that is drawn with the mouse; in a browser: tests/book/test_mouse.py."""

import numpy as np
import pytest

from cfkd_core.errors import InputError
from cfkd_core.explore import Drawing

FRAME = np.full((120, 160, 3), 90, np.uint8)


def test_it_begins_with_the_box_that_it_is_given():
    drawing = Drawing(FRAME, (10, 20, 30.5, 40), caption="a grey frame")
    np.testing.assert_array_equal(drawing.box, [10, 20, 30.5, 40])
    assert drawing.text == "10,20,30.5,40"
    assert 'value="10,20,30.5,40"' in drawing.html()


def test_a_box_that_no_tracker_can_start_from_is_refused():
    with pytest.raises(InputError, match="outside the frame of 160 x 120 px"):
        Drawing(FRAME, (160, 0, 5, 5), caption="a grey frame")


def test_what_is_typed_or_drawn_is_the_box_and_nonsense_is_not():
    drawing = Drawing(FRAME, (10, 20, 30, 40), caption="a grey frame")
    _, field, remark = drawing.live().children
    field.value = "1,2,3,4"
    np.testing.assert_array_equal(drawing.box, [1, 2, 3, 4])
    field.value = "1,2,3"
    assert "got 3" in remark.value
    np.testing.assert_array_equal(drawing.box, [1, 2, 3, 4])
    field.value = "5,6,7,8"
    assert remark.value == "a grey frame"
    np.testing.assert_array_equal(drawing.box, [5, 6, 7, 8])


def test_a_page_and_a_notebook_each_get_theirs():
    bundle = Drawing(FRAME, (1, 2, 3, 4), caption="a <grey> frame")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "a &lt;grey&gt; frame" in bundle["text/html"]
    assert "http" not in bundle["text/html"]
