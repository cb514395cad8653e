"""The online core on real video: whatever runs it, the answers are the same."""

import numpy as np
import pytest

import cfkd_core
from cfkd_core.datasets.readers import load_benchmark
from cfkd_core.tracking.tracker import track


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
@pytest.mark.parametrize(("name", "length"), [("classifier", 100), ("matom", 100), ("mdrnet", 2)])
def test_the_fast_path_follows_the_plain_one(shared, name, length, runtime):
    """The beginnings of three videos with what ships, to a thousandth of a pixel.

    A patch is cut at whole pixels: where rounding decides between two of them, boxes part. Of the
    eleven videos of otb-dev that happens on one or none within 100 frames. mDRNet's filter is
    fitted to whichever samples it gets most wrong, and rounding grows tenfold a frame.
    """
    if runtime == "onnxruntime":
        pytest.importorskip("onnxruntime")
    fast = cfkd_core.load_tracker(name, runtime=runtime)
    plain = type(fast)(fast.net, fast.options, seed=fast.seed, name=name, plain=True)
    for sequence in load_benchmark("otb", shared / "data" / "otb-dev"):
        if sequence.name not in ("David", "Freeman1", "Woman"):
            continue
        frames = [sequence.frames[number] for number in range(min(length, len(sequence)))]
        found, expected = (track(each, frames, sequence.boxes[0]) for each in (fast, plain))
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
        assert found.statuses == expected.statuses
