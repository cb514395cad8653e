"""The command, on a small book: what it prints, what it leaves, how it ends."""

import json
import re
from pathlib import Path

import nbformat
import pytest

BROKEN = "def ratio(x):\n    return 1 / x\n\n\nvalue = 1\nratio(0)"


@pytest.fixture(scope="module")
def runs(lasting_book):
    """One book through its life; each step is a run of the command."""
    book = lasting_book
    steps = {"fresh": book.build()}
    index = (book.html / "index.html").read_text()
    page = (book.html / "first.html").read_text()
    download = nbformat.read(book.html / "_sources" / "first.ipynb", as_version=4)
    book.write("first", "value = 1", "print(value)", prose="Other prose.")
    steps["prose"] = book.build()
    new_page = (book.html / "first.html").read_text()
    steps["unchanged"] = book.build("--expect")
    book.write("first", BROKEN, "print(value)")
    book.write("second", "value = 3", "print('still', value)")
    steps["broken"] = book.build()
    return book, steps, page, download, new_page, index


def test_fresh_build_executes_and_says_so(runs):
    _, steps, page, *_ = runs
    out = steps["fresh"].stdout
    assert steps["fresh"].returncode == 0, out + steps["fresh"].stderr
    assert "first  to execute: never executed to its end" in out
    assert re.search(r"^first  \[ 3/4\] +\d+\.\d s  value = 1$", out, re.MULTILINE)
    assert re.search(r"^second +\d+\.\d  executed$", out, re.MULTILINE)
    assert "build/html/index.html" in out
    assert "profile smoke" in page


def test_page_hides_the_parameters_and_the_download_has_them(runs):
    _, _, page, download, *_ = runs
    assert "profile" not in re.sub(r'<p class="provenance">.*?</p>', "", page, flags=re.DOTALL)
    code = [cell.source for cell in download.cells if cell.cell_type == "code"]
    assert code[1] == '# Parameters\nprofile = "smoke"\n'
    assert download.cells[-1].outputs[0].text == "1\n"


def test_edited_prose_is_shown_without_a_run(runs):
    _, steps, _, _, page, _ = runs
    assert "first  up to date, reused" in steps["prose"].stdout
    assert "Other prose." in page


def test_unchanged_pages_are_not_made_again(runs):
    _, steps, *_ = runs
    out = steps["unchanged"].stdout
    assert steps["unchanged"].returncode == 0, out
    assert float(re.search(r"^pages  (\d+\.\d) s$", out, re.MULTILINE)[1]) < 2
    assert "build/html/index.html" in out


def test_expectations_are_written_where_they_are_asked_for(runs):
    book, steps, *_ = runs
    assert "tests/book/expected/first.json: 0 values" in steps["unchanged"].stdout
    assert (book.root / "tests" / "book" / "expected" / "second.json").exists()


def test_every_page_says_what_made_it_and_a_chapter_can_be_taken_along(runs):
    _, _, page, _, _, index = runs
    assert '<a href="_sources/first.ipynb" download>' in page
    for text in (page, index):
        assert re.search(r'<p class="provenance">.*executed .*profile smoke.*commit', text, re.I)


def test_failing_chapter(runs):
    book, steps, *_ = runs
    broken = steps["broken"]
    line = (book.chapters / "first.py").read_text().splitlines().index("ratio(0)") + 1
    assert broken.returncode == 1
    assert f"chapters/first.py:{line}" in broken.stdout
    assert "ZeroDivisionError" in broken.stdout
    assert "return 1 / x" in broken.stdout
    assert not book.html.exists()
    partial = re.search(r"as far as it came: (\S+)", broken.stdout)[1]
    assert "cfkd" not in json.loads(Path(partial).read_text())["metadata"]


def test_other_chapters_run_all_the_same(runs):
    _, steps, *_ = runs
    out = steps["broken"].stdout
    assert "second  to execute: code of chapters/second.py changed" in out
    assert re.search(r"^first +\d+\.\d  FAILED$", out, re.MULTILINE)
    assert re.search(r"^second +\d+\.\d  executed$", out, re.MULTILINE)


TWO_PARAMETERS = '# %% tags=["parameters"]\nprofile = "smoke"\nspeed = 2\n'


def test_chapter_without_a_file_is_one_line(small_book):
    small_book.toc("first", "third")
    expect_one_line(small_book.build(), "lists third, but there is neither chapters/third.py nor")


def test_unknown_chapter_is_one_line(small_book):
    result = small_book.build("--only", "nowhere")
    expect_one_line(result, "--only nowhere: the chapters are first, second")


def test_only_smoke_is_expected(small_book):
    result = small_book.build("--profile", "full", "--expect")
    assert result.returncode == 2
    assert "add --profile smoke" in result.stderr


def test_unknown_parameter_is_one_line(small_book):
    (small_book.chapters / "first.py").write_text(TWO_PARAMETERS)
    expect_one_line(small_book.build(), "it must set `profile`, may set `seed`, and nothing else")


def expect_one_line(result, message):
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
