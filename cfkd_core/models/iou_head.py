"""IoUNet: how well does each proposal overlap the target?"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfkd_core.models.pyramid import STRIDES, Pyramid
from cfkd_core.ops import prroi_pool

_STRIDE3, _STRIDE4 = STRIDES[2], STRIDES[3]


class Modulation(NamedTuple):
    """What the target looks like: one factor for each channel of the search features."""

    level3: Float[Tensor, "b c"]
    level4: Float[Tensor, "b c"]


class SearchFeatures(NamedTuple):
    """What lies in the search patch; computed once a frame, whatever the proposals."""

    level3: Float[Tensor, "b c h3 w3"]
    level4: Float[Tensor, "b c h4 w4"]


def _conv(inputs: int, outputs: int, kernel: int, padding: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _linear(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True))


class Pooled(NamedTuple):
    """What lies under each proposal."""

    level3: Float[Tensor, "b p c 5 5"]
    level4: Float[Tensor, "b p c 3 3"]


class ProposalHead(nn.Module):
    """Compares boxes of the search patch with the target: `outputs` numbers for each proposal.

    The target is summed up in two vectors; the search features under each proposal are pooled,
    multiplied by them channel by channel, and judged by two linear layers.

    Attributes:
        width: channels of the search features.
        fc3, fc4: on the proposals pooled to 5 x 5 cells of block 3 and 3 x 3 of block 4.

    Source: Danelljan et al., ATOM (CVPR 2019), Fig. 3; The original, exactly,
        sections 1.2, 1.5 and 2.2.
    """

    def __init__(self, channels3: int, channels4: int, width: int, outputs: int) -> None:
        super().__init__()
        self.width = width
        half = width // 2
        self.target_conv3 = _conv(channels3, half, kernel=3, padding=1)
        self.target_vector3 = _conv(half, width, kernel=3, padding=0)
        self.target_conv4 = _conv(channels4, width, kernel=3, padding=1)
        self.modulate3 = _conv(2 * width, width, kernel=1, padding=0)
        self.modulate4 = _conv(2 * width, width, kernel=1, padding=0)
        self.search_conv3 = nn.Sequential(
            _conv(channels3, width, kernel=3, padding=1), _conv(width, width, kernel=3, padding=1)
        )
        self.search_conv4 = nn.Sequential(
            _conv(channels4, width, kernel=3, padding=1), _conv(width, width, kernel=3, padding=1)
        )
        self.fc3 = _linear(width * 5 * 5, width)
        self.fc4 = _linear(width * 3 * 3, width)
        self.output = nn.Linear(2 * width, outputs)
        self.apply(_initialise)

    def modulation(self, target: Pyramid, target_box: Float[Tensor, "b 4"]) -> Modulation:
        """Sums up the target.

        Args:
            target: features of the target patch.
            target_box: px of the target patch.
        """
        box = target_box[:, None]
        pooled3 = prroi_pool(self.target_conv3(target.block3), box, 3, _STRIDE3)[:, 0]
        pooled4 = prroi_pool(self.target_conv4(target.block4), box, 1, _STRIDE4)[:, 0]
        both = torch.cat([self.target_vector3(pooled3), pooled4], dim=1)
        return Modulation(self.modulate3(both).flatten(1), self.modulate4(both).flatten(1))

    def search_features(self, search: Pyramid) -> SearchFeatures:
        """What `predict` needs of the search patch."""
        return SearchFeatures(self.search_conv3(search.block3), self.search_conv4(search.block4))

    def predict(
        self,
        features: SearchFeatures,
        modulation: Modulation,
        proposals: Float[Tensor, "b p 4"],
    ) -> Float[Tensor, "b p *o"]:
        """The head's numbers for each proposal (px of the search patch); differentiable in them.

        Differs: the original multiplies the maps before it pools them; pooling is linear, so the
            pooled cells can be multiplied instead, and the maps serve every step of an ascent.
        """
        return self.judge(self.pool(features, proposals), modulation)

    def pool(self, features: SearchFeatures, proposals: Float[Tensor, "b p 4"]) -> Pooled:
        """The first half of `predict`, which does not know the target."""
        return Pooled(
            prroi_pool(features.level3, proposals, 5, _STRIDE3),
            prroi_pool(features.level4, proposals, 3, _STRIDE4),
        )

    def judge(self, pooled: Pooled, modulation: Modulation) -> Float[Tensor, "b p *o"]:
        """The second half of `predict`: compares what lies under the proposals with the target."""
        level3 = self.fc3(_modulate(pooled.level3, modulation.level3))
        level4 = self.fc4(_modulate(pooled.level4, modulation.level4))
        values = self.output(torch.cat([level3, level4], dim=1))
        return values.unflatten(0, pooled.level3.shape[:2])

    def forward(
        self,
        target: Pyramid,
        target_box: Float[Tensor, "b 4"],
        search: Pyramid,
        proposals: Float[Tensor, "b p 4"],
    ) -> Float[Tensor, "b p *o"]:
        """The head's numbers for each proposal, from the features of both patches."""
        modulation = self.modulation(target, target_box)
        return self.predict(self.search_features(search), modulation, proposals)


def _modulate(
    pooled: Float[Tensor, "b p c n n"], vector: Float[Tensor, "b c"]
) -> Float[Tensor, "bp cnn"]:
    """Pooled cells times the target's vector, one row a proposal."""
    return (pooled * vector[:, None, :, None, None]).flatten(2).flatten(0, 1)


def _initialise(module: nn.Module) -> None:
    """Kaiming's normal over the inputs, biases 0 (The original, exactly, section 1.2)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class IoUHead(ProposalHead):
    """Predicts 2 * IoU - 1 of each proposal with the target: one number, in about [-1, 1].

    ATOM has width 256 on ResNet-18, mATOM 64 on MobileNetV2.

    Source: The original, exactly, sections 1.2 and 2.2; thesis section 3.2.
    Differs: the thesis reduces the width "by 1/4"; the code reduces it to 1/4, and so does this.
    """

    def __init__(self, channels3: int, channels4: int, width: int) -> None:
        super().__init__(channels3, channels4, width, outputs=1)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.uniform_(module.weight)

    def judge(self, pooled: Pooled, modulation: Modulation) -> Float[Tensor, "b p"]:
        """2 * IoU - 1 of each proposal; differentiable in what was pooled and in the target."""
        return super().judge(pooled, modulation)[..., 0]
