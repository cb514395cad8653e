"""Films to train on: apart from the benchmark's, the same for a seed, boxes that fit the pixels."""

import pickle
import subprocess
import sys
import zlib
from dataclasses import replace

import numpy as np
import pytest

from cfkd_core import boxes
from cfkd_core.datasets import photographs, synthetic_training
from cfkd_core.datasets.actors import HEIGHT, WIDTH
from cfkd_core.datasets.pairs import PairDataset, PairOptions, Source, collate
from cfkd_core.datasets.photographs import Photograph
from cfkd_core.datasets.synthetic import SCENES
from cfkd_core.datasets.synthetic_training import LENGTH, training_films, training_scene
from cfkd_core.datasets.textures import Texture
from cfkd_core.errors import InputError

COUNT = 24


@pytest.fixture(scope="module")
def films():
    return training_films(COUNT, seed=0)


def _pictures(scene) -> set:
    """What a scene is made of."""
    actors = (*scene.behind, scene.target, *scene.before)
    return {scene.backdrop, *(actor.cutout.picture for actor in actors)}


def test_no_picture_is_one_of_the_benchmarks(films):
    used = set().union(*(_pictures(film.frames.scene) for film in films))
    assert {type(picture) for picture in used} == {Texture, Photograph}
    files = {photograph.file for photograph in synthetic_training.PHOTOGRAPHS}
    assert {each.file for each in used if isinstance(each, Photograph)} <= files
    # which holds every backdrop and every outline of the benchmark
    benchmark = {photograph.file for photograph in photographs.PHOTOGRAPHS.values()}
    assert not files & benchmark
    for scene in SCENES:
        actors = (*scene.behind, scene.target, *scene.before)
        names = {photographs.OUTLINES[actor.cutout][0] for actor in actors}
        assert {scene.backdrop, *names} <= set(photographs.PHOTOGRAPHS)


def test_names_are_their_own(films):
    names = {film.name for film in films} | {scene.name for scene in SCENES}
    assert len(names) == COUNT + len(SCENES)


def test_a_longer_list_begins_with_the_shorter_one(films):
    short = training_films(2, seed=0)
    for one, other in zip(short, films, strict=False):
        assert one.name == other.name
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.frames[17], other.frames[17])
    (elsewhere,) = training_films(1, seed=1)
    assert elsewhere.name != films[0].name
    assert not np.array_equal(elsewhere.boxes, films[0].boxes)


def test_another_process_makes_the_same_film(films):
    code = (
        "import zlib; from cfkd_core.datasets.synthetic_training import training_films\n"
        "print(zlib.crc32(training_films(1, seed=0)[0].frames[9].tobytes()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert int(done.stdout) == zlib.crc32(films[0].frames[9].tobytes())
    sent = pickle.loads(pickle.dumps(films[0]))
    np.testing.assert_array_equal(sent.frames[9], films[0].frames[9])


def test_the_target_is_there_at_first_and_has_an_area_throughout(films):
    for film in films:
        assert len(film) == LENGTH
        assert film.visible[0]
        assert film.visible.sum() >= 20
        x, y = boxes.centre(film.boxes[0])
        assert 0 < x < WIDTH
        assert 0 < y < HEIGHT
        assert (film.boxes[film.visible][:, 2:] > 4).all()
        assert np.isnan(film.boxes[~film.visible]).all()


def test_some_targets_hide_and_most_move(films):
    assert 0 < sum(not film.visible.all() for film in films) < COUNT / 2
    for film in films:
        path = boxes.centre(film.boxes[film.visible])
        assert np.linalg.norm(path - path[0], axis=1).max() > 20


@pytest.mark.parametrize("number", range(0, COUNT, 3))
def test_the_box_is_where_the_target_is_seen(number):
    """What changes in the picture when the target is taken away lies in its box and fills it."""
    scene = replace(
        training_scene(number, 0), exposure=0.0, light=None, shadow=None, grey=False, before=()
    )
    inside = np.flatnonzero(scene.shares[:, 0] > 0.99)
    t = int(inside[len(inside) // 2])
    gone = replace(scene, target=replace(scene.target, path={0: (-1000, -1000)}))
    difference = np.abs(scene.render(t).astype(int) - gone.render(t)).max(axis=2) > 6
    rows, columns = np.nonzero(difference)
    seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    # targets and grounds may have one colour at an edge, and edges are soft
    np.testing.assert_allclose(seen, boxes.to_xyxy(scene.boxes[t]), atol=6)


def test_films_give_pairs(films):
    dataset = PairDataset([Source("films", films)], 4, 0, PairOptions(size=96))
    assert len(dataset.sequences[0]) == COUNT
    assert collate(list(dataset)).search.isfinite().all()


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (3, -1)])
def test_no_film_and_no_negative_seed(count, seed):
    with pytest.raises(InputError, match=rf"{count} films of seed {seed}"):
        training_films(count, seed)
