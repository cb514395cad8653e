import pages

TOC = {
    "root": "index",
    "parts": [
        {"caption": "One", "chapters": [{"file": "a"}]},
        {"caption": "Two", "chapters": [{"file": "b", "sections": [{"file": "c"}]}, {"file": "d"}]},
    ],
}


def test_pages_are_in_reading_order():
    assert pages.files(TOC) == ["a", "b", "c", "d"]


def test_a_part_without_pages_goes_with_its_caption():
    assert pages.only(TOC, {"d"}) == {
        "root": "index",
        "parts": [{"caption": "Two", "chapters": [{"file": "d"}]}],
    }
