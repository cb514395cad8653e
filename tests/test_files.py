import errno
import multiprocessing
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cfkd_core.errors import InputError
from cfkd_core.files import beside, locked, read_json, refuse_overwriting, write_bytes, write_text


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


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_file_has_the_mode_that_the_umask_gives(tmp_path, umask):
    """Though a library makes its own with 0600, as safetensors does."""
    before = os.umask(umask)
    try:
        with beside(tmp_path / "b") as place:
            place.touch(mode=0o600)
        assert (tmp_path / "b").stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path):
    (tmp_path / "b").touch(mode=0o640)
    write_text(tmp_path / "b", "x")
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(tmp_path):
    (tmp_path / "disk").mkdir()
    for target in ("there.txt", "new.txt"):
        (tmp_path / "disk/there.txt").write_text("old")
        link = tmp_path / f"link to {target}"
        link.symlink_to(tmp_path / "disk" / target)
        write_text(link, "x")
        assert link.is_symlink()
        assert (tmp_path / "disk" / target).read_text() == "x"


def test_a_device_stays_one():
    write_text(Path("/dev/null"), "x")
    assert Path("/dev/null").is_char_device()


def test_a_pipe_is_written_through(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "a\nb\n")
    reader.join()
    assert read == ["a\nb\n"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("to_file", [False, True])
def test_standard_output_is_written_through(tmp_path, to_file):
    code = (
        "import sys; from pathlib import Path; from cfkd_core.files import write_text\n"
        "print('before'); write_text(Path('/dev/stdout'), 'x\\n'); print('after')"
    )
    with (tmp_path / "out").open("w+b") as file:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=file if to_file else subprocess.PIPE,
            check=True,
        )
        file.seek(0)
        assert (file.read() if to_file else done.stdout) == b"before\nx\nafter\n"


def test_an_output_that_is_an_input_is_refused(tmp_path):
    film, table = tmp_path / "a.mp4", tmp_path / "videos" / "b.csv"
    table.parent.mkdir()
    film.touch()
    table.touch()
    (tmp_path / "link.mp4").symlink_to(film)
    for output in (film, tmp_path / "link.mp4", tmp_path / "videos/../a.mp4", table, table.parent):
        with pytest.raises(InputError, match="is an input of this command; name another"):
            refuse_overwriting([output], [film, table.parent, None])
    with pytest.raises(InputError, match=r"c\.csv: is named for two outputs"):
        refuse_overwriting([tmp_path / "c.csv", tmp_path / "videos/../c.csv"], [film])
    null = Path("/dev/null")
    refuse_overwriting([None, tmp_path / "videos/new.csv", null, null], [film, null, table.parent])


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
    assert [each.name for each in path.iterdir()] == [".lock"]


@pytest.mark.parametrize("fault", [errno.EBADF, errno.ENOLCK])
def test_where_folders_cannot_be_locked_a_run_goes_on(tmp_path, monkeypatch, fault):
    def refuse(*_):
        raise OSError(fault, "as some network file systems answer")

    monkeypatch.setattr("fcntl.flock", refuse)
    with locked(tmp_path, wait=False):
        write_text(tmp_path / "b.txt", "x")
    assert (tmp_path / "b.txt").read_text() == "x"


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
