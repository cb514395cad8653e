"""Every parser on its corpus and on damage: a little here, more in the slow run."""

import os
import socket
import subprocess
from pathlib import Path

import jaxtyping
import pytest

from cfkd_core.errors import InputError
from tests.fuzz import __main__ as command
from tests.fuzz import guard, mutants, run, targets
from tests.fuzz.guard import Finding, guarded


@pytest.fixture(autouse=True)
def annotations_unchecked():
    """As users run it: elsewhere in the tests, annotations refuse much before the parser does."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_damage_is_read_or_refused(name):
    tally = run.fuzz(name, 12, seed=1)
    assert tally.findings == {}
    assert tally.read + tally.refused == len(mutants.seeds(name)) + 12


@pytest.mark.slow
@pytest.mark.parametrize("name", targets.TARGETS)
def test_more_damage_is_read_or_refused(name):
    tally = run.fuzz(name, 1500, seed=2)
    assert tally.findings == {}


@pytest.mark.parametrize("name", targets.TARGETS)
def test_the_corpus_holds_something_sound(name):
    """A target that refuses everything would see only the outermost check."""
    assert run.fuzz(name, 0, seed=0).read > 0


def test_every_corpus_is_used():
    assert {path.name for path in mutants.CORPUS.iterdir()} == set(targets.TARGETS)


def test_an_input_can_be_made_again():
    corpus = mutants.seeds("rows")
    first, again, other = (run.made("rows", seed, 7, corpus) for seed in (3, 3, 4))
    assert first == again != other


def _crash(folder, content):
    raise ZeroDivisionError("by nothing")


def _write_elsewhere(folder, content):
    (folder.parent / "evil").write_text("x")


def _hide(folder, content):
    try:
        os.system("true")
    except BaseException:
        raise InputError("swallowed") from None


@pytest.mark.parametrize(
    ("target", "what"),
    [
        (_crash, "ZeroDivisionError: by nothing"),
        (_write_elsewhere, "Finding: open"),
        (_hide, "Finding: os.system"),
        (lambda folder, content: subprocess.run(["true"], check=True), "Finding: subprocess"),
        (lambda folder, content: socket.create_connection(("127.0.0.1", 9)), "Finding: socket"),
        (lambda folder, content: (folder.parent / "x").mkdir(), "Finding: os.mkdir"),
        (lambda folder, content: folder.rename(folder.parent / "y"), "Finding: os.rename"),
    ],
)
def test_what_must_not_happen_is_found(monkeypatch, target, what):
    monkeypatch.setitem(targets.TARGETS, "rows", target)
    tally = run.fuzz("rows", 1, seed=0)
    assert tally.findings[0].startswith(what)


def test_an_input_that_takes_for_ever_is_found(monkeypatch, tmp_path):
    def forever() -> None:
        while True:
            pass

    monkeypatch.setattr(guard, "SECONDS", 0.05)
    with pytest.raises(Finding, match="of the processor's time"), guarded(tmp_path):
        forever()


def test_reading_anywhere_and_writing_in_the_folder_is_allowed(tmp_path):
    with guarded(tmp_path):
        Path(__file__).read_bytes()
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "b").write_text("x")
        (tmp_path / "a" / "b").unlink()


def test_the_command_counts_and_fails_where_something_is_found(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "limit_memory", lambda size: None)
    args = ["fuzz", "--target", "box", "--count", "5", "--keep", str(tmp_path / "kept")]
    monkeypatch.setattr("sys.argv", args)
    assert command.main() == 0
    assert "box: " in capsys.readouterr().out
    assert not (tmp_path / "kept").exists()
    monkeypatch.setitem(targets.TARGETS, "box", _crash)
    assert command.main() == 1
    assert "input 0 of seed 0: ZeroDivisionError" in capsys.readouterr().out
    corpus = mutants.seeds("box")
    assert (tmp_path / "kept" / "box-0-0").read_bytes() == run.made("box", 0, 0, corpus)
