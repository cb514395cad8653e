import pytest
import source


def test_first_lines_point_at_the_cells(small_book):
    text = (small_book.chapters / "first.py").read_text()
    notebook = source.parse(text)

    shown = [text.splitlines()[number - 1] for number in source.first_lines(text)]

    assert len(shown) == len(notebook.cells)
    assert shown == ["# # first", 'profile = "smoke"', "value = 1", "print(value)"]


def test_reading_twice_gives_the_same_bytes(small_book):
    chapter = small_book.chapters / "first.py"
    assert source.paired(chapter) == source.paired(chapter)


def test_equal_cells_have_different_ids(small_book):
    small_book.write("first", "value = 1", "value = 1")
    cells = source.read(small_book.chapters / "first.py").cells
    assert len({cell.id for cell in cells}) == len(cells)


def test_parameters_cell(small_book):
    chapter = small_book.chapters / "first.py"
    assert source.parameters(chapter) == {"profile"}
    chapter.write_text("# %% [markdown]\n# # No parameters\n")
    with pytest.raises(source.ChapterError, match="0 cells"):
        source.parameters(chapter)
