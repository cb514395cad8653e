"""The networks that turn a patch into features, each cut after block 4."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfkd_core import paths
from cfkd_core._compat import torchvision
from cfkd_core.errors import InputError
from cfkd_core.models import tensor_file
from cfkd_core.models.pyramid import Pyramid

BasicBlock: TypeAlias = torchvision.models.resnet.BasicBlock
Bottleneck: TypeAlias = torchvision.models.resnet.Bottleneck
InvertedResidual: TypeAlias = torchvision.models.mobilenetv2.InvertedResidual

# What torchvision's ImageNet weights were trained with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Backbone(nn.Module):
    """Four blocks in a row, at strides 2, 4, 8 and 16.

    Attributes:
        name: its key in `BACKBONES`.
        channels: of the four maps.
        torchvision_names: prefix of our parameters -> prefix of the same in torchvision.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        channels: tuple[int, int, int, int],
        blocks: tuple[nn.Sequential, nn.Sequential, nn.Sequential, nn.Sequential],
        torchvision_names: dict[str, str],
    ) -> None:
        super().__init__()
        self.name = name
        self.channels = channels
        self.torchvision_names = torchvision_names
        self.block1, self.block2, self.block3, self.block4 = blocks
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)
        self.apply(_initialise)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Pyramid:
        """Features of RGB images in [0, 1]; the normalisation happens here."""
        block1 = self.block1((images - self.mean) / self.std)
        block2 = self.block2(block1)
        block3 = self.block3(block2)
        return Pyramid(block1, block2, block3, self.block4(block3))


def _initialise(module: nn.Module) -> None:
    """Kaiming's normal for convolutions, as in torchvision; BatchNorm starts as 1 and 0 anyway."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def residual_stage(
    block: type[BasicBlock] | type[Bottleneck], inputs: int, width: int, depth: int, stride: int
) -> nn.Sequential:
    """`depth` residual blocks; the first has the stride and, where shapes differ, a projection."""
    outputs = width * block.expansion
    projection = None
    if stride != 1 or inputs != outputs:
        projection = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
        )
    rest = (block(outputs, width) for _ in range(depth - 1))
    return nn.Sequential(block(inputs, width, stride, projection), *rest)


def _resnet(
    name: str,
    block: type[BasicBlock] | type[Bottleneck] = BasicBlock,
    depths: tuple[int, int, int] = (2, 2, 2),
    width: int = 64,
) -> Backbone:
    """ResNet to its third stage. The thesis's m, s and t have a half, a quarter, an eighth of 64.

    Source: He et al., Deep Residual Learning (CVPR 2016), table 1; The original,
        exactly, sections 1.1, 1.5 and 2.3.
    """
    channels = (width, *(width * factor * block.expansion for factor in (1, 2, 4)))
    stem = nn.Sequential(
        nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )
    block2 = nn.Sequential(
        nn.MaxPool2d(3, 2, 1), residual_stage(block, width, width, depths[0], stride=1)
    )
    block3 = residual_stage(block, channels[1], 2 * width, depths[1], stride=2)
    block4 = residual_stage(block, channels[2], 4 * width, depths[2], stride=2)
    names = {
        "block1.0.": "conv1.",
        "block1.1.": "bn1.",
        "block2.1.": "layer1.",
        "block3.": "layer2.",
        "block4.": "layer3.",
    }
    return Backbone(name, channels, (stem, block2, block3, block4), names)


# (expansion t, channels, repeats, stride of the first) of each group, by block.
_MOBILENET_GROUPS = (
    ((1, 16, 1, 1), (6, 24, 2, 2)),
    ((6, 32, 3, 2),),
    ((6, 64, 4, 2),),
)


def _inverted_residuals(
    inputs: int, groups: tuple[tuple[int, int, int, int], ...]
) -> nn.Sequential:
    """The inverted residual blocks of `groups`, each (expansion, channels, repeats, stride)."""
    layers = []
    for expansion, channels, repeats, stride in groups:
        for index in range(repeats):
            first_stride = stride if index == 0 else 1
            layers.append(InvertedResidual(inputs, channels, first_stride, expansion))
            inputs = channels
    return nn.Sequential(*layers)


def _mobilenet_v2(
    name: str, groups: tuple[tuple[tuple[int, int, int, int], ...], ...] = _MOBILENET_GROUPS
) -> Backbone:
    """MobileNetV2 to torchvision's features[10]; its blocks 2 to 4 end without an activation.

    Source: Sandler et al., MobileNetV2 (CVPR 2018), table 2; The original, exactly, section 2.1.
    Differs: the text of the thesis's Fig. 3.5 goes on to the 96-channel group (features[13]);
        that cut is `mobilenet_v2_c96` (The original, exactly, section 2.6, item 19).
    """
    stem_channels = 32
    stem = torchvision.ops.Conv2dNormActivation(
        3, stem_channels, stride=2, activation_layer=nn.ReLU6
    )
    width2, width3, width4 = (block_groups[-1][1] for block_groups in groups)
    channels = (stem_channels, width2, width3, width4)
    block2, block3, block4 = map(_inverted_residuals, channels[:3], groups)
    names, feature = {"block1.": "features.0."}, 1
    for number, block in enumerate((block2, block3, block4), start=2):
        for index in range(len(block)):
            names[f"block{number}.{index}."] = f"features.{feature}."
            feature += 1
    return Backbone(name, channels, (stem, block2, block3, block4), names)


_C96_GROUPS = (*_MOBILENET_GROUPS[:2], ((6, 64, 4, 2), (6, 96, 3, 1)))

BACKBONES: dict[str, Callable[[], Backbone]] = {
    "resnet18": partial(_resnet, "resnet18"),
    "resnet50": partial(_resnet, "resnet50", Bottleneck, (3, 4, 6)),
    "resnet18_m": partial(_resnet, "resnet18_m", width=32),
    "resnet18_s": partial(_resnet, "resnet18_s", width=16),
    "resnet18_t": partial(_resnet, "resnet18_t", width=8),
    "mobilenet_v2": partial(_mobilenet_v2, "mobilenet_v2"),
    "mobilenet_v2_c96": partial(_mobilenet_v2, "mobilenet_v2_c96", _C96_GROUPS),
}

# The recipes of the original trackers' day; torchvision's newer V2 weights came later.
_OFFICIAL = {
    "resnet18": torchvision.models.ResNet18_Weights.IMAGENET1K_V1,
    "resnet50": torchvision.models.ResNet50_Weights.IMAGENET1K_V1,
    "mobilenet_v2": torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1,
    "mobilenet_v2_c96": torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1,
}

SHIPPED = {"mobilenet_v2": paths.WEIGHTS / "mobilenet_v2_imagenet.safetensors"}
"""ImageNet trunks that come with the project."""


def build_backbone(name: str) -> Backbone:
    """A backbone with random weights, from torch's global generator.

    Raises:
        InputError: if there is none of that name.

    Source: initialisation of torchvision's ResNet and MobileNetV2; The original,
        exactly, section 2.1.
    """
    if name not in BACKBONES:
        raise InputError(f"backbone {name!r}: unknown; choose one of {', '.join(BACKBONES)}")
    return BACKBONES[name]()


def imagenet_backbone(name: str, file: Path | None = None) -> Backbone:
    """A backbone with weights trained on ImageNet, in `eval` mode.

    The weights come from `file`, else from the trunk that ships with the project, else from
    torchvision (its cache, or the network).

    Args:
        file: `.pth` or `.safetensors` in torchvision's parameter names.

    Raises:
        InputError: if nobody has trained this backbone on ImageNet, the weights cannot be had, or
            they are not this backbone's.
    """
    backbone = build_backbone(name)
    if name not in _OFFICIAL:
        raise InputError(
            f"backbone {name}: has no ImageNet weights; choose one of {', '.join(_OFFICIAL)}, "
            "or train it from random weights (build_backbone)"
        )
    source = file or SHIPPED.get(name)
    state = tensor_file.read(Path(source)) if source else _download(name)
    _load_torchvision_state(backbone, state, source or _OFFICIAL[name].url)
    return backbone.eval()


def _download(name: str) -> Mapping[str, Tensor]:
    """torchvision's own weights, from its cache or from the network."""
    weights = _OFFICIAL[name]
    try:
        return weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"backbone {name}: its ImageNet weights cannot be downloaded ({error}); "
            f"fetch {weights.url} by other means and pass its path as file="
        ) from None


def _load_torchvision_state(
    backbone: Backbone, state: Mapping[str, Tensor], origin: Path | str
) -> None:
    """Copies the parameters that the backbone has; those of later layers are left alone."""
    own = {}
    for key, tensor in backbone.state_dict().items():
        prefix = next(name for name in backbone.torchvision_names if key.startswith(name))
        theirs = backbone.torchvision_names[prefix] + key.removeprefix(prefix)
        # Files older than torch 0.4.1 do not count batches; nothing here reads the count.
        found = state.get(theirs, tensor if key.endswith("num_batches_tracked") else None)
        if found is None:
            raise InputError(f"{origin}: not weights of {backbone.name}: {theirs} is missing")
        if found.shape != tensor.shape:
            raise InputError(
                f"{origin}: not weights of {backbone.name}: {theirs} has shape "
                f"{tuple(found.shape)}, expected {tuple(tensor.shape)}"
            )
        own[key] = found
    backbone.load_state_dict(own)
