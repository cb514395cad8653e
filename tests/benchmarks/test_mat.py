"""MATLAB files: what scipy writes is read, and what would fill the memory is not."""

import io
import struct
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from cfkd_core.benchmarks import mat
from cfkd_core.errors import InputError

HEAD = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x100) + b"IM"


def saved(**variables):
    file = io.BytesIO()
    savemat(file, variables.pop("variables"), **variables)
    return file.getvalue()


def cell_of(*values):
    cell = np.empty((1, len(values)), dtype=object)
    for place, value in enumerate(values):
        cell[0, place] = value
    return cell


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8"])
def test_numbers_of_every_kind(packed, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    found = mat.read(saved(variables={"a": values}, do_compression=packed), "x.mat")
    np.testing.assert_array_equal(found["a"], values)
    assert found["a"].dtype == float


def test_cells_structs_and_texts():
    one, two = {"res": np.ones((2, 4)), "type": "rect"}, {"res": np.zeros((1, 4)), "type": "é"}
    content = saved(variables={"cell": cell_of(one, "Jogging"), "struct": one, "empty": cell_of()})
    found = mat.read(content, "x.mat")
    assert found["cell"][1] == "Jogging"
    assert found["cell"][0]["type"] == found["struct"]["type"] == "rect"
    np.testing.assert_array_equal(found["cell"][0]["res"], one["res"])
    assert found["empty"] == []
    assert mat.read(saved(variables={"struct": two}), "x.mat")["struct"]["type"] == "é"
    several = np.array([(1.0, 2.0), (3.0, 4.0)], dtype=[("a", "f8"), ("b", "f8")])
    found = mat.read(saved(variables={"several": several}), "x.mat")
    assert [(e["a"].item(), e["b"].item()) for e in found["several"]] == [(1, 2), (3, 4)]


def test_what_is_neither_is_nothing():
    import scipy.sparse

    content = saved(variables={"sparse": scipy.sparse.csc_matrix(np.eye(3)), "a": np.eye(2)})
    assert mat.read(content, "x.mat")["a"].shape == (2, 2)


def test_the_toolkits_own_files_are_read_as_scipy_reads_them(shared):
    for path in (shared / "oracles" / "otb").glob("*.mat"):
        theirs = loadmat(path, simplify_cells=True)
        ours = mat.read(path.read_bytes(), path.name)
        assert set(ours) == {name for name in theirs if not name.startswith("__")}
        for name, value in ours.items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(np.squeeze(value), np.squeeze(theirs[name]))


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind, shape, *rest):
    """A matrix `a` of some class and shape around whatever follows."""
    flags = element(6, struct.pack("<II", kind, 0))
    sides = element(5, struct.pack(f"<{len(shape)}i", *shape))
    return element(14, flags + sides + element(1, b"a") + b"".join(rest))


def nested(depth):
    content = matrix(6, (1, 1), element(9, struct.pack("<d", 1)))
    for _ in range(depth):
        content = matrix(1, (1, 1), content)
    return content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "a MATLAB file of version 5"),
        (b"no mat file at all", "a MATLAB file of version 5"),
        (HEAD + nested(2000), "more than 8 deep"),
        (HEAD + matrix(6, (2**30, 2**30), element(9, bytes(8))), "with 1 numbers"),
        (HEAD + matrix(6, (-1, -1), element(9, bytes(8))), "with 1 numbers"),
        (HEAD + struct.pack("<II", 14, 2**31), f"an element of {2**31} bytes"),
        (HEAD + matrix(2, (2**30, 1)), "a struct without the names"),
        (HEAD + matrix(2, (1, 1), element(5, bytes(4)), element(1, b"res")), "with 0 letters"),
        (HEAD + matrix(1, (1, 1), element(9, bytes(8))), "type 9 in a cell"),
        (HEAD + matrix(6, (1, 1), element(99, bytes(8))), "numbers of type 99"),
        (HEAD + matrix(4, (1, 1), element(9, bytes(8))), "text of type 9"),
        (HEAD + element(15, b"no deflated bytes"), "incorrect header"),
    ],
)
def test_files_that_lie_are_refused(content, reason):
    with pytest.raises(InputError, match=f"x.mat: not a result of OTB's toolkit.*{reason}"):
        mat.read(content, "x.mat")


def test_a_bomb_is_not_unpacked():
    packed = zlib.compress(bytes(mat.MOST_BYTES + 1), 9)
    content = HEAD + struct.pack("<II", 15, len(packed)) + packed
    assert len(content) < 20_000
    with pytest.raises(InputError, match="swells beyond"):
        mat.read(content, "x.mat")
    half = zlib.compress(bytes(mat.MOST_BYTES // 2 + 8), 9)
    twice = HEAD + 2 * (struct.pack("<II", 15, len(half)) + half)
    with pytest.raises(InputError, match="swells beyond"):
        mat.read(twice, "x.mat")
