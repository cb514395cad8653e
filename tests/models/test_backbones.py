"""Backbones against torchvision's own forward, and their sizes to the digit."""

import pytest
import safetensors.torch
import torch

from cfkd_core._compat import torchvision
from cfkd_core.errors import InputError
from cfkd_core.models import backbones
from cfkd_core.models.backbones import BACKBONES, build_backbone, imagenet_backbone
from cfkd_core.models.pyramid import STRIDES


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


# The original, exactly, sections 1.1, 1.5, 2.1 and 2.3
SIZES = {
    "resnet18": 2_782_784,
    "resnet50": 8_543_296,
    "resnet18_m": 699_168,
    "resnet18_s": 176_528,
    "resnet18_t": 45_000,
    "mobilenet_v2": 239_360,
}


@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_parameters_are_counted_to_the_digit(name, size):
    assert parameters(build_backbone(name)) == size


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("resnet18", (9_536, 147_968, 525_568, 2_099_712)),
        ("mobilenet_v2", (928, 14_864, 39_696, 183_872)),
    ],
)
def test_blocks_are_cut_where_the_thesis_cuts_them(name, sizes):
    net = build_backbone(name)
    assert tuple(map(parameters, (net.block1, net.block2, net.block3, net.block4))) == sizes


@pytest.mark.parametrize("name", BACKBONES)
def test_maps_have_the_promised_channels_and_strides(name):
    net = build_backbone(name).eval()
    with torch.no_grad():
        pyramid = net(torch.rand(2, 3, 64, 96))
    for features, channels, stride in zip(pyramid, net.channels, STRIDES, strict=True):
        assert features.shape == (2, channels, 64 // stride, 96 // stride)


def normalised(images):
    mean, std = (
        torch.tensor(v)[:, None, None] for v in (backbones.IMAGENET_MEAN, backbones.IMAGENET_STD)
    )
    return (images - mean) / std


def resnet_maps(net, images):
    x = net.relu(net.bn1(net.conv1(normalised(images))))
    maps = [x]
    x = net.maxpool(x)
    for layer in (net.layer1, net.layer2, net.layer3):
        x = layer(x)
        maps.append(x)
    return maps


def mobilenet_maps(net, images, cuts):
    x, maps = normalised(images), []
    for index, layer in enumerate(net.features[: cuts[-1] + 1]):
        x = layer(x)
        if index in cuts:
            maps.append(x)
    return maps


def randomise_statistics(net):
    """Running statistics that a wrong name would betray."""
    for name, buffer in net.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)


@pytest.mark.parametrize(
    ("name", "make", "maps"),
    [
        ("resnet18", torchvision.models.resnet18, resnet_maps),
        ("resnet50", torchvision.models.resnet50, resnet_maps),
        (
            "mobilenet_v2",
            torchvision.models.mobilenet_v2,
            lambda net, images: mobilenet_maps(net, images, (0, 3, 6, 10)),
        ),
        (
            "mobilenet_v2_c96",
            torchvision.models.mobilenet_v2,
            lambda net, images: mobilenet_maps(net, images, (0, 3, 6, 13)),
        ),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_torchvision_file_gives_torchvisions_features(name, make, maps, suffix, tmp_path):
    reference = make().eval()
    randomise_statistics(reference)
    file = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(reference.state_dict(), file)
    else:
        safetensors.torch.save_file(reference.state_dict(), file)
    net = imagenet_backbone(name, file)
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        for ours, theirs in zip(net(images), maps(reference, images), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_initialisation_is_torchvisions():
    """Kaiming over the fan-out: variance 2 / (outputs * kernel area)."""
    torch.manual_seed(0)
    weight = build_backbone("resnet18").block4[1].conv2.weight
    assert weight.var().item() == pytest.approx(2 / (256 * 9), rel=0.02)
    assert weight.mean().item() == pytest.approx(0, abs=1e-4)


def test_the_shipped_trunk_is_the_trained_one(shared):
    ours = imagenet_backbone("mobilenet_v2")
    full = imagenet_backbone("mobilenet_v2", shared / "weights" / "mobilenet_v2_imagenet.pth")
    assert not ours.training
    images = torch.rand(1, 3, 288, 288, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for small, large in zip(ours(images), full(images), strict=True):
            assert (small - large).norm() < 0.005 * large.norm()


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"'resnet34': unknown.*mobilenet_v2"):
        build_backbone("resnet34")


def test_narrow_resnets_have_no_imagenet_weights():
    with pytest.raises(InputError, match="resnet18_s: has no ImageNet weights"):
        imagenet_backbone("resnet18_s")


def test_without_a_network_the_error_says_what_to_fetch(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", unreachable)
    with pytest.raises(InputError, match=r"fetch https://.*resnet18.*\.pth.*file="):
        imagenet_backbone("resnet18")


def test_another_networks_file_is_refused(tmp_path):
    file = tmp_path / "weights.pth"
    torch.save(torchvision.models.resnet18().state_dict(), file)
    with pytest.raises(InputError, match=r"not weights of resnet50: layer1\.0\.conv1\.weight has"):
        imagenet_backbone("resnet50", file)
    with pytest.raises(InputError, match=r"not weights of mobilenet_v2: features.*is missing"):
        imagenet_backbone("mobilenet_v2", file)
