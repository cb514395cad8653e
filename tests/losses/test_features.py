import pytest
import torch
from torch.nn import functional

from cfkd_core import ops
from cfkd_core.errors import InputError
from cfkd_core.losses import correlation, features, rivals
from cfkd_core.models.atom import AtomOutput
from cfkd_core.models.pyramid import STRIDES, Pyramid


def constant(value, channels, sides=(32, 16, 8, 4)):
    """An output of which every feature is `value`."""
    pyramid = Pyramid(*(torch.full((2, channels, side, side), value) for side in sides))
    return AtomOutput(torch.zeros(2, 5), pyramid, pyramid)


def test_fidelity_by_hand(batch):
    # F is 3 * 2 = 6 for the student and 4 for the teacher, in two blocks of two patches
    student, teacher = constant(-2.0, channels=3), constant(1.0, channels=4)
    assert features.fidelity(student, teacher, batch) == 4 * (6 - 4) ** 2
    assert features.fidelity_sum(student, teacher, batch) == 2 * (8 * 8 + 4 * 4) * (6 - 4) ** 2


def test_kernels_have_the_sizes_of_the_original():
    assert [correlation.kernel_size(stride) for stride in STRIDES] == [29, 15, 9, 5]


def test_response_is_the_padded_correlation():
    generator = torch.Generator().manual_seed(0)
    search = torch.randn(2, 3, 7, 10, generator=generator).double()
    kernels = torch.randn(2, 3, 5, 5, generator=generator).double()
    padded = functional.pad(search, [2, 2, 2, 2])
    by_hand = (padded[1, :, 6:11, 0:5] * kernels[1]).sum()
    found = correlation.response(search, kernels)
    torch.testing.assert_close(found[1, 6, 0], by_hand)
    torch.testing.assert_close(found, ops.cross_correlate(padded, kernels))


def test_response_with_a_kernel_larger_than_the_map():
    search = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    kernels = torch.randn(1, 2, 9, 9, generator=torch.Generator().manual_seed(1)).double()
    padded = functional.pad(search, [4] * 4)
    torch.testing.assert_close(
        correlation.response(search, kernels), ops.cross_correlate(padded, kernels)
    )


def slow_correlation_filter(student, batch, *, batch_wide, summed):
    """The definition: cell by cell, pair by pair."""
    total = 0.0
    for target, search, stride in zip(student.target, student.search, STRIDES, strict=True):
        size, side = correlation.kernel_size(stride), search.shape[-1]
        responses = torch.zeros(len(search), side, side, dtype=search.dtype)
        labels = torch.zeros_like(responses)
        for pair, (x, y, w, h) in enumerate(batch.search_box.double().tolist()):
            box = batch.target_box[pair].double()[None, None]
            kernel = ops.prroi_pool(target[pair : pair + 1], box, size, stride)[0, 0]
            padded = functional.pad(search[pair], [size // 2] * 4)
            for i in range(side):
                for j in range(side):
                    window = padded[:, i : i + size, j : j + size]
                    responses[pair, i, j] = (window * kernel).sum()
            down = torch.arange(side).double() + 0.5 - (y + h / 2) / stride
            across = torch.arange(side).double() + 0.5 - (x + w / 2) / stride
            squared = down[:, None] ** 2 + across[None, :] ** 2
            labels[pair] = torch.exp(-squared / (2 * (0.15 * side) ** 2))
        maxima = [response.max() for response in responses]
        if batch_wide:
            maxima = [max(maxima)] * len(maxima)
        responses = responses / torch.stack(maxima)[:, None, None]
        squares = (responses - labels) ** 2
        total += squares.sum((1, 2)).mean() if summed else squares.mean()
    return total


@pytest.mark.parametrize(
    ("term", "batch_wide", "summed"),
    [
        (features.correlation_filter, False, False),
        (features.correlation_filter_sum, False, True),
        (features.correlation_filter_batch_maximum, True, False),
    ],
)
def test_correlation_filter_is_its_definition(term, batch_wide, summed, student, batch):
    slow = slow_correlation_filter(student, batch, batch_wide=batch_wide, summed=summed)
    torch.testing.assert_close(term(student, student, batch), slow)


def test_correlation_filter_does_not_see_the_scale_of_the_features(student, batch):
    louder = student._replace(search=Pyramid(*(3 * maps for maps in student.search)))
    torch.testing.assert_close(
        features.correlation_filter(louder, louder, batch),
        features.correlation_filter(student, student, batch),
    )


def test_correlation_filter_is_lower_where_the_target_is(make_batch):
    def blob(x, y):
        """A target of 16 px around (x, y) and nothing else, in every block."""
        centres = torch.tensor([[x, y]])
        maps = (
            ops.gaussian_label(centres / stride, 64 // stride, 8 / stride)[:, None]
            for stride in STRIDES
        )
        return Pyramid(*maps)

    batch = make_batch([[24.0, 24, 16, 16]], [[8.0, 32, 16, 16]])
    losses = [
        features.correlation_filter(output, output, batch).item()
        for position in ((16.0, 40.0), (24.0, 40.0), (48.0, 12.0))
        for output in [AtomOutput(torch.zeros(1, 5), blob(32.0, 32.0), blob(*position))]
    ]
    assert losses == sorted(losses)


def test_a_large_negative_lobe_does_not_make_a_response_outweigh_the_batch(batch):
    """A maximum of 0.02 beside a lobe of -1: divided by the maximum, squares would reach 2,500."""
    search = Pyramid(*(torch.full((2, 2, 64 // s, 64 // s), -1.0) for s in STRIDES))
    for maps in search:
        maps[:, :, 0, 0] = 0.02
    student = constant(1.0, channels=2)._replace(search=search)
    assert features.correlation_filter(student, student, batch) < 4 * len(STRIDES)


@pytest.mark.parametrize(
    "term", [features.correlation_filter, features.correlation_filter_batch_maximum]
)
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_correlation_filter_without_a_positive_response(term, value, batch):
    student = constant(1.0, channels=2)
    search = Pyramid(*(torch.full_like(maps, value).requires_grad_() for maps in student.search))
    loss = term(student._replace(search=search), student, batch)
    loss.backward()
    # responses lie in [-1, 0], labels in [0, 1]: at most a square of 4 in each of the blocks
    assert 0 < loss < 4 * len(STRIDES)
    assert all(maps.grad.isfinite().all() for maps in search)


@pytest.mark.parametrize("box", [[20.0, 20, 0, 10], [20, 20, 10, -1], [float("nan")] * 4])
def test_a_target_without_an_area_is_named(box, student, make_batch):
    batch = make_batch([[20.0, 24, 14, 18], box], [[28.0, 20, 15, 17]] * 2)
    shown = ",".join(f"{value:g}" for value in box)
    for term in (features.correlation_filter, rivals.target_response):
        with pytest.raises(InputError, match=f"target box {shown}: has no area"):
            term(student, student, batch)
