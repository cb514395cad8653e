import pytest

from cfkd_core.errors import InputError
from cfkd_core.files import write_bytes, write_text


def test_the_text_arrives_in_a_folder_that_was_not_there(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_text(path, "one\n")
    write_text(path, "two, ü\n")
    assert path.read_text(encoding="utf-8") == "two, ü\n"
    assert [each.name for each in path.parent.iterdir()] == ["b.txt"]


def test_bytes_arrive_as_they_are(tmp_path):
    write_bytes(tmp_path / "a" / "b.zip", b"PK\r\n\x00")
    assert (tmp_path / "a" / "b.zip").read_bytes() == b"PK\r\n\x00"


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "b.txt"
    write_text(path, "old")
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(InputError, match=r"b\.txt: cannot be written \(full\)"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_a_place_that_cannot_be_a_file_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_text(tmp_path / "taken" / "b.txt", "x")
