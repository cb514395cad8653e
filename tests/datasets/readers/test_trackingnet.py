"""TrackingNet's chunks: numbers without zeros, one box a test video, frames that come later."""

import zipfile

import numpy as np
import pytest

from cfkd_core.datasets.readers.trackingnet import TRAINING, named, read_trackingnet
from cfkd_core.errors import InputError


@pytest.fixture
def write(tmp_path, write_images, write_text):
    """Writes a video of a chunk; without frames if `count` is 0."""

    def write(chunk, name, rows, count):
        write_text(tmp_path / chunk / "anno" / f"{name}.txt", rows)
        if count:
            write_images(tmp_path / chunk / "frames" / name, range(count), digits=1)

    return write


def test_test_videos_have_their_first_box_only(tmp_path, write):
    write("TEST", "b_0", "3.00,4.00,10.00,20.00\r\n", 12)
    write("TEST", "a_0", "1,2,5,6\n", 1)
    write("TRAIN_0", "c_0", "1,2,5,6\n", 1)
    first, second = read_trackingnet(tmp_path)
    assert (first.name, second.name, len(second), second.origin) == ("a_0", "b_0", 12, 0)
    np.testing.assert_array_equal(second.boxes[0], [3, 4, 10, 20])
    assert np.isnan(second.boxes[1:]).all()
    assert second.visible.tolist() == [True] + [False] * 11
    # 2.png before 10.png
    assert [frame[0, 0, 0] for frame in second.frames] == list(range(12))


def test_training_videos_are_annotated_throughout(tmp_path, write):
    write("TRAIN_10", "b_1", "1,2,5,6\n2,2,0,6\n", 2)
    write("TRAIN_2", "a_1", "1,2,5,6\n2,2,5,6\n", 2)
    write("TRAIN_11", "c_1", "1,2,5,6\n", 1)
    first, second = read_trackingnet(tmp_path, TRAINING)
    assert (first.name, second.name) == ("a_1", "b_1")
    assert second.visible.tolist() == [True, False]
    (held_out,) = read_trackingnet(tmp_path / "TRAIN_11")
    assert held_out.name == "c_1"


def test_videos_that_are_not_unpacked_are_passed_over_and_named(tmp_path, write):
    write("TEST", "a_0", "1,2,5,6\n", 2)
    write("TEST", "b_0", "1,2,5,6\n", 0)
    assert [sequence.name for sequence in read_trackingnet(tmp_path)] == ["a_0"]
    assert named(tmp_path) == {"a_0", "b_0"}


def test_counts_must_match(tmp_path, write):
    write("TRAIN_0", "a_0", "1,2,5,6\n", 3)
    with pytest.raises(InputError, match=r"a_0: 3 frames .* 1 boxes in a_0\.txt"):
        read_trackingnet(tmp_path, TRAINING)


def test_no_frame_in_a_folder_is_an_error(tmp_path, write):
    write("TEST", "a_0", "1,2,5,6\n", 0)
    (tmp_path / "TEST/frames/a_0").mkdir(parents=True)
    with pytest.raises(InputError, match="a_0: 0 frames"):
        read_trackingnet(tmp_path)


def test_nothing_there_says_what_is_expected(tmp_path, write):
    write("TEST", "a_0", "1,2,5,6\n", 0)
    with pytest.raises(InputError, match="no TrackingNet sequences here"):
        read_trackingnet(tmp_path)


def test_the_servers_own_annotation_is_read(shared, tmp_path, write):
    """The dev-kit's dummy ground truth has every frame of its videos."""
    with zipfile.ZipFile(shared / "oracles/trackingnet/dummy_GT.zip") as archive:
        name = archive.namelist()[0]
        text = archive.read(name).decode()
    write("TRAIN_3", name.removesuffix(".txt"), text, len(text.splitlines()))
    (sequence,) = read_trackingnet(tmp_path, TRAINING)
    assert len(sequence) == len(text.splitlines())
    assert sequence.visible.all()
