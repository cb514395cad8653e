import pytest
import torch

from cfkd_core import ops


def integral(feature, box, size, stride, steps=400):
    """The definition, slowly: midpoint rule on the bilinear interpolant of every bin."""
    height, width = feature.shape[1:]
    x, y, w, h = (value / stride for value in box.tolist())

    def hats(low, side, cells):
        points = (torch.arange(steps * size, dtype=feature.dtype) + 0.5) / (steps * size)
        grid = torch.arange(cells, dtype=feature.dtype)
        return (1 - (low + side * points[:, None] - grid).abs()).clamp(min=0)

    values = hats(y, h, height) @ feature @ hats(x, w, width).T
    return values.reshape(-1, size, steps, size, steps).mean((2, 4))


@pytest.mark.parametrize(
    "box",
    [
        [20.3, 31.7, 60.1, 44.9],
        [0, 0, 16, 16],  # edges on cells
        [-40, -25, 90, 70],  # half outside
        [100, 100, 300, 20],  # past the far border
        [37, 41, 0.7, 0.9],  # within one cell
        [500, 500, 10, 10],  # nothing there
    ],
)
def test_prroi_pool_is_the_integral(box):
    feature = torch.randn(4, 9, 11, generator=torch.Generator().manual_seed(0)).double()
    box = torch.tensor(box).double()
    pooled = ops.prroi_pool(feature[None], box[None, None], 3, 16)[0, 0]
    assert (pooled - integral(feature, box, 3, 16)).abs().max() < 1e-5


def test_prroi_pool_of_a_constant_map_is_the_constant():
    pooled = ops.prroi_pool(torch.full((1, 2, 8, 8), 3.5), torch.tensor([[[9.0, 9, 40, 44]]]), 5, 8)
    torch.testing.assert_close(pooled, torch.full((1, 1, 2, 5, 5), 3.5))


def test_prroi_pool_of_an_empty_box_is_zero_with_a_finite_gradient():
    features = torch.randn(1, 2, 8, 8, requires_grad=True)
    box = torch.tensor([[[9.0, 9, 0, 5], [9, 9, 5, -1]]], requires_grad=True)
    pooled = ops.prroi_pool(features, box, 3, 8)
    assert (pooled == 0).all()
    pooled.sum().backward()
    assert box.grad.isfinite().all()
    assert features.grad.isfinite().all()


def test_prroi_pool_gradients_in_features_and_boxes():
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(2, 2, 7, 9, generator=generator).double().requires_grad_()
    proposals = [[[10.3, 20.2, 50, 33], [-9, 3, 20, 120]], [[8, 8, 16, 16], [0, 0, 1, 0.5]]]
    proposals = torch.tensor(proposals).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda f, p: ops.prroi_pool(f, p, 3, 16), (features, proposals))


def test_cross_correlate_finds_where_the_kernel_was_cut():
    search = torch.randn(2, 5, 12, 14, generator=torch.Generator().manual_seed(2))
    kernels = torch.stack([search[0, :, 3:7, 5:9], search[1, :, 8:12, 0:4]])
    response = ops.cross_correlate(search, kernels)
    assert response.shape == (2, 9, 11)
    assert divmod(int(response[0].argmax()), 11) == (3, 5)
    assert divmod(int(response[1].argmax()), 11) == (8, 0)
    by_hand = (search[0, :, 2:6, 4:8] * kernels[0]).sum()
    torch.testing.assert_close(response[0, 2, 4], by_hand)


def test_channel_energy_by_hand():
    maps = torch.tensor([1.0, -2, 0, 3, -4, 0]).reshape(1, 3, 1, 2)
    assert ops.channel_energy(maps).tolist() == [[[5, 5]]]
    assert ops.channel_energy(torch.zeros(2, 0, 3, 4)).tolist() == torch.zeros(2, 3, 4).tolist()


def test_gaussian_label_by_hand():
    label = ops.gaussian_label(torch.tensor([2.0, 1.0]), 4, 2.0)
    assert label[1, 2] == 1
    torch.testing.assert_close(label[1, 0], torch.tensor(0.5).neg().exp())
    torch.testing.assert_close(label[3, 0], torch.tensor(1.0).neg().exp())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_prroi_pool_on_a_gpu_equals_the_cpu():
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(2, 4, 18, 18, generator=generator)
    proposals = torch.tensor([[[10.3, 20.2, 50, 33]], [[-9, 3, 20, 120]]])
    pooled = ops.prroi_pool(features.cuda(), proposals.cuda(), 3, 16)
    torch.testing.assert_close(pooled.cpu(), ops.prroi_pool(features, proposals, 3, 16))
