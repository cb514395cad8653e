import pytest
import torch
from torch import nn

from cfkd_core.models.atom import ARCHITECTURES, AtomNet, build_atom
from cfkd_core.models.backbones import BACKBONES, build_backbone
from cfkd_core.models.folding import fold


def seasoned(net):
    """A network whose BatchNorm has seen something: fresh statistics would hide a wrong folding."""
    generator = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (module.running_mean, module.bias.data):
                values.copy_(0.3 * torch.randn(values.shape, generator=generator))
            for values in (module.running_var, module.weight.data):
                values.copy_(0.5 + torch.rand(values.shape, generator=generator))
    return net.eval()


def norms(net):
    return sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in net.modules())


@pytest.mark.parametrize("name", BACKBONES)
@torch.no_grad()
def test_a_folded_backbone_has_the_same_features_and_no_batchnorm(name):
    torch.manual_seed(0)
    net = seasoned(AtomNet(build_backbone(name), None))
    folded = fold(net)
    assert norms(folded) == 0
    images = torch.rand(2, 3, 64, 64)
    for found, expected in zip(folded.backbone(images), net.backbone(images), strict=True):
        scale = float(expected.abs().max())
        torch.testing.assert_close(found, expected, atol=1e-5 * scale, rtol=0)


@pytest.mark.parametrize("name", ["matom", "atom_s", "mdrnet"])
@torch.no_grad()
def test_a_folded_network_judges_alike(name):
    torch.manual_seed(0)
    net = seasoned(build_atom(name))
    box = torch.tensor([[10.0, 10, 20, 30]])
    images = torch.rand(2, 1, 3, 64, 64)
    found, expected = (
        each(images[0], box, images[1], box[:, None])[0] for each in (fold(net), net)
    )
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_folding_leaves_the_network_as_it_was():
    net = seasoned(build_atom("atom_t"))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    layers = norms(net)
    for parameter in fold(net).parameters():
        parameter.zero_()
    assert norms(net) == layers
    assert all(parameter.requires_grad for parameter in net.parameters())
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_the_architecture_is_the_same():
    assert fold(build_atom("mdrnet").eval()).architecture == ARCHITECTURES["mdrnet"]


def test_what_is_folded_may_be_folded_again():
    head = seasoned(build_atom("atom_t")).iou_head
    once = fold(head)
    for twice, tensor in zip(fold(once).parameters(), once.parameters(), strict=True):
        assert torch.equal(twice, tensor)


def test_a_network_in_training_is_refused():
    with pytest.raises(ValueError, match="training mode"):
        fold(build_atom("atom_t"))
