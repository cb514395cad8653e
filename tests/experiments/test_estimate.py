from dataclasses import replace

import pytest

from cfkd_core import paths
from cfkd_core.benchmarks.published import read_vot_annotation
from cfkd_core.errors import InputError
from cfkd_core.experiments.estimate import EVALUATED, Pace, evaluation, pace, training
from cfkd_core.experiments.recipes import resolve
from cfkd_core.models.tensor_file import read_card


def test_hours_are_frames_over_speed():
    cost = evaluation("vot2018", 21_356 / 3600, processes=1, memory_gb=0.5)
    assert cost.hours == pytest.approx(1)
    assert cost.memory_gb == 0.5
    assert cost.disk_gb == pytest.approx(5 + 21_356 * 50e-9)


def test_more_processes_than_sequences_do_not_help():
    sixty, many = (
        evaluation("vot2018", 20.0, processes=count, memory_gb=0.5) for count in (60, 900)
    )
    assert many == sixty
    assert evaluation("vot2018", 20.0, processes=900, memory_gb=0.5, repetitions=15).hours == (
        pytest.approx(sixty.hours)
    )


def test_a_benchmark_of_unknown_size_is_an_error_of_input():
    with pytest.raises(InputError, match="benchmark own: how large"):
        evaluation("own", 20.0, processes=1, memory_gb=1.0)


def test_training_grows_with_pairs_and_area():
    experiment = resolve("cfkd", "paper")  # 50,000 steps of 32 pairs at 288 px
    alone = training(experiment, Pace(0.01, 288), memory_gb=2.0)
    assert alone.hours == pytest.approx(50_000 * 32 * 0.01 / 3600)
    half = training(experiment, Pace(0.01, 144), memory_gb=2.0)
    assert half.hours == pytest.approx(4 * alone.hours)
    four = training(experiment, Pace(0.01, 288), processes=4, memory_gb=2.0, efficiency=0.5)
    assert four.hours == pytest.approx(alone.hours / 2)
    assert four.memory_gb == 8
    twice = replace(experiment, batch_size=64)
    assert training(twice, Pace(0.01, 288), memory_gb=2.0).hours == pytest.approx(2 * alone.hours)


def test_the_cards_that_ship_say_how_fast_they_were_trained():
    card = read_card(paths.WEIGHTS / "matom.safetensors")
    found = pace(card)
    assert found.size == 160
    assert found.seconds * 10_000 * 16 == pytest.approx(card["hours"] * 3600)
    with pytest.raises(InputError, match="not of trained weights"):
        pace(read_card(paths.WEIGHTS / "mobilenet_v2_imagenet.safetensors"))


@pytest.mark.parametrize("year", [2018, 2019])
def test_extents_of_vot_are_those_of_its_annotation(shared, year):
    truths = read_vot_annotation(shared / "oracles" / "vot" / f"VOT{year}.json.gz").values()
    extent = EVALUATED[f"vot{year}"]
    assert extent.sequences == len(truths)
    assert extent.frames == sum(len(each.regions) for each in truths)
