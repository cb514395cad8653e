import errno
import multiprocessing
import resource
from pathlib import Path

import pytest

from cfkd_core.errors import InputError
from cfkd_core.files import beside, locked, read_json, write_bytes, write_text


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


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("moment", ["mkdir", "write_bytes", "replace"])
def test_a_full_disk_leaves_no_trace(tmp_path, monkeypatch, moment):
    path = tmp_path / "b.txt"
    write_text(path, "old")
    monkeypatch.setattr(f"pathlib.Path.{moment}", full)
    with pytest.raises(InputError, match=r"b\.txt: cannot be written \(No space left on device\)"):
        write_text(path, "new")
    assert [each.name for each in tmp_path.iterdir()] == ["b.txt"]
    assert path.read_text() == "old"


def test_a_limit_on_files_is_met_by_the_kernel(tmp_path):
    """No stand-in: the kernel refuses the 1,001st byte, as it does on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(InputError, match="cannot be written"):
            write_bytes(tmp_path / "b", bytes(1001))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_a_place_where_nobody_may_write():
    """A folder that is read-only even for root."""
    with pytest.raises(InputError, match="cannot be written"):
        write_text(Path("/proc/cfkd/b.txt"), "x")


def test_two_processes_do_not_write_into_each_others_files(tmp_path, monkeypatch):
    path = tmp_path / "b.txt"
    with beside(path) as mine:
        mine.write_text("mine")
        monkeypatch.setattr("os.getpid", lambda: 1)
        write_text(path, "theirs")
        assert path.read_text() == "theirs"
    assert path.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["b.txt"]


def hold(path, connection):
    with locked(path, wait=False):
        connection.send("held")
        connection.recv()


@pytest.fixture
def holder(tmp_path):
    """A process that holds a folder, and the folder."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path / "run", theirs))
    process.start()
    ours.recv()
    yield process, tmp_path / "run"
    process.kill()
    process.join()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_lock_is_held_by_one_and_let_go_by_a_kill(holder):
    process, path = holder
    with (
        pytest.raises(InputError, match="run: another run is writing there; wait"),
        locked(path, wait=False),
    ):
        pass
    process.kill()
    process.join()
    with locked(path, wait=False):
        pass
    with locked(path, wait=True):
        pass
    assert not list(path.iterdir())


@pytest.mark.parametrize("fault", [errno.EBADF, errno.ENOLCK])
def test_where_folders_cannot_be_locked_a_run_goes_on(tmp_path, monkeypatch, fault):
    def refuse(*_):
        raise OSError(fault, "as some network file systems answer")

    monkeypatch.setattr("fcntl.flock", refuse)
    with locked(tmp_path, wait=False):
        write_text(tmp_path / "b.txt", "x")


def test_a_lock_where_nobody_may_write():
    with (
        pytest.raises(InputError, match="cannot be written"),
        locked(Path("/proc/cfkd"), wait=False),
    ):
        pass


def test_json_is_read_or_refused_with_the_remedy(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('\ufeff{"a": [1, null]}', encoding="utf-8")
    assert read_json(path, "mend it") == {"a": [1, None]}
    for text in ("{", "[" * 100_000, "1" * 5000):
        path.write_text(text)
        with pytest.raises(InputError, match=r"a\.json: not a JSON file .*; mend it"):
            read_json(path, "mend it")
