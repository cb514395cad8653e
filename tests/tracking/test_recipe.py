"""Trackers that are built where they run."""

import pickle
import threading

import pytest

from cfkd_core.errors import InputError
from cfkd_core.tracking.atom import MATOM_VOT
from cfkd_core.tracking.recipe import TrackerRecipe


def test_a_recipe_builds_once_and_gives_back_its_seed():
    recipe = TrackerRecipe("kcf", seed=3)
    tracker = recipe.build()
    tracker.seed = 99
    assert recipe.build() is tracker
    assert tracker.seed == 3
    other = TrackerRecipe("kcf", seed=4).build()
    assert (other is tracker, other.seed) == (False, 4)


def test_each_thread_has_its_own_tracker():
    recipe, built = TrackerRecipe("kcf"), []
    thread = threading.Thread(target=lambda: built.append(recipe.build()))
    thread.start()
    thread.join()
    assert built[0] is not recipe.build()


def test_a_recipe_travels():
    recipe = TrackerRecipe("mosse", seed=5)
    again = pickle.loads(pickle.dumps(recipe))
    assert again == recipe
    assert again.build().card == recipe.build().card


def test_options_of_its_own_kind_replace_a_trackers_own():
    tracker = TrackerRecipe("matom", options=MATOM_VOT).build()
    assert tracker.options == MATOM_VOT
    assert tracker.card["options"]["size"] == 224
    assert TrackerRecipe("matom").build().options.size == 288
    with pytest.raises(InputError, match="tracker kcf: takes no options"):
        TrackerRecipe("kcf", options=MATOM_VOT).build()
    with pytest.raises(InputError, match=r"tracker matom: takes .*Options, got x"):
        TrackerRecipe("matom", options="x").build()


def test_what_cannot_be_built_is_named():
    with pytest.raises(InputError, match="choose one of"):
        TrackerRecipe("magic").build()
