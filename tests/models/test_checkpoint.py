"""Checkpoints, honest and hostile: nothing that a file asks for may run."""

import collections
import contextlib
import os
import pickle
import random
import re
import struct
import sys
import zipfile

import numpy as np
import pytest
import torch

from cfkd_core.errors import InputError
from cfkd_core.models import checkpoint
from cfkd_core.models.checkpoint import Unread

FORMATS = {"zip": True, "legacy": False}


@pytest.fixture(params=FORMATS)
def new_format(request):
    return FORMATS[request.param]


class Settings:
    """Stands for the pickled settings of the original trainer."""

    def __init__(self):
        self.module = "bbreg"


def make_net(width):
    return Settings()


class Asks:
    """Pickles as a call of `function` with `arguments`, then a state for the result."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments) + ((state,) if state is not None else ())

    def __reduce__(self):
        return self.call


def save(content, path, new_format=True):
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    return path


def zip_with(path, program):
    """A checkpoint in torch's zip format around any pickle, its words in the form torch reads."""
    program = re.sub(
        rb"S'([^']*)'\n",
        lambda word: b"X" + struct.pack("<I", len(word[1])) + word[1],
        program,
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", "3\n")
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
        assert checkpoint.is_plain(stored[name])
        torch.testing.assert_close(stored[name].detach(), tensor.detach())


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
        "constructor": Asks(make_net, 64, state={"depth": 3}),
        "lr": np.float64(0.1),
    }
    read = checkpoint.read(save(content, tmp_path / "ep0003.pth.tar", new_format))
    assert read["epoch"] == 3
    assert read["stats"] == {"loss": [0.5, 0.25]}
    assert read["names"] == {"a", "b"}
    assert set(read["optimizer"]) == {"state", "param_groups"}
    assert isinstance(read["settings"], Unread)
    assert isinstance(read["constructor"], Unread)
    torch.testing.assert_close(read["net"]["weight"], net.weight.detach())


# --- what a hostile file asks for


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
    path = save(content, tmp_path / "evil.pth", new_format)
    if name in ("hub", "open"):  # of no module that is refused: what they would give is not read
        assert isinstance(checkpoint.read(path)["settings"], Unread)
    else:
        with pytest.raises(
            InputError, match=r"evil\.pth: not a torch checkpoint, or damaged"
        ) as error:
            checkpoint.read(path)
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 400
    assert not marker.exists()


PROGRAMS = {
    "global and reduce": b"cos\nsystem\n(S'touch %s'\ntR.",
    "inst": b"(S'touch %s'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'touch %s'\no.",
    "newobj": b"\x80\x02cos\nsystem\n(S'touch %s'\nt\x81.",
    "newobj_ex": b"\x80\x04cos\nsystem\n(S'touch %s'\nt}\x92.",
    "stack_global": b"\x80\x04\x8c\x02os\x8c\x06system\x93(S'touch %s'\ntR.",
    "build a function": b"ccfkd_core.models.checkpoint\nread\n(}S'__defaults__'\n(S'%s'\ntstb.",
    "build a class": b"ccfkd_core.models.checkpoint\nUnread\n(N}S'evil'\nS'%s'\nstb.",
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
    assert not hasattr(Unread, "evil")


def test_a_named_module_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "cfkd_trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    path = zip_with(tmp_path / "evil.pth", b"}S'net'\nccfkd_trap\nthing\n)Rs.")
    assert isinstance(checkpoint.read(path)["net"], Unread)
    assert "cfkd_trap" not in sys.modules


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


def test_damage_ends_in_an_input_error_and_nothing_else(new_format, tmp_path):
    """Every truncation, and many seeded changes of one to four bytes."""
    path = tmp_path / "x.pth"
    content = {"net": torch.arange(4.0), "settings": Settings(), "epoch": 5}
    honest = save(content, path, new_format).read_bytes()
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
            checkpoint.read(path)
