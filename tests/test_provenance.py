"""What a record says of the code and the machine that made it."""

import re
import subprocess

from cfkd_core import provenance


def git(folder, *arguments):
    identity = ["-c", "user.name=a test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_commit_is_named_and_marked_when_files_differ_from_it(tmp_path):
    (tmp_path / "code.py").write_text("one")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "tag", "v1")  # the commit is named all the same
    clean = provenance.commit(tmp_path)
    assert re.fullmatch("[0-9a-f]{12}", clean)
    (tmp_path / "code.py").write_text("two")
    assert provenance.commit(tmp_path) == clean + "+"


def test_there_is_no_commit_outside_a_checkout_or_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() is None


def test_the_processor_has_a_name():
    assert provenance.processor().strip()
