"""The bank's pairs against those that are cut one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cfkd_core import patches
from cfkd_core.datasets.pair_bank import PairBank, cut
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError

CPU = torch.device("cpu")
OPTIONS = PairOptions(size=64, flip=0.5, grey=0.3)


@pytest.fixture(scope="module")
def sources():
    films = synthetic_sequences(["syn_far_coin", "syn_leave_cat"], length=30)
    # a still of another size
    still = replace(
        films[0],
        frames=[films[0].frames[3][:200, :300]],
        boxes=films[0].boxes[3:4],
        visible=films[0].visible[3:4],
    )
    return [Source("films", films, 2.0), Source("still", [still], 1.0)]


def test_the_bank_gives_the_pairs_of_the_dataset(sources):
    dataset = PairDataset(sources, 40, 5, OPTIONS)
    bank = PairBank(sources, 40, 5, OPTIONS, CPU)
    indices = [0, 3, 39, 7, 11, 20, 21, 22]
    for ours, theirs in zip(bank.batch(indices), dataset.batch(indices), strict=True):
        assert torch.equal(ours, theirs)


def test_a_patch_is_the_one_that_opencv_cuts():
    generator = np.random.default_rng(0)
    frames = [generator.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((20, 30), (9, 7))]
    pixels = torch.from_numpy(np.concatenate([frame.reshape(-1) for frame in frames]))
    places = torch.tensor([[0, 20, 30], [1800, 9, 7]])
    # whole steps, so that both interpolations are exact; one crop leaves its image
    crops = torch.tensor([[4.0, 3, 1, 1], [-3.0, -2, 2, 2]], dtype=torch.float64)
    made = cut(pixels, places, crops, 8) * 255
    for frame, crop, patch in zip(frames, crops.numpy(), made, strict=True):
        expected = patches.warp(frame, np.diag(crop[2:]), crop[:2], 8)
        found = patch.permute(1, 2, 0).numpy()
        np.testing.assert_allclose(found, expected, atol=0.51)


def test_a_bank_needs_a_source(sources):
    with pytest.raises(InputError, match="at least one"):
        PairBank([], 1, 0, OPTIONS, CPU)
    with pytest.raises(InputError, match="weight"):
        PairBank([replace(sources[0], weight=-1.0)], 1, 0, OPTIONS, CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_cuts_what_opencv_cuts(sources):
    there = PairBank(sources, 8, 5, OPTIONS, torch.device("cuda")).batch(list(range(8)))
    here = PairBank(sources, 8, 5, OPTIONS, CPU).batch(list(range(8)))
    for name in ("target_box", "search_box", "proposals", "proposal_iou"):
        assert torch.equal(getattr(there, name).cpu(), getattr(here, name)), name
    for one, other in ((there.target, here.target), (there.search, here.search)):
        # OpenCV interpolates in steps of 1/32 px and rounds to whole levels
        assert (one.cpu() - other).abs().max() < 0.04
        assert (one.cpu() - other).abs().mean() < 0.003


def test_a_box_outside_its_picture_is_refused_by_name(sources):
    """As after images were resized: the bank refuses at once, the data set once they are many."""
    film = sources[0].sequences[0]
    film = replace(film, boxes=film.boxes + np.array([900, 0, 0, 0]))
    shifted = [Source("shifted", [film])]
    message = f"sequence {film.name}, frame .* outside the picture of .* px; annotate the images"
    with pytest.raises(InputError, match=message):
        PairBank(shifted, 1, 0, OPTIONS, CPU)
    with pytest.warns(UserWarning, match=message), pytest.raises(InputError, match=message):
        PairDataset(shifted, 1, 0, OPTIONS)[0]
