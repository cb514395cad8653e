"""The online core on real video: whatever runs it, the answers are the same."""

import numpy as np
import pytest

import cfkd_core
from cfkd_core.datasets.readers import load_benchmark
from cfkd_core.tracking.tracker import track


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
@pytest.mark.parametrize(("name", "length"), [("classifier", 100), ("matom", 100), ("mdrnet", 3)])
def test_the_fast_path_follows_the_plain_one(shared, name, length, runtime):
    """The beginnings of three videos with what ships, to a thousandth of a pixel.

    Of those that refine the box fewer frames, for they go on from what they have refined, and
    rounding grows. mDRNet's filter is fitted to whichever samples it gets most wrong: with the
    weights that ship, rounding decides between two pixels of the score map from frame 3 on.
    """
    if runtime == "onnxruntime":
        pytest.importorskip("onnxruntime")
    fast = cfkd_core.load_tracker(name, runtime=runtime)
    plain = type(fast)(fast.net, fast.options, seed=fast.seed, name=name, plain=True)
    for sequence in load_benchmark("otb", shared / "data" / "otb-dev")[:3]:
        frames = [sequence.frames[number] for number in range(min(length, len(sequence)))]
        found, expected = (track(each, frames, sequence.boxes[0]) for each in (fast, plain))
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
        assert found.statuses == expected.statuses
