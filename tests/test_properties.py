"""What holds for any patch, any pooled box, any text of numbers and any result."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cfkd_core import boxes, files, ops, patches
from cfkd_core.benchmarks import metrics, raster, vot
from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.datasets.readers import own, rows
from cfkd_core.datasets.regions import enclosing_boxes, from_boxes
from cfkd_core.errors import InputError

# On a busy machine a single example may take long; how many there are is the budget.
few = settings(max_examples=40, deadline=None)

place, side = st.floats(-500, 500), st.floats(0.5, 400)
box = st.tuples(place, place, side, side).map(np.array)
track = arrays.arrays(np.float64, st.tuples(st.integers(2, 12), st.just(4)), elements=side)
FRAME = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


@few
@given(place, place, side, st.integers(1, 64), box)
def test_to_frame_inverts_to_patch(x, y, width, size, one):
    patch = patches.crop(FRAME, np.array([x, y]), width, size)
    assert patch.pixels.shape == (size, size, 3)
    np.testing.assert_allclose(patch.to_frame(patch.to_patch(one)), one, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(patch.middle, [x, y], rtol=1e-9, atol=1e-9)


@few
@given(place, place, side, st.integers(1, 32), st.integers(0, 255))
def test_a_flat_frame_gives_flat_patches(x, y, width, size, level):
    """Whatever is cut, wherever it lies: the border is the frame's, not black."""
    flat = np.full((9, 7, 3), level, np.uint8)
    assert (patches.crop(flat, np.array([x, y]), width, size).pixels == level).all()


@few
@given(st.integers(0, 60), st.integers(0, 40), st.integers(1, 20))
def test_a_whole_crop_is_a_slice(left, top, size):
    centre = np.array([left + size / 2, top + size / 2])
    patch = patches.crop(FRAME, centre, float(size), size)
    np.testing.assert_array_equal(patch.pixels, FRAME[top : top + size, left : left + size])


def tensors(one: np.ndarray) -> torch.Tensor:
    return torch.tensor(one)[None, None]


def maps(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 2, 6, 7, generator=generator, dtype=torch.float64)


@few
@given(box, st.integers(0, 9), st.integers(1, 4))
def test_pooled_values_are_means(one, seed, size):
    """No bin exceeds the map, and the bins of a box average to the box as one bin."""
    features = maps(seed)
    pooled = ops.prroi_pool(features, tensors(one), size, 16)
    assert pooled.abs().max() <= features.abs().max() + 1e-9
    whole = ops.prroi_pool(features, tensors(one), 1, 16)
    torch.testing.assert_close(pooled.mean((-2, -1)), whole[..., 0, 0], rtol=1e-6, atol=1e-8)


@few
@given(box, st.integers(0, 9), st.floats(-3, 3), st.floats(-3, 3))
def test_pooling_is_linear_in_the_map(one, seed, first, second):
    maps_of = [maps(seed), maps(seed + 1)]
    mixed = ops.prroi_pool(first * maps_of[0] + second * maps_of[1], tensors(one), 3, 8)
    apart = [ops.prroi_pool(each, tensors(one), 3, 8) for each in maps_of]
    torch.testing.assert_close(mixed, first * apart[0] + second * apart[1], rtol=1e-6, atol=1e-8)


@few
@given(box, st.integers(0, 9), st.integers(-2, 2), st.integers(-2, 2))
def test_pooling_moves_with_the_map(one, seed, right, down):
    """On a map with an empty border, moving the box by whole cells is moving the map."""
    still = torch.zeros(1, 2, 12, 12, dtype=torch.float64)
    still[..., 3:9, 3:9] = maps(seed)[..., :6]
    moved = torch.roll(still, (down, right), (-2, -1))
    there = one + np.array([right * 16, down * 16, 0, 0])
    torch.testing.assert_close(
        ops.prroi_pool(moved, tensors(there), 3, 16),
        ops.prroi_pool(still, tensors(one), 3, 16),
        rtol=1e-6,
        atol=1e-8,
    )


finite = st.floats(-1e6, 1e6)
delimiter = st.sampled_from([",", "\t", " ", ", ", " \t "])
ending = st.sampled_from(["\n", "\r\n", "\r"])


def written(text: str, name: str = "boxes.txt") -> Path:
    """A file in a folder that goes with the process's others; hypothesis knows no fixtures."""
    folder = Path(tempfile.mkdtemp(dir=SCRATCH.name))
    (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    return folder / name


SCRATCH = tempfile.TemporaryDirectory(prefix="properties-")


@few
@given(
    st.lists(st.tuples(*[finite | st.just(float("nan"))] * 4), min_size=1, max_size=5),
    delimiter,
    ending,
    st.booleans(),
)
def test_numbers_come_back_however_they_are_delimited(table, between, end, marked):
    text = "\ufeff" * marked + end.join(between.join(map(repr, row)) for row in table) + end
    np.testing.assert_array_equal(rows.read_rows(written(text), 4), np.array(table))


@few
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    path = written(text)
    readers = [
        lambda: rows.read_rows(path, 4),
        lambda: rows.read_flags(path, 2),
        lambda: own.read_table(path, 2),
        lambda: vot.read_run(path),
    ]
    for read in readers:
        try:
            found = read()
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)  # noqa: PT017, PT018
        else:
            assert len(found) > 0


@few
@given(st.lists(st.tuples(finite, finite, side, side), min_size=1, max_size=5), st.randoms())
def test_a_headed_table_may_be_in_any_order(table, chance):
    columns = ["frame", "x", "y", "w", "h", "score"]
    lines = [dict(zip(columns, (t, *row, 0.5), strict=True)) for t, row in enumerate(table)]
    chance.shuffle(columns)
    chance.shuffle(lines)
    text = "\n".join([",".join(columns), *(",".join(str(r[c]) for c in columns) for r in lines)])
    np.testing.assert_array_equal(own.read_table(written(text), len(table)), np.array(table))


@few
@given(st.text(max_size=30))
def test_a_plain_name_stays_in_its_folder(name):
    assume(files.is_plain_name(name))
    folder = Path("/results/kcf")
    assert (folder / f"{name}.txt").parent == folder
    assert Path(f"/results/kcf/{name}/{name}_001.txt").parts[:3] == ("/", "results", "kcf")


@few
@given(track)
def test_boxes_survive_as_regions(found):
    np.testing.assert_allclose(enclosing_boxes(from_boxes(found)), found, rtol=1e-9, atol=1e-9)


@few
@given(box, box, st.integers(20, 300), st.integers(20, 300))
def test_overlaps_of_pixels_are_symmetric_and_between_0_and_1(first, second, width, height):
    overlap = raster.overlap(first, second, (width, height))
    assert 0 <= overlap <= 1
    assert overlap == raster.overlap(second, first, (width, height))


@pytest.mark.parametrize("name", PROTOCOLS)
@few
@given(track, st.integers(0, 2**32 - 1), st.floats(0, 200), st.data())
def test_any_result_has_a_score(name, truth, seed, error, data):
    """Curves are shares, scores too, and a tracker that answers the truth is not beaten."""
    protocol = PROTOCOLS[name]
    # TrackingNet rounds: what has no area then does not overlap itself
    assume(name != "trackingnet" or (np.rint(truth[:, 2:]) > 0).all())
    generator = np.random.default_rng(seed)
    predicted = truth + error * generator.standard_normal(truth.shape)
    lost = data.draw(arrays.arrays(bool, len(truth)))
    predicted[lost & (np.arange(len(truth)) > 0)] = np.nan
    visible = data.draw(arrays.arrays(bool, len(truth)))
    visible[0] = True
    found = protocol.curves(predicted, truth, visible)
    best = protocol.scores(protocol.curves(truth, truth, visible))
    for values in found.values():
        assert ((values >= 0) & (values <= 1)).all()
    for measure, value in protocol.scores(found).items():
        assert 0 <= value <= best[measure] + 1e-12


@few
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_success_falls_and_precision_rises(values):
    values = np.array(values)
    grid = np.linspace(0, 1, 21)
    assert (np.diff(metrics.success_curve(values, grid)) <= 0).all()
    assert (np.diff(metrics.precision_curve(values, grid)) >= 0).all()


@few
@given(st.lists(st.floats(-400, 400), min_size=4, max_size=4))
def test_a_box_that_is_let_in_can_be_computed_with(numbers):
    try:
        found = boxes.check(numbers, 80, 60)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert boxes.area(found) > 0
    frame = np.array([0.0, 0, 80, 60])
    reach = np.minimum(found[:2] + found[2:], frame[2:]) - np.maximum(found[:2], 0)
    assert (reach > 0).all()
