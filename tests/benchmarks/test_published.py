"""Other people's results: layouts, damage, and archives that are not to be trusted."""

import gzip
import io
import json
import zipfile

import numpy as np
import pytest
from scipy.io import savemat

from cfkd_core.benchmarks import published
from cfkd_core.benchmarks.published import read_one_pass, read_restarts, read_vot_annotation
from cfkd_core.errors import InputError

BOXES = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8.5]])


def _write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def _zip(path, files, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _mat(results):
    file = io.BytesIO()
    savemat(file, {"results": results})
    return file.getvalue()


def _cell(*structs):
    cell = np.empty((1, len(structs)), dtype=object)
    cell[0] = structs
    return cell


@pytest.mark.parametrize("delimiter", [",", "\t", " ", ", "])
def test_text_of_any_delimiter(tmp_path, delimiter):
    text = "\r\n".join(delimiter.join(map(str, row)) for row in BOXES) + "\r\n\r\n"
    found = read_one_pass(_write(tmp_path, {
        "a.txt": text, "a_time.txt": "0.1\n", "x.md": "?", "__MACOSX/._a.txt": b"\xff"
    }))  # fmt: skip
    assert list(found) == ["a"]
    np.testing.assert_array_equal(found["a"][0], BOXES)


def test_got10k_has_a_folder_a_sequence(tmp_path):
    files = {
        "GOT-10k_Val_000001/GOT-10k_Val_000001_001.txt": "1,2,3,4",
        "GOT-10k_Val_000001/GOT-10k_Val_000001_002.txt": "5,6,7,8",
        "GOT-10k_Val_000001/GOT-10k_Val_000001_time.txt": "0.1",
        "GOT-10k_Val_000002/GOT-10k_Val_000002_001.txt": "9,9,9,9",
    }
    for source in (_write(tmp_path / "folder", files), _zip(tmp_path / "a.zip", files)):
        found = read_one_pass(source)
        assert {name: len(runs) for name, runs in found.items()} == {
            "GOT-10k_Val_000001": 2, "GOT-10k_Val_000002": 1
        }  # fmt: skip
        assert found["GOT-10k_Val_000001"][1].tolist() == [[5, 6, 7, 8]]


def test_otb_mat_is_a_struct_or_a_cell_of_one(tmp_path):
    struct = {"res": BOXES, "type": "rect", "len": 2}
    files = {
        "Basketball_KCF_HOG.mat": _mat(_cell(struct)),
        "Jogging-1_KCF_HOG.mat": _mat(struct),
        "Dog_KCF_HOG.mat": _mat({"res": BOXES[:1], "type": "rect"}),
    }
    found = read_one_pass(_write(tmp_path, files))
    assert list(found) == ["Basketball", "Dog", "Jogging-1"]
    np.testing.assert_array_equal(found["Basketball"][0], BOXES)
    np.testing.assert_array_equal(found["Jogging-1"][0], BOXES)
    np.testing.assert_array_equal(found["Dog"][0], BOXES[:1])


UAV = {"person1_KCF.mat", "person1_s_KCF.mat"}


def test_names_of_sequences_may_hold_the_separator(tmp_path):
    """Two sequences of UAV123, not two repetitions of one."""
    _write(tmp_path, {name: _mat({"res": BOXES, "type": "rect"}) for name in UAV})
    for names in ((), ("person1", "person1_s", "person2")):
        found = read_one_pass(tmp_path, names)
        assert {name: len(runs) for name, runs in found.items()} == {"person1": 1, "person1_s": 1}


def test_a_folder_may_hold_two_trackers(tmp_path):
    """As OTB's own toolkit keeps them; they are not repetitions of one."""
    struct = {"res": BOXES, "type": "rect"}
    files = {f"{name}_{tracker}.mat": _mat(struct) for name in ("Dog", "Jogging_1")
             for tracker in ("SAMF", "KCF_HOG")}  # fmt: skip
    _write(tmp_path, files | {"README.txt": "?"})
    found = published.read_trackers(tmp_path, ("Dog", "Jogging.1", "Car4"))
    assert {tracker: sorted(names) for tracker, names in found.trackers.items()} == {
        "KCF_HOG": ["Dog", "Jogging.1"], "SAMF": ["Dog", "Jogging.1"]
    }  # fmt: skip
    assert found.unmatched == {"KCF_HOG": ("README.txt",), "SAMF": ("README.txt",)}
    with pytest.raises(InputError, match=r"several trackers \(KCF_HOG, SAMF\)"):
        read_one_pass(tmp_path, ("Dog", "Jogging.1"))
    one = published.read_trackers(tmp_path, ("Dog", "Jogging.1"), ["SAMF"])
    assert list(one.trackers) == ["SAMF"]
    with pytest.raises(InputError, match="no results of tracker MIL; there are KCF_HOG, SAMF"):
        published.read_trackers(tmp_path, ("Dog",), ["MIL"])


def test_a_tracker_that_cannot_be_read_does_not_stop_another(tmp_path):
    affine = _mat({"res": np.ones((2, 6)), "type": "ivtAff"})
    right = _mat({"res": BOXES, "type": "rect"})
    _write(tmp_path, {"Dog_ASLA.mat": affine, "Dog_SAMF.mat": right})
    assert list(published.read_trackers(tmp_path, ["Dog"], ["SAMF"]).trackers) == ["SAMF"]
    with pytest.raises(InputError, match=r"Dog_ASLA\.mat: regions of type 'ivtAff'"):
        published.read_trackers(tmp_path, ["Dog"])


def test_trackers_may_have_folders_of_their_own(tmp_path):
    files = {f"results/{tracker}/{name}.txt": "1,2,3,4" for tracker in ("atom", "dimp")
             for name in ("Jogging_1", "Dog")}  # fmt: skip
    times = {"results/atom/Dog_time.txt": "0.1", "results/atom/Dog_object_presence_scores.txt": "1"}
    for source in (_write(tmp_path / "a", files | times), _zip(tmp_path / "b.zip", files | times)):
        found = published.read_trackers(source, ("Jogging.1", "Dog"))
        assert {tracker: sorted(names) for tracker, names in found.trackers.items()} == {
            "atom": ["Dog", "Jogging.1"], "dimp": ["Dog", "Jogging.1"]
        }  # fmt: skip
    same = {f"{above}/KCF/Dog.txt": "1,2,3,4" for above in ("new", "old")}
    found = published.read_trackers(_write(tmp_path / "c", same), ["Dog"])
    assert list(found.trackers) == ["new/KCF", "old/KCF"]


def test_two_files_of_one_sequence_are_named(tmp_path):
    _write(tmp_path, {"Jogging_1.txt": "1,2,3,4", "Jogging-1.txt": "1,2,3,4"})
    with pytest.raises(
        InputError, match=r"Jogging-1\.txt and Jogging_1\.txt are both of sequence Jogging\.1"
    ):
        read_one_pass(tmp_path, ["Jogging.1"])


def test_files_of_no_sequence_are_named(tmp_path):
    _write(tmp_path, {"cat.txt": "1,2,3,4", "notes.txt": "see below"})
    with pytest.raises(InputError, match=r"no results.*; cat\.txt, notes\.txt match none"):
        read_one_pass(tmp_path, ["Dog"])


def test_mdnets_files_hold_the_boxes_alone(tmp_path):
    """As `result`. Source: zhangzheng0131/Tracker_Benchmark_tb100 (61282db), genPerfMat.m."""
    file = io.BytesIO()
    savemat(file, {"result": BOXES})
    found = read_one_pass(_write(tmp_path, {"Dog_MDNet.mat": file.getvalue()}))
    np.testing.assert_array_equal(found["Dog"][0], BOXES)


def test_a_single_file_is_a_source(tmp_path):
    _write(tmp_path, {"Dog_KCF.txt": "1,2,3,4"})
    found = published.read_trackers(tmp_path / "Dog_KCF.txt", ["Dog"])
    assert found.trackers["KCF"]["Dog"][0].tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize("line", ["335,,90,66,0.9", "1_0,2,3,4", "335,,90,66"])
def test_a_line_that_lacks_a_number_is_refused(tmp_path, line):
    with pytest.raises(InputError, match=r"a\.txt, line 1: expected 4 numbers"):
        read_one_pass(_write(tmp_path, {"a.txt": line}))


def test_vot_folders_of_several_trackers(tmp_path):
    files = {f"{tracker}/baseline/ants1/ants1_001.txt": "1\n2\n" for tracker in ("KCF", "SAMF")}
    source = _zip(tmp_path / "a.zip", files)
    assert sorted(published.read_restarts_of_all(source)) == ["KCF", "SAMF"]
    with pytest.raises(InputError, match=r"runs of several trackers \(KCF, SAMF\)"):
        read_restarts(source)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no mat file at all", "not a result"),
        (_mat({"other": 1.0}), "not a result"),
        (_mat({"res": np.ones((2, 6)), "type": "ivtAff"}), "type 'ivtAff'"),
        (_mat({"res": np.ones((2, 4)) * 1j, "type": "rect"}), "no results with res and type"),
        (_mat({"res": "1,2,3,4", "type": "rect"}), "no results with res and type"),
        (_mat({"res": np.ones((2, 4)) * np.inf, "type": "rect"}), "only finite"),
        (_mat({"res": np.ones((2, 4)), "type": "rect"})[:200], "not a result"),
        # numbers of a type that there is not, on which scipy 1.17 crashes
        (_mat(np.ones((2, 4))).replace(b"\t\0\0\0@", b"\x0e\0\0\0@"), "its reader crashed"),
    ],
)
def test_other_mats_are_refused(tmp_path, content, reason):
    with pytest.raises(InputError, match=reason):
        read_one_pass(_write(tmp_path, {"a_KCF.mat": content}))


def test_vot_folders_and_zips(tmp_path):
    files = {
        "KCF/baseline/ants1/ants1_001.txt": "1\n1,2,3,4\n",
        "KCF/baseline/ants1/ants1_002.txt": "1\n2\n",
        "KCF/baseline/ants1/ants1_time.txt": "0.1\n0.1\n",
        "KCF/realtime/ants1/ants1_001.txt": "1\n0,0,1,1\n",
    }
    for source in (_write(tmp_path / "folder", files), _zip(tmp_path / "a.zip", files)):
        runs = read_restarts(source)["ants1"]
        assert [run.codes.tolist() for run in runs] == [[1, -1], [1, 2]]
        (run,) = read_restarts(source, "realtime")["ants1"]
        assert run.regions[1].tolist() == [0, 0, 1, 1]
        with pytest.raises(InputError, match="unsupervised experiment"):
            read_restarts(source, "unsupervised")
    (run,) = read_restarts(tmp_path / "folder/KCF/realtime")["ants1"]
    assert run.regions[1].tolist() == [0, 0, 1, 1]


def test_missing_and_empty_sources_are_named(tmp_path):
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        read_one_pass(tmp_path / "absent")
    with pytest.raises(InputError, match="no results"):
        read_one_pass(tmp_path)
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        read_restarts(_write(tmp_path, {"a.zip": "text"}) / "a.zip")


@pytest.mark.parametrize("text", ["", "1,2,3\n", "1,2,3,4\nx\n", b"\xff\xfe\x00"])
def test_damaged_text_is_named(tmp_path, text):
    with pytest.raises(InputError, match=r"a\.txt"):
        read_one_pass(_write(tmp_path, {"a.txt": text}))


@pytest.mark.parametrize("name", ["../a.txt", "/etc/a.txt", "b/../../a.txt", "..\\a.txt"])
def test_archive_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="distrust"):
        read_one_pass(_zip(tmp_path / "a.zip", {name: "1,2,3,4"}))


def test_archive_that_swells_is_refused(tmp_path, monkeypatch):
    bomb = b"0" * (published.MOST_BYTES + 1)
    archive = _zip(tmp_path / "a.zip", {"a.txt": bomb}, compression=zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 100_000
    with pytest.raises(InputError, match="more than results can be"):
        read_one_pass(archive)
    many = _zip(tmp_path / "b.zip", {f"{i}.txt": "1,2,3,4" for i in range(9)})
    monkeypatch.setattr(published, "MOST_FILES", 8)
    with pytest.raises(InputError, match="more than results can be"):
        read_one_pass(many)
    monkeypatch.setattr(published, "MOST_FILES", 9)
    monkeypatch.setattr(published, "MOST_BYTES_IN_ALL", 62)
    with pytest.raises(InputError, match="more than results can be"):
        read_one_pass(many)


def test_damaged_archive_is_named(tmp_path):
    path = _zip(tmp_path / "a.zip", {"a.txt": "1,2,3,4\n" * 99})
    content = bytearray(path.read_bytes())
    content[60:70] = b"x" * 10
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_one_pass(path)


def test_vot_annotation(tmp_path):
    entry = {
        "gt_rect": [[0, 0, 4, 0, 4, 4, 0, 4]] * 2, "width": 20, "height": 10, "occlusion": [0, 1],
        "size_change": []
    }  # fmt: skip
    text = json.dumps({"ants1": entry})
    (tmp_path / "VOT.json").write_text(text)
    (tmp_path / "VOT.json.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("VOT.json", "VOT.json.gz"):
        found = read_vot_annotation(tmp_path / name)["ants1"]
        assert found.size == (20, 10)
        assert found.regions.shape == (2, 8)
        assert {tag: frames.tolist() for tag, frames in found.tags.items()} == {
            "occlusion": [False, True]
        }


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}', '{"a": {"gt_rect": [[1, 2]]}}'])
def test_other_json_is_no_annotation(tmp_path, text):
    (tmp_path / "VOT.json").write_text(text)
    with pytest.raises(InputError, match="not a VOT annotation"):
        read_vot_annotation(tmp_path / "VOT.json")
    with pytest.raises(InputError, match="no such annotation"):
        read_vot_annotation(tmp_path / "VOT.json.gz")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_swell_without_bound_are_refused(tmp_path, method):
    archive = _zip(tmp_path / "a.zip", {"a.txt": "1,2,3,4"}, compression=method)
    with pytest.raises(InputError, match=r"'a\.txt' is not deflated; pack it anew"):
        read_one_pass(archive)


@pytest.mark.parametrize("text", ["1,2,3,inf\n", "1,2,3,-1e999\n"])
def test_infinite_boxes_are_named(tmp_path, text):
    with pytest.raises(InputError, match=r"a\.txt, line 1: expected 4 numbers"):
        read_one_pass(_write(tmp_path, {"a.txt": text}))


@pytest.mark.parametrize(
    "change",
    [
        {"gt_rect": [1, 2, 3, 4]},
        {"gt_rect": [[1, 2, 3, 1e999]]},
        {"gt_rect": [[1, 2, 3, 10**400]]},
        {"width": 0},
        {"width": "wide"},
        {"occlusion": [1, 0, 1]},
        {"occlusion": [[1]]},
    ],
)
def test_annotations_of_another_shape_are_refused(tmp_path, change):
    entry = {"gt_rect": [[0, 0, 4, 4]], "width": 20, "height": 10} | change
    (tmp_path / "VOT.json").write_text(json.dumps({"ants1": entry}))
    with pytest.raises(InputError, match="not a VOT annotation"):
        read_vot_annotation(tmp_path / "VOT.json")


def test_a_gzip_that_is_damaged_inside_is_refused(tmp_path):
    content = bytearray(gzip.compress(json.dumps({"a": list(range(500))}).encode()))
    content[40:60] = b"\xff" * 20
    (tmp_path / "VOT.json.gz").write_bytes(content)
    with pytest.raises(InputError, match="not a VOT annotation"):
        read_vot_annotation(tmp_path / "VOT.json.gz")
