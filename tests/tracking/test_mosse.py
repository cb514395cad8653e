import numpy as np
import pytest
import torch
from skimage import data

from cfkd_core import boxes, ops
from cfkd_core.tracking import mosse
from cfkd_core.tracking.tracker import Tracker, track


def circular_correlation(sample: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The definition: the inner product of the weights with the sample under each cyclic shift."""
    rows, columns = sample.shape[-2:]
    values = [
        (sample.roll((-y, -x), (-2, -1)) * weights).sum()
        for y in range(rows)
        for x in range(columns)
    ]
    return torch.stack(values).reshape(rows, columns)


def shifts(sample: torch.Tensor) -> torch.Tensor:
    """The matrix of the map from weights to their circular correlation with the sample."""
    rows, columns = sample.shape[-2:]
    return torch.stack(
        [sample.roll((-y, -x), (-2, -1)).flatten() for y in range(rows) for x in range(columns)]
    )


def ridge(samples: torch.Tensor, label: torch.Tensor, regularisation: float) -> torch.Tensor:
    """Weights by the normal equations of the mean over samples."""
    matrices = [shifts(sample) for sample in samples]
    gram = sum(matrix.T @ matrix for matrix in matrices) / len(samples)
    right = sum(matrix.T @ label.flatten() for matrix in matrices) / len(samples)
    identity = torch.eye(len(gram), dtype=gram.dtype)
    return torch.linalg.solve(gram + regularisation * identity, right).reshape(samples.shape[1:])


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


LABEL = ops.gaussian_label(torch.tensor([3.0, 2.0], dtype=torch.float64), 6, 1.0)


@pytest.mark.parametrize(
    ("samples", "channels"),
    [(1, 1), (1, 3), (4, 1)],  # one of both, several channels, several samples: exact
)
def test_closed_form_is_the_least_squares_solution(samples, channels):
    x = drawn(samples, channels, 6, 6)
    trained = mosse.train(x, LABEL)
    probe = drawn(2, channels, 6, 6)[1]

    expected = circular_correlation(probe, ridge(x, LABEL, 0.5))

    torch.testing.assert_close(mosse.respond(trained, probe, 0.5), expected)


def test_closed_form_is_approximate_for_several_samples_of_several_channels():
    x = drawn(4, 3, 6, 6)

    def mean_loss(weights_response):
        return torch.stack(
            [(weights_response(sample) - LABEL).square().sum() for sample in x]
        ).mean()

    trained, best = mosse.train(x, LABEL), ridge(x, LABEL, 1e-9)
    closed = mean_loss(lambda sample: mosse.respond(trained, sample, 1e-9))
    exact = mean_loss(lambda sample: circular_correlation(sample, best))

    assert closed > 1.1 * exact


def test_response_follows_a_cyclic_shift():
    x = drawn(1, 2, 8, 8)
    label = ops.gaussian_label(torch.tensor([4.0, 4.0], dtype=torch.float64), 8, 1.0)
    trained = mosse.train(x, label)

    response = mosse.respond(trained, x[0].roll((2, -1), (-2, -1)), 1e-6)

    assert divmod(int(response.argmax()), 8) == (6, 3)


def test_mix_of_a_filter_with_itself_is_the_filter():
    trained = mosse.train(drawn(2, 1, 6, 6), LABEL)
    mixed = mosse.mix(trained, trained, 0.3)
    torch.testing.assert_close(mixed.numerator, trained.numerator)
    torch.testing.assert_close(mixed.denominator, trained.denominator)


def test_peak_to_sidelobe_by_hand():
    response = torch.zeros(20, 20)
    response[10, 10] = 5
    # outside the excluded square: one 1, the rest 0
    response[0, 0] = 1
    count = 20 * 20 - 11 * 11
    mean = 1 / count
    deviation = np.sqrt(((1 - mean) ** 2 + (count - 1) * mean**2) / (count - 1))
    assert mosse.peak_to_sidelobe(response) == pytest.approx((5 - mean) / deviation, rel=1e-5)


def test_prepare_has_unit_norm_and_no_border():
    pixels = data.astronaut()[100:132, 200:232]
    sample = mosse.prepare(pixels, mosse.hann_window(32))
    assert float(sample.norm()) == pytest.approx(1, rel=1e-5)
    assert float(sample[0, 0].abs().max()) == 0


def test_prepare_of_a_flat_patch_is_finite():
    sample = mosse.prepare(np.full((16, 16, 3), 90, np.uint8), mosse.hann_window(16))
    assert torch.isfinite(sample).all()


def moving_frames(count: int) -> tuple[list[np.ndarray], np.ndarray]:
    """A photograph on a textured ground, and its boxes."""
    target = data.astronaut()[60:110, 190:240]
    ground = np.repeat(data.grass()[:240, :320, None], 3, 2)
    frames, truth = [], []
    for t in range(count):
        x, y = 60 + 5 * t, 90 + round(25 * np.sin(t / 5))
        frame = ground.copy()
        frame[y : y + 50, x : x + 50] = target
        frames.append(frame)
        truth.append([x, y, 50, 50])
    return frames, np.array(truth, dtype=np.float64)


def test_tracker_follows_a_moving_photograph():
    frames, truth = moving_frames(30)
    tracker = mosse.MosseTracker()
    assert isinstance(tracker, Tracker)

    result = track(tracker, frames, truth[0])

    distance = np.linalg.norm(boxes.centre(result.boxes) - boxes.centre(truth), axis=1)
    assert distance.max() < 5
    assert set(result.statuses) == {"normal"}


def test_tracker_stays_where_it_was_when_the_target_is_gone():
    frames, truth = moving_frames(10)
    tracker = mosse.MosseTracker()
    tracker.init(frames[0], truth[0])
    last = [tracker.update(frame) for frame in frames[1:]][-1]
    empty = np.repeat(data.grass()[:240, :320, None], 3, 2)

    gone = tracker.update(empty)

    assert gone.status == "lost"
    assert gone.score < last.score
    np.testing.assert_array_equal(gone.box, last.box)


def test_tracker_is_the_same_for_the_same_seed():
    frames, truth = moving_frames(5)
    first, second = (track(mosse.MosseTracker(seed=3), frames, truth[0]) for _ in range(2))
    np.testing.assert_array_equal(first.scores, second.scores)
