"""The heads: sizes to the digit, and what modulation and proposals do."""

import pytest
import torch

from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.iou_head import IoUHead
from cfkd_core.models.pyramid import Pyramid


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


# The original, exactly, sections 1.2, 1.5, 2.2 and 2.3
@pytest.mark.parametrize(
    ("head", "size"),
    [
        (IoUHead(128, 256, 256), 5_595_521),
        (IoUHead(64, 128, 128), 1_401_025),
        (IoUHead(32, 64, 64), 351_329),
        (IoUHead(16, 32, 32), 88_369),
        (BoxHead(512, 1024, 256), 10_463_108),
        (BoxHead(32, 64, 64), 351_716),
    ],
)
def test_parameters_are_counted_to_the_digit(head, size):
    assert parameters(head) == size


def pyramid(seed, batch=2):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((32, 48), (24, 24), (32, 12), (64, 6))
    return Pyramid(*(torch.randn(batch, c, s, s, generator=generator) for c, s in shapes))


@pytest.fixture
def head():
    torch.manual_seed(0)
    return IoUHead(32, 64, 64).eval()


TARGET_BOX = torch.tensor([[30.0, 30, 30, 30], [20, 40, 40, 20]])
PROPOSALS = torch.tensor([[20.0, 20, 40, 40], [10, 50, 30, 20], [30, 30, 30, 30]]).repeat(2, 1, 1)


def test_each_proposal_is_judged_by_itself(head):
    target, search = pyramid(1), pyramid(2)
    together = head(target, TARGET_BOX, search, PROPOSALS)
    assert together.shape == (2, 3)
    for index in range(3):
        alone = head(target, TARGET_BOX, search, PROPOSALS[:, index : index + 1])
        torch.testing.assert_close(alone[:, 0], together[:, index])


def test_each_pair_of_a_batch_is_judged_by_itself(head):
    target, search = pyramid(1), pyramid(2)
    together = head(target, TARGET_BOX, search, PROPOSALS)
    first = head(
        Pyramid(*(m[:1] for m in target)),
        TARGET_BOX[:1],
        Pyramid(*(m[:1] for m in search)),
        PROPOSALS[:1],
    )
    torch.testing.assert_close(first, together[:1])


def test_modulating_pooled_cells_is_modulating_the_maps(head):
    """Pooling is linear: the original's order of the two gives the same numbers."""
    target, search = pyramid(1), pyramid(2)
    modulation, features = head.modulation(target, TARGET_BOX), head.search_features(search)
    maps = type(features)(
        features.level3 * modulation.level3[:, :, None, None],
        features.level4 * modulation.level4[:, :, None, None],
    )
    neutral = type(modulation)(torch.ones(2, 64), torch.ones(2, 64))
    torch.testing.assert_close(
        head.predict(maps, neutral, PROPOSALS), head.predict(features, modulation, PROPOSALS)
    )


def test_predictions_can_be_climbed(head):
    target, search = pyramid(1), pyramid(2)
    modulation, features = head.modulation(target, TARGET_BOX), head.search_features(search)
    proposals = PROPOSALS.clone().requires_grad_()
    before = head.predict(features, modulation, proposals)
    (slope,) = torch.autograd.grad(before.sum(), proposals)
    step = 1e-3 / slope.norm()
    after = head.predict(features, modulation, proposals.detach() + step * slope)
    assert (after - before).sum() > 0


def test_the_box_head_gives_four_numbers_a_proposal():
    offsets = BoxHead(32, 64, 64).eval()(pyramid(1), TARGET_BOX, pyramid(2), PROPOSALS)
    assert offsets.shape == (2, 3, 4)


def test_only_the_iou_head_starts_with_random_batchnorm_weights():
    """Source: The original, exactly, sections 1.2 and 1.5: U(0, 1) in ATOM, 1 in DRNet."""
    assert IoUHead(32, 64, 64).modulate3[1].weight.unique().numel() == 64
    assert BoxHead(32, 64, 64).modulate3[1].weight.eq(1).all()
