"""Checkpoints, honest and hostile: nothing that a file asks for may run."""

import collections
import contextlib
import io
import os
import pickle
import random
import struct
import sys
import zipfile

import pytest
import torch

from cfkd_core.errors import InputError
from cfkd_core.models import checkpoint, pickle_machine
from cfkd_core.models.pickle_machine import Placeholder, StoredTensor

FORMATS = {"zip": True, "legacy": False}


@pytest.fixture(params=FORMATS)
def new_format(request):
    return FORMATS[request.param]


class Settings:
    """Stands for the pickled settings of the original trainer."""

    def __init__(self):
        self.module = "bbreg"


def save(content, path, new_format=True):
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    return path


def zip_with(path, program, storages=(), compression=zipfile.ZIP_STORED):
    """A checkpoint in torch's zip format around any pickle."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", program)
        for key, numbers in storages:
            archive.writestr(f"archive/data/{key}", numbers)
    return path


# --- what an honest file holds


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6.0).reshape(2, 3),
        torch.arange(6.0).reshape(2, 3).T,
        torch.arange(10.0)[3:7],
        torch.arange(4, dtype=torch.int64),
        torch.tensor(7),
        torch.rand(3).half(),
        torch.rand(3).bfloat16(),
        torch.tensor([True, False]),
        torch.empty(0, 3),
        torch.nn.Parameter(torch.rand(2)),
    ],
    ids=lambda tensor: f"{tensor.dtype}-{tuple(tensor.shape)}-{tensor.stride()}",
)
def test_tensors_come_back(tensor, new_format, tmp_path):
    path = save({"x": tensor, "same": tensor}, tmp_path / "x.pth", new_format)
    stored = checkpoint.read(path)
    for name in ("x", "same"):
        assert stored[name].shape == tuple(tensor.shape)
        torch.testing.assert_close(stored[name].read(), tensor.detach())


def test_a_training_checkpoint_is_read_around_its_objects(new_format, tmp_path):
    net = torch.nn.Linear(2, 3)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.rand(4, 2)).sum().backward()
    optimizer.step()
    content = {
        "epoch": 3,
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "settings": Settings(),
        "stats": collections.OrderedDict(loss=[0.5, 0.25]),
        "device": torch.device("cpu"),
        "shape": torch.Size([1, 2]),
        "names": {"a", "b"},
    }
    read = checkpoint.read(save(content, tmp_path / "ep0003.pth.tar", new_format))
    assert read["epoch"] == 3
    assert read["stats"] == {"loss": [0.5, 0.25]}
    assert isinstance(read["settings"], Placeholder)
    torch.testing.assert_close(read["net"]["weight"].read(), net.weight.detach())


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_of_pickle_is_read(protocol, tmp_path):
    content = {"list": [1, 2.5, None, True, "é", b"\0", (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]}
    content["large"] = [10**30, -5, 300, 70_000]
    path = zip_with(tmp_path / "x.pth", pickle.dumps(content, protocol=protocol))
    read = checkpoint.read(path)
    assert read["large"] == content["large"]
    # before protocol 3, pickle writes bytes as a call of codecs.encode, and no call is made
    assert [value for value in read["list"] if not isinstance(value, Placeholder | bytes)] == [
        value for value in content["list"] if not isinstance(value, bytes)
    ]


# --- what a hostile file asks for


class Asks:
    """Pickles as a call of `function` with `arguments`, then a state for the result."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments) + ((state,) if state is not None else ())

    def __reduce__(self):
        return self.call


def demands(marker):
    """Objects that create the file `marker` when something gives in to them."""
    touch = f"open({str(marker)!r}, 'w').close()"
    return {
        "os.system": Asks(os.system, f"touch {marker}"),
        "eval": Asks(eval, touch),
        "exec": Asks(exec, touch),
        "getattr": Asks(getattr, Asks(__import__, "os"), "system"),
        "open": Asks(open, str(marker), "w"),
        "state": Asks(collections.OrderedDict, state={"x": Asks(exec, touch)}),
        "torch.load": Asks(torch.load, Asks(exec, touch)),
        "hub": Asks(torch.hub.load_state_dict_from_url, f"file://{marker}"),
        "nested": Asks(map, Asks(eval, "exec"), [touch]),
    }


@pytest.mark.parametrize("name", demands(""))
@pytest.mark.parametrize("place", ["net", "settings", "key"])
def test_no_demand_is_met(name, place, new_format, tmp_path):
    marker = tmp_path / "marker"
    demand = demands(marker)[name]
    content = {"net": {"x": torch.ones(2)}, "settings": demand}
    if place == "net":
        content["net"] = collections.OrderedDict(x=torch.ones(2), y=demand)
    if place == "key":
        content[(demand,)] = 1
    read = checkpoint.read(save(content, tmp_path / "evil.pth", new_format))
    torch.testing.assert_close(read["net"]["x"].read(), torch.ones(2))
    assert isinstance(read["settings"], Placeholder | dict)
    assert not marker.exists()


PROGRAMS = {
    "global and reduce": b"cos\nsystem\n(S'touch %s'\ntR.",
    "inst": b"(S'touch %s'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'touch %s'\no.",
    "newobj": b"\x80\x02cos\nsystem\n(S'touch %s'\nt\x81.",
    "newobj_ex": b"\x80\x04cos\nsystem\n(S'touch %s'\nt}\x92.",
    "stack_global": b"\x80\x04\x8c\x02os\x8c\x06system\x93(S'touch %s'\ntR.",
    "build a function": b"ccfkd_core.models.checkpoint\nread\n(}S'__defaults__'\n(S'%s'\ntstb.",
    "build a class": b"ccfkd_core.models.pickle_machine\nStorage\n(N}S'evil'\nS'%s'\nstb.",
    "append to a module's list": b"csys\npath\nS'%s'\na.",
    "setitem in a module's dict": b"cos\nenviron\nS'CFKD_EVIL'\nS'%s'\ns.",
    "codecs": b"ccodecs\nencode\n(S'%s'\nS'rot13'\ntR.",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_opcode_reaches_the_interpreter(name, tmp_path):
    marker = tmp_path / "marker"
    program = PROGRAMS[name].replace(b"%s", str(marker).encode())
    path = zip_with(tmp_path / "evil.pth", b"}S'net'\n" + program[:-1] + b"s.")
    before = (list(sys.path), dict(os.environ), checkpoint.read.__defaults__)
    with contextlib.suppress(InputError):
        assert set(checkpoint.read(path)) <= {"net"}
    assert not marker.exists()
    assert before == (list(sys.path), dict(os.environ), checkpoint.read.__defaults__)
    assert not hasattr(pickle_machine.Storage, "evil")


def test_a_named_module_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "cfkd_trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    path = zip_with(tmp_path / "evil.pth", b"}S'net'\nccfkd_trap\nthing\n)Rs.")
    assert isinstance(checkpoint.read(path)["net"], Placeholder)
    assert "cfkd_trap" not in sys.modules


@pytest.mark.parametrize("text", [rb"S'a\.b'", rb"S'\ '"])
def test_an_escape_that_there_is_not_is_refused(tmp_path, text):
    """Of which Python only warns."""
    path = zip_with(tmp_path / "evil.pth", b"}S'net'\n" + text + b"\ns.")
    with pytest.raises(InputError, match=r"its pickle is broken: .*invalid escape"):
        checkpoint.read(path)


def test_keys_that_would_hash_for_ever_are_left_out(tmp_path):
    program = b"}(I1\nI1\n\x86" + b"2\x86" * 200 + b"I1\nS'net'\nI2\nu."
    assert checkpoint.read(zip_with(tmp_path / "evil.pth", program)) == {"net": 2}


# --- sizes that lie


def tensor_program(length=4, offset=0, shape=(4,), stride=(1,), kind="FloatStorage", key="0"):
    """A dict with one tensor `x` whose sizes are any."""

    def number(value):
        return f"I{value}\n".encode() if isinstance(value, int) else value

    def numbers(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = f"(S'storage'\nctorch\n{kind}\nS'{key}'\nS'cpu'\n".encode() + number(length) + b"tQ"
    arguments = storage + number(offset) + numbers(shape) + numbers(stride) + b"I00\n}"
    return b"}S'x'\nctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tRs."


FLOATS = (("0", bytes(16)),)


def test_a_tensor_made_by_hand_is_read(tmp_path):
    path = zip_with(tmp_path / "x.pth", tensor_program(), FLOATS)
    torch.testing.assert_close(checkpoint.read(path)["x"].read(), torch.zeros(4))


LIES = {
    "reaches past its storage by its offset": {"offset": 1},
    "reaches past its storage by its stride": {"shape": (2,), "stride": (4,)},
    "has more numbers than its storage": {"shape": (10**6, 10**6), "stride": (0, 0)},
    "has a huge stride": {"shape": (2,), "stride": (2**62,)},
    "has a negative size": {"shape": (-4,)},
    "has a negative stride": {"stride": (-1,), "offset": 3},
    "has a negative offset": {"offset": -1},
    "has fewer strides than sides": {"shape": (2, 2)},
    "has a size that is no number": {"shape": (b"S'4'\n",)},
    "has a storage of a negative length": {"length": -4},
    "has a storage longer than its entry": {"length": 5},
    "has a storage of two terabytes": {"length": 2**39},
    "has a storage without an entry": {"key": "../../../etc/passwd"},
    "has a storage of an unknown type": {"kind": "EvilStorage"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_tensor_whose_sizes_lie_is_refused(lie, tmp_path):
    path = zip_with(tmp_path / "x.pth", tensor_program(**LIES[lie]), FLOATS)
    with pytest.raises(InputError):
        checkpoint.read(path)["x"].read()


def test_a_compressed_zip_is_refused(tmp_path):
    """torch stores without compression; a bomb cannot do without it."""
    bomb = (("0", bytes(10**7)),)
    path = zip_with(tmp_path / "x.pth", tensor_program(), bomb, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**5
    with pytest.raises(InputError, match="compressed"):
        checkpoint.read(path)


def test_entries_that_declare_more_than_2_gb_are_refused(tmp_path):
    path = zip_with(tmp_path / "x.pth", tensor_program(), FLOATS)
    content = bytearray(path.read_bytes())
    # both sizes of the last entry in the central directory
    struct.pack_into("<II", content, content.rindex(b"PK\x01\x02") + 20, 2**31, 2**31)
    path.write_bytes(content)
    with pytest.raises(InputError, match="declare more than 2 GB"):
        checkpoint.read(path)


def test_a_pickle_larger_than_any_network_needs_is_refused(tmp_path):
    path = zip_with(tmp_path / "x.pth", b"}" + b"0}" * 2**21 + b".")
    with pytest.raises(InputError, match="larger than 4 MiB"):
        checkpoint.read(path)


# --- damage


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x80\x02}q\x00.", b"PK\x03\x04", pickle.dumps({"net": 1}), b"\0" * 9],
    ids=repr,
)
def test_what_is_no_checkpoint_is_refused(content, tmp_path):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.pth: not a torch checkpoint"):
        checkpoint.read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such checkpoint"):
        checkpoint.read(tmp_path / "absent.pth")


def test_a_checkpoint_that_is_no_dict_is_refused(new_format, tmp_path):
    path = save([torch.ones(2)], tmp_path / "x.pth", new_format)
    with pytest.raises(InputError, match="expected a dict"):
        checkpoint.read(path)


def read_all(path):
    for value in checkpoint.read(path).values():
        if isinstance(value, StoredTensor):
            value.read()


def test_damage_ends_in_an_input_error_and_nothing_else(new_format, tmp_path):
    """Every truncation, and many seeded changes of one to four bytes."""
    buffer = io.BytesIO()
    content = {"net": torch.arange(4.0), "settings": Settings(), "epoch": 5}
    torch.save(content, buffer, _use_new_zipfile_serialization=new_format)
    honest, path = buffer.getvalue(), tmp_path / "x.pth"
    chance = random.Random(0)
    damaged = [honest[:end] for end in range(0, len(honest), 7)]
    for _ in range(400):
        changed = bytearray(honest)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        damaged.append(bytes(changed))
    for content in damaged:
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            read_all(path)
