import numpy as np
import pytest
import torch

from cfkd_core.tracking.memory import MemoryOptions, SampleMemory


def fill(memory, count, rate=0.01):
    for value in range(count):
        sample = torch.full((2, 3, 3), float(value))
        memory.insert(sample, np.full(2, float(value)), rate)


def label(shifts):
    """Flat ones, as high as the target is off to the right, and a half."""
    return torch.from_numpy(shifts[:, 0] + 0.5).float()[:, None, None].repeat(1, 3, 3)


def fresh(**options):
    samples, shifts = torch.randn(2, 4, 3, 3), np.full((4, 2), 9.0)
    return SampleMemory(samples, shifts, label, MemoryOptions(**options), kernel=4)


def test_a_new_memory_holds_the_first_frame_in_equal_parts():
    _, _, weights = fresh(capacity=8).filled_slots()
    assert weights.tolist() == [0.25] * 4


def test_filled_slots_leave_out_empty_ones_and_share_the_memory():
    memory = fresh(capacity=8)
    fill(memory, 1)
    strip, labels, weights = memory.filled_slots()
    assert (len(labels), len(weights)) == (5, 5)
    assert [len(each) for each in memory.all_slots()[1:]] == [8, 8]
    memory.samples[:, 4] = 7
    assert (strip.samples[:, 4] == 7).all()


def test_labels_are_drawn_where_the_targets_are_and_none_in_empty_slots():
    memory = fresh(capacity=8)
    fill(memory, 2)
    expected = [9.5] * 4 + [0.5, 1.5]
    assert memory.filled_slots()[1][:, 1, 2].tolist() == expected
    assert memory.all_slots()[1][:, 2, 0].tolist() == [*expected, 0, 0]


def test_each_new_sample_counts_more_than_the_one_before():
    memory = fresh(capacity=20)
    fill(memory, 5)
    _, _, weights = memory.filled_slots()
    assert weights.sum() == pytest.approx(1)
    later = weights[4:]
    torch.testing.assert_close(later[1:] / later[:-1], torch.full((4,), 1 / 0.99))


def test_the_first_insertion_by_hand():
    memory = fresh(capacity=8)
    fill(memory, 1, rate=0.1)
    old, new = 0.25 / 0.9, 0.1
    total = 4 * old + new
    expected = torch.tensor([old / total] * 4 + [new / total])
    torch.testing.assert_close(memory.filled_slots()[2], expected)


def test_the_first_frame_keeps_its_share_and_its_slots():
    memory = fresh(capacity=8, initial_share=0.25)
    first = memory.samples[:, :4].clone()
    fill(memory, 400, rate=0.05)
    assert memory.weights[:4].sum() == pytest.approx(0.25)
    assert memory.weights.sum() == pytest.approx(1)
    assert torch.equal(memory.samples[:, :4], first)


def test_the_least_important_sample_is_overwritten():
    memory = fresh(capacity=6)
    fill(memory, 3)  # the third replaces the first of the two free slots
    assert memory.filled == 6
    assert memory.samples[0, 4:, 0, 0].tolist() == [2.0, 1.0]


def test_without_a_share_the_first_frame_can_be_forgotten():
    memory = fresh(capacity=6, initial_share=0.0)
    fill(memory, 400, rate=0.2)
    assert memory.weights[:4].max() > 0.1  # its slots now hold later samples
    assert set(memory.samples[0, :, 0, 0].tolist()) == {394.0, 395.0, 396.0, 397.0, 398.0, 399.0}
