import pytest
import torch
from torch.nn import functional

from cfkd_core.losses import correlation, rivals
from cfkd_core.models.atom import AtomOutput
from cfkd_core.models.pyramid import STRIDES, Pyramid
from cfkd_core.ops import cross_correlate, gaussian_label, prroi_pool


def slow_target_response(student, teacher, batch, *, batch_wide):
    """The definition, with every weighted channel written out."""
    boxes = batch.target_box.double()[:, None]
    total = 0.0
    for block, stride in enumerate(STRIDES):
        sums = []
        for output in (student, teacher):
            size, search = correlation.kernel_size(stride), output.search[block]
            kernels = prroi_pool(output.target[block], boxes, size, stride)[:, 0]
            weights = cross_correlate(functional.pad(search, [size // 2] * 4), kernels)
            if batch_wide:
                weights = weights / weights.sum()
            else:
                weights = torch.stack([w / w.sum() for w in weights])
            weighted = [(weights * channel).abs() for channel in search.unbind(1)]
            sums.append((kernels.abs().sum(1), sum(weighted)))
        total += sum(((ours - theirs) ** 2).mean() for ours, theirs in zip(*sums, strict=True))
    return total


@pytest.mark.parametrize(
    ("term", "batch_wide"),
    [(rivals.target_response, False), (rivals.target_response_batch_sum, True)],
)
def test_target_response_is_its_definition(term, batch_wide, student, teacher, batch):
    slow = slow_target_response(student, teacher, batch, batch_wide=batch_wide)
    torch.testing.assert_close(term(student, teacher, batch), slow)


def test_target_response_of_maps_without_features_is_finite(student, teacher, batch):
    empty = Pyramid(*(torch.zeros_like(maps).requires_grad_() for maps in student.search))
    loss = rivals.target_response(student._replace(target=empty, search=empty), teacher, batch)
    loss.backward()
    assert loss.isfinite()
    assert all(maps.grad.isfinite().all() for maps in empty)


def circulant(maps):
    """Rows: shifts of all channels; times a filter, the circular correlation with the maps."""
    _, height, width = maps.shape
    shifts = [maps.roll((-i, -j), (1, 2)).flatten() for i in range(height) for j in range(width)]
    return torch.stack(shifts)


def slow_tracking(student, batch):
    """Ridge regression in the image domain, solved directly for each pair and block."""
    total = 0.0
    for target, search, stride in zip(
        student.target[1:], student.search[1:], STRIDES[1:], strict=True
    ):
        side, errors = target.shape[-1], []
        for pair in range(len(target)):
            y, g = (
                gaussian_label((b[:2] + b[2:] / 2) / stride - 0.5, side, 0.25 * side).flatten()
                for b in (batch.target_box[pair].double(), batch.search_box[pair].double())
            )
            rows = circulant(target[pair])
            ridge = rows @ rows.T + 1e-5 * torch.eye(side * side).double()
            filters = rows.T @ torch.linalg.solve(ridge, y)
            errors.append((circulant(search[pair]) @ filters - g) ** 2)
        total += torch.stack(errors).mean()
    return total


def test_tracking_is_ridge_regression(student, batch):
    torch.testing.assert_close(
        rivals.tracking(student, student, batch), slow_tracking(student, batch)
    )


def test_tracking_finds_the_target_again_in_its_own_patch(student, batch):
    same = student._replace(search=student.target)
    batch = batch._replace(search_box=batch.target_box)
    assert rivals.tracking(same, same, batch) < 1e-8
    assert rivals.tracking_per_channel(same, same, batch) > 0.01


def test_with_one_channel_both_tracking_losses_are_one(make_output, batch):
    student = make_output(5, (1, 1, 1, 1))
    torch.testing.assert_close(
        rivals.tracking(student, student, batch),
        rivals.tracking_per_channel(student, student, batch),
    )


def test_projected_fidelity_by_hand(batch):
    def constant(value, channels):
        pyramid = Pyramid(*(torch.full((2, channels, 4, 4), value) for _ in STRIDES))
        return AtomOutput(torch.zeros(2, 5), pyramid, pyramid)

    module = rivals.ProjectedFidelity((2, 2), (3, 3), trained=True)
    for weight in module.parameters():
        torch.nn.init.constant_(weight, 0.5)
    # 2 channels of 3 become 3 channels of 3, against 1: a square of 4 in four maps
    assert module(constant(3.0, 2), constant(1.0, 3), batch) == 4 * 4


@pytest.mark.parametrize("trained", [True, False])
def test_projected_fidelity_trains_what_it_should(trained, student, teacher, batch):
    torch.manual_seed(0)
    module = rivals.ProjectedFidelity((3, 4), (5, 6), trained=trained).double()
    maps = student.search.block4.requires_grad_()
    module(student, teacher, batch).backward()
    assert maps.grad.any()
    assert all((weight.grad is not None) == trained for weight in module.parameters())
    assert len(module.state_dict()) == 2  # a resumed run must have the same projection


def test_projections_are_drawn_as_xavier_has_it():
    torch.manual_seed(0)
    module = rivals.ProjectedFidelity((32, 64), (128, 256), trained=False)
    spread = (2 / (32 + 128)) ** 0.5
    assert module.project3.weight.std().item() == pytest.approx(spread, rel=0.05)
