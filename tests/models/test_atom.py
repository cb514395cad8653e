"""Networks by name."""

import pytest
import torch

from cfkd_core.errors import InputError
from cfkd_core.models import atom
from cfkd_core.models.atom import ARCHITECTURES, AtomNet, AtomOutput, DrnetOutput, build_atom
from cfkd_core.models.backbones import build_backbone

BOX = torch.tensor([[10.0, 10, 20, 30]])


@pytest.mark.parametrize(
    ("name", "output"), [("matom", AtomOutput), ("atom_t", AtomOutput), ("mdrnet", DrnetOutput)]
)
def test_a_network_judges_proposals_and_shows_its_features(name, output):
    net = build_atom(name).eval()
    patches = torch.rand(2, 1, 3, 64, 64)
    with torch.no_grad():
        result = net(patches[0], BOX, patches[1], BOX[:, None])
    assert isinstance(result, output)
    assert result[0].shape[:2] == (1, 1)
    torch.testing.assert_close(result.search.block4, net.backbone(patches[1]).block4)
    torch.testing.assert_close(result.target.block1, net.backbone(patches[0]).block1)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_network_knows_what_it_was_built_from(name):
    assert build_atom(name).architecture == ARCHITECTURES[name]


def test_a_backbone_alone_is_a_network_that_judges_nothing():
    net = AtomNet(build_backbone("mobilenet_v2"), None)
    assert atom.build(net.architecture).iou_head is None
    with pytest.raises(InputError, match="backbone alone"):
        net(torch.rand(1, 3, 64, 64), BOX, torch.rand(1, 3, 64, 64), BOX[:, None])


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"'siamfc': unknown.*matom"):
        build_atom("siamfc")
