import re
import shutil

import numpy as np
import pytest

import cfkd_core
from cfkd_core import paths
from cfkd_core.errors import InputError
from cfkd_core.models import backbones, weights
from cfkd_core.models.atom import ARCHITECTURES, Architecture, AtomNet, build, build_atom
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.tracking.atom import ATOM, MATOM, MATOM_TUNED, AtomTracker
from cfkd_core.tracking.drnet import DRNET, MDRNET, DrnetTracker
from cfkd_core.tracking.load import TRACKERS, tracker_for, trained
from cfkd_core.tracking.tracker import Tracker

# Where no weights of theirs ship, the teachers' backbones need a network or a file.
SHIPPED = [name for name in TRACKERS if name not in ("atom", "drnet") or name in trained()]

CARD = {"origin": "a test", "licence": "MIT"}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_tracker_follows_a_disc(name):
    """A textured disc on a plain ground, 2 px a frame: nobody may lose it."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:32, :32] - 15.5
    disc = (rows**2 + columns**2 < 15**2)[..., None]
    frames = []
    for t in range(8):
        frame = np.full((120, 160, 3), 128, np.uint8)
        x = 40 + 2 * t
        frame[44:76, x : x + 32] = np.where(disc, texture, frame[44:76, x : x + 32])
        frames.append(frame)
    tracker = cfkd_core.load_tracker(name, seed=1)
    assert isinstance(tracker, Tracker)
    assert tracker.name == name
    tracker.init(frames[0], np.array([40.0, 44, 32, 32]))
    for frame in frames[1:]:
        prediction = tracker.update(frame)
    # MIL draws from a state of the whole process, which no seed resets
    np.testing.assert_allclose(prediction.box, [54, 44, 32, 32], atol=20 if name == "mil" else 6)
    assert prediction.status == "normal"
    assert tracker.card["seed"] == 1


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(
        InputError,
        match=r"tracker siamfc: choose one of atom, matom, drnet, mdrnet, classifier, mosse",
    ):
        cfkd_core.load_tracker("siamfc")


@pytest.mark.parametrize(
    ("architecture", "options", "channels"),
    [
        (Architecture("resnet18", "iou", 256), ATOM, 64),
        (Architecture("mobilenet_v2", "iou", 64), MATOM, 32),
        # not halved in the code: The original, exactly, section 2.4
        (Architecture("resnet18_m", "iou", 128), ATOM, 64),
        (Architecture("resnet18_t", "iou", 32), MATOM, 32),
        (Architecture("resnet18", "box", 256), DRNET, 64),
        (Architecture("mobilenet_v2_c96", "box", 64), MDRNET, 32),
    ],
)
def test_the_options_follow_from_the_network(architecture, options, channels):
    tracker = tracker_for(build(architecture), "mine", seed=2)
    assert isinstance(tracker, DrnetTracker if architecture.head == "box" else AtomTracker)
    assert tracker.options == options
    assert tracker.options.classifier.channels == channels
    assert (tracker.name, tracker.seed) == ("mine", 2)


def test_a_network_tracks_as_its_card_says_whatever_its_name(tmp_path):
    net = build_atom("matom").eval()
    weights.save(net, tmp_path / "mine.safetensors", CARD | {"tracker": "tuned"})
    weights.save(net, tmp_path / "matom.safetensors", CARD | {"name": "cfkd"})
    for name in ("matom", "atom"):
        options = [
            cfkd_core.load_tracker(name, weights=tmp_path / f"{each}.safetensors").options
            for each in ("mine", "matom")
        ]
        assert options == [MATOM_TUNED, MATOM]


def test_a_card_of_an_earlier_version_is_read_by_the_name_in_it(tmp_path):
    weights.save(
        build_atom("matom").eval(), tmp_path / "mine.safetensors", CARD | {"name": "matom"}
    )
    tracker = cfkd_core.load_tracker("cfkd", weights=tmp_path / "mine.safetensors")
    assert tracker.options == MATOM_TUNED


def test_a_backbone_alone_tracks_by_a_preset():
    net = AtomNet(imagenet_backbone("mobilenet_v2"), None)
    assert tracker_for(net, "any").options == MATOM
    assert tracker_for(net, "any", preset="tuned").options == MATOM_TUNED
    assert tracker_for(net, "any", preset="drnet").options == MDRNET
    assert cfkd_core.load_tracker("mdrnet").options == MDRNET
    with pytest.raises(InputError, match="options 'mine': choose one of thesis, tuned, drnet"):
        tracker_for(net, "any", preset="mine")


def test_trained_networks_are_trackers_by_the_name_of_their_file(tmp_path, monkeypatch):
    monkeypatch.setattr("cfkd_core.paths.WEIGHTS", tmp_path)
    weights.save(build_atom("atom_t").eval(), tmp_path / "cfkd-tiny.safetensors", CARD)
    teacher = Architecture("resnet18", "box", 16)
    weights.save(build(teacher).eval(), tmp_path / "drnet.safetensors", CARD)
    assert trained() == ("cfkd-tiny", "drnet")
    tiny, drnet = cfkd_core.load_tracker("cfkd-tiny"), cfkd_core.load_tracker("drnet")
    assert tiny.net.architecture == ARCHITECTURES["atom_t"]
    assert isinstance(tiny, AtomTracker)
    assert drnet.net.architecture == teacher  # whatever backbone the thesis's DRNet has
    assert isinstance(drnet, DrnetTracker)
    with pytest.raises(InputError, match=r"tracker siamfc: choose one of .*, cfkd-tiny$"):
        cfkd_core.load_tracker("siamfc")


def test_the_classifier_is_the_trunk_without_a_head():
    tracker = cfkd_core.load_tracker("classifier")
    assert tracker.net.iou_head is None
    assert tracker.options == MATOM_TUNED


def test_a_network_may_have_another_name(tmp_path, monkeypatch):
    monkeypatch.setattr("cfkd_core.paths.WEIGHTS", tmp_path)
    weights.save(build_atom("matom").eval(), tmp_path / "cfkd.safetensors", CARD)
    assert trained() == ("cfkd", "matom-thesis")
    found, named = cfkd_core.load_tracker("cfkd"), cfkd_core.load_tracker("matom-thesis")
    assert named.name == "matom-thesis"
    assert named.card == found.card


def test_other_weights_bring_their_own_architecture(tmp_path):
    file = tmp_path / "other.safetensors"
    weights.save(build_atom("mdrnet").eval(), file, CARD)
    tracker = cfkd_core.load_tracker("matom", weights=file)
    assert isinstance(tracker, DrnetTracker)
    assert tracker.name == "matom"


def test_only_networks_take_weights(tmp_path):
    with pytest.raises(InputError, match="takes no weights"):
        cfkd_core.load_tracker("csrt", weights=tmp_path / "x.pth")


def test_an_imported_checkpoint_tracks_with_its_head(shared):
    weights = shared / "oracles" / "atom" / "matom_random_state.pth"
    tracker = cfkd_core.load_tracker("matom", weights=weights)
    assert tracker.net.iou_head is not None
    assert tracker.card["weights"] != cfkd_core.load_tracker("matom").card["weights"]


@pytest.mark.parametrize(
    ("tracker", "file"), [("atom", "atom"), ("classifier", "mobilenet_v2_imagenet")]
)
def test_weights_that_have_gone_are_not_replaced_in_silence(tracker, file, tmp_path, monkeypatch):
    folder = shutil.copytree(paths.WEIGHTS, tmp_path / "weights")
    (folder / f"{file}.safetensors").unlink()
    monkeypatch.setattr("cfkd_core.paths.WEIGHTS", folder)
    trunk = folder / "mobilenet_v2_imagenet.safetensors"
    monkeypatch.setitem(backbones.SHIPPED, "mobilenet_v2", trunk)
    remedy = re.escape(f"{file}.safetensors: no such weights file; {paths.RESTORE}")
    with pytest.raises(InputError, match=remedy):
        cfkd_core.load_tracker(tracker)


def test_damaged_weights_say_how_to_get_them_back(tmp_path, monkeypatch):
    folder = shutil.copytree(paths.WEIGHTS, tmp_path / "weights")
    monkeypatch.setattr("cfkd_core.paths.WEIGHTS", folder)
    with (folder / "matom.safetensors").open("ab") as file:
        file.write(b"0")
    with pytest.raises(InputError, match=rf"matom.safetensors: .*{re.escape(paths.RESTORE)}$"):
        cfkd_core.load_tracker("matom")
