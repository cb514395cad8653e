"""Where results lie."""

import pytest

from cfkd_core.benchmarks.results import LAYOUTS


@pytest.mark.parametrize("experiment", LAYOUTS)
@pytest.mark.parametrize("name", ["Jogging.1", "clip_002", "a[1]", "a b"])
def test_repetitions_are_found_by_their_files(tmp_path, experiment, name):
    layout = LAYOUTS[experiment]
    folder = layout.place(tmp_path, "toy", "still")
    assert layout.repetitions(folder, name) == []
    for number in (1, 2, 11):
        path = layout.boxes(folder, name, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        layout.times(folder, name, number).touch()
    assert layout.repetitions(folder, name) == [1, 2, 11]
    assert layout.repetitions(folder, "a") == []
    assert len(set(layout.files(folder))) == 6
    layout.boxes(folder, name).unlink()
    assert layout.repetitions(folder, name) == [2, 11]


def test_one_pass_lies_as_other_toolkits_expect_it(tmp_path):
    layout = LAYOUTS["ope"]
    folder = layout.place(tmp_path, "otb", "kcf")
    assert layout.boxes(folder, "Jogging.1") == tmp_path / "otb/kcf/Jogging.1.txt"
    assert layout.times(folder, "Jogging.1") == tmp_path / "otb/kcf/Jogging.1_time.txt"
