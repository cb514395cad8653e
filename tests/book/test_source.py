import nbformat
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


def test_a_cell_that_was_saved_in_a_notebook_is_kept(small_book):
    notebook = small_book.root / "book/notebooks/first.ipynb"
    assert small_book.build("--pair").returncode == 0
    small_book.write("first", "value = 7", "print(value)")
    done = small_book.build("--pair")  # the chapter moved on; nobody wrote into the notebook
    assert "kept" not in done.stdout
    for number in ("", "1"):
        content = nbformat.read(notebook, as_version=4)
        content.cells[-1].source = f"print('mine {number}')"
        nbformat.write(content, notebook)
        done = small_book.build("--pair")
        kept = notebook.with_suffix(f".edited{number}.ipynb")
        assert (
            f"notebooks/first.ipynb was edited and is kept as notebooks/{kept.name}" in done.stdout
        )
        assert f"mine {number}" in kept.read_text()
        assert "mine" not in notebook.read_text()


def test_a_cell_that_was_added_counts_and_outputs_do_not(small_book):
    notebook = small_book.root / "book/notebooks/first.ipynb"
    small_book.build("--pair")
    content = nbformat.read(notebook, as_version=4)
    content.cells[-1].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    nbformat.write(content, notebook)
    assert not source.is_edited(notebook)
    content.cells.append(nbformat.v4.new_code_cell("2"))
    nbformat.write(content, notebook)
    assert source.is_edited(notebook)
    notebook.write_text("{")
    assert source.is_edited(notebook)
