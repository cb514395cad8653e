"""GOT-10k's splits, labels and classes."""

import numpy as np
import pytest

from cfkd_core.datasets.readers.got10k import read_got10k
from cfkd_core.errors import InputError

META = """[METAINFO]
url: https://youtu.be/x%20y
object_class: anaconda
motion_class: slithering
major_class: reptile
"""


@pytest.fixture
def write(write_images, write_text):
    def write(folder, rows="1.0000,2.0,9,9\n0,3,8,7\n2,2,5,5\n3,3,5,0\n", **labels):
        count = len(rows.split())
        write_images(folder, range(1, count + 1))
        write_text(folder / "groundtruth.txt", rows)
        labels = {"absence": "0\n0\n1\n0\n", "cover": "8\n0\n6\n7\n"} | labels
        for name, text in labels.items():
            write_text(folder / f"{name}.label", text)
        write_text(folder / "meta_info.ini", META)

    return write


@pytest.mark.parametrize("root", [".", "val"])
def test_labels_say_what_is_visible(tmp_path, write, root):
    write(tmp_path / root / "GOT-10k_Val_000001")
    (sequence,) = read_got10k(tmp_path, "val")
    assert (sequence.name, sequence.origin) == ("GOT-10k_Val_000001", 0)
    np.testing.assert_array_equal(sequence.boxes[:2], [[1, 2, 9, 9], [0, 3, 8, 7]])
    # the second is covered, the third absent, the fourth without a height
    assert sequence.visible.tolist() == [True, False, False, False]
    assert sequence.attributes == {"anaconda", "slithering"}
    assert [frame[0, 0, 0] for frame in sequence.frames] == [1, 2, 3, 4]


def test_test_videos_have_their_first_box_only(tmp_path, write_images, write_text):
    folder = tmp_path / "test" / "GOT-10k_Test_000001"
    write_images(folder, range(1, 6))
    write_text(folder / "groundtruth.txt", "347.0000,443.0000,429.0000,272.0000\n")
    (sequence,) = read_got10k(tmp_path, "test")
    assert sequence.boxes[0].tolist() == [347, 443, 429, 272]
    assert np.isnan(sequence.boxes[1:]).all()
    assert sequence.visible.tolist() == [True] + [False] * 4
    assert sequence.attributes == frozenset()


def test_the_list_gives_the_order_and_what_is_not_there_is_passed_over(tmp_path, write, write_text):
    for number in (1, 2):
        write(tmp_path / "train" / f"GOT-10k_Train_{number:06d}")
    names = [f"GOT-10k_Train_{number:06d}" for number in (2, 3, 1)]
    write_text(tmp_path / "train" / "list.txt", "\n".join(names))
    assert [each.name for each in read_got10k(tmp_path, "train")] == [names[0], names[2]]


@pytest.mark.parametrize("label", ["absence", "cover"])
def test_labels_must_fit(tmp_path, write, label):
    write(tmp_path / "val" / "GOT-10k_Val_000001", **{label: "0\n1\n"})
    with pytest.raises(InputError, match=rf"{label}\.label: 2 .* 4"):
        read_got10k(tmp_path, "val")
    (tmp_path / "val" / "GOT-10k_Val_000001" / f"{label}.label").unlink()
    with pytest.raises(InputError, match=rf"{label}\.label: no such file"):
        read_got10k(tmp_path, "val")


def test_a_broken_meta_file_is_named(tmp_path, write, write_text):
    write(tmp_path / "val" / "GOT-10k_Val_000001")
    write_text(tmp_path / "val" / "GOT-10k_Val_000001" / "meta_info.ini", "anaconda\n")
    with pytest.raises(InputError, match=r"meta_info\.ini: not a file of settings"):
        read_got10k(tmp_path, "val")


def test_nothing_there_says_what_is_expected(tmp_path):
    with pytest.raises(InputError, match=r"no GOT-10k sequences here; expected test/"):
        read_got10k(tmp_path, "test")
