"""What the servers take, made of what a run leaves."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest

from cfkd_core.benchmarks import grid, submission
from cfkd_core.benchmarks.grid import Grid, Present
from cfkd_core.benchmarks.ope import OnePass
from cfkd_core.errors import InputError


@pytest.fixture
def films(still_film):
    """Two videos of which only the first box is public; pixels count from 1 in the second."""
    made = []
    for name, origin in (("b", 0), ("a", 1)):
        film = replace(still_film(3), name=name, origin=origin)
        film.boxes[1:] = np.nan
        made.append(film)
    return made


@pytest.fixture
def ran(tmp_path, films, scripted):
    """A function: benchmark, repetitions -> the results of a run."""

    def run(benchmark: str, repetitions: int = 1):
        entrant = Present(scripted(lambda t: [t + 0.126, 2.0, 3.5, 4.0]))
        grid.run(Grid((entrant,), tuple(films), OnePass(), tmp_path, benchmark, repetitions))
        return tmp_path

    return run


def test_trackingnet_takes_a_file_a_video(tmp_path, films, ran):
    results, output = ran("trackingnet"), tmp_path / "out/matom.zip"
    assert submission.pack("trackingnet", films, results, "scripted", output) == 2
    with zipfile.ZipFile(output) as archive:
        assert archive.namelist() == ["a.txt", "b.txt"]
        assert archive.read("b.txt").decode().splitlines() == [
            "10.00,10.00,8.00,8.00", "1.13,2.00,3.50,4.00", "2.13,2.00,3.50,4.00"
        ]  # fmt: skip
        assert archive.read("a.txt").startswith(b"11.00,11.00,8.00,8.00\n")
    before = output.read_bytes()
    submission.pack("trackingnet", films[::-1], results, "scripted", output)
    assert output.read_bytes() == before
    assert not list(output.parent.glob("*.partial"))


def test_got10k_takes_a_folder_a_sequence_and_three_repetitions(tmp_path, films, ran):
    results, output = ran("got10k", repetitions=4), tmp_path / "matom.zip"
    assert submission.pack("got10k", films, results, "scripted", output) == 8
    with zipfile.ZipFile(output) as archive:
        assert archive.namelist()[:4] == [
            "a/a_001.txt",
            "a/a_002.txt",
            "a/a_003.txt",
            "a/a_time.txt",
        ]
        assert archive.read("b/b_002.txt").decode().splitlines()[1] == "1.126,2.000,3.500,4.000"
        times = archive.read("b/b_time.txt").decode().splitlines()
    assert len(times) == 3
    assert all(len(line.split(",")) == 3 for line in times)
    assert all(float(number) > 0 for line in times for number in line.split(","))


def test_what_is_not_whole_is_not_packed(tmp_path, films, ran):
    results, output = ran("got10k"), tmp_path / "x.zip"
    folder = results / "got10k/scripted"

    def refused(message, benchmark="got10k", sequences=films, path=output):
        with pytest.raises(InputError, match=message):
            submission.pack(benchmark, sequences, results, "scripted", path)
        assert not path.exists()

    refused("no server to submit to; choose from trackingnet, got10k", benchmark="otb")
    refused("let its name end in .zip", path=tmp_path / "x.tar")
    moved = replace(films[0], boxes=films[0].boxes + 1)
    refused("starts from another box", sequences=[moved, films[1]])
    (folder / "a_time.txt").write_text("0.1\n")
    refused(r"a_time\.txt: not the seconds of 3 frames")
    (folder / "a.txt").write_text("1,2,3,4\n")
    refused(r"a\.txt: 1 boxes for 3 frames")
    (folder / "a.txt").unlink()
    refused(r"1 of 2 sequences missing \(a\)")
