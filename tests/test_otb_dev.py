"""The tracker on real video, beside the author's own code on the same videos."""

import json
from collections import Counter

import pytest

import cfkd_core
from cfkd_core import paths
from cfkd_core.benchmarks import ope, records, report
from cfkd_core.benchmarks.judgement import judge
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.datasets.readers import load_benchmark
from cfkd_core.tracking.refine import RefineOptions

# Where the tracker stands at a fork between look-alikes, or after losing sight, and the seed
# decides: one run says little (data/results/otb_dev has five of each).
RESTLESS = {"Football1", "MotorRolling"}


@pytest.fixture(scope="module")
def author(shared):
    return json.loads((shared / "oracles/atom/classifier_only_otb_dev.json").read_text())


@pytest.mark.slow
def test_the_classifier_does_what_the_authors_code_does(shared, author, tmp_path):
    sequences = load_benchmark("otb", shared / "data" / "otb-dev")
    ope.run([cfkd_core.load_tracker("classifier")], sequences, tmp_path, "otb")
    (found,) = ope.score("otb", sequences, tmp_path)
    assert found.scores["success_auc"] >= 0.61
    assert found.scores["precision_at_20"] >= 0.90
    for each in found.sequences:
        theirs = author["sequences"][each.name]
        if each.name not in RESTLESS:
            assert each.scores["precision_at_20"] >= theirs["precision_at_20"] - 0.05, each.name
            assert each.scores["success_auc"] >= theirs["success_auc"] - 0.05, each.name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csrt", "kcf"])
def test_opencv_scores_what_was_measured_of_it(shared, author, tmp_path, name):
    """Reader, runner and protocol together, against numbers measured elsewhere."""
    sequences = load_benchmark("otb", shared / "data" / "otb-dev")
    ope.run([cfkd_core.load_tracker(name)], sequences, tmp_path, "otb")
    (found,) = ope.score("otb", sequences, tmp_path)
    precision, success = author["others_same_videos"][f"OpenCV {name.upper()}"]
    assert found.scores["precision_at_20"] == pytest.approx(precision, abs=0.005)
    assert found.scores["success_auc"] == pytest.approx(success, abs=0.005)


def pairs(shared, **options):
    """96 pairs as a tracker meets them, from videos that nothing was trained on."""
    sources = [
        Source(folder, load_benchmark("otb", shared / "data" / folder), weight)
        for folder, weight in (("otb-dev", 11.0), ("uav-dev", 3.0))
    ]
    as_met = {"grey": 0.0, "brightness": 0.0, "scale_jitter": 0.15, "shift_jitter": 1.0}
    drawn = PairDataset(sources, 96, 0, PairOptions(**as_met, **options))
    return [drawn.batch(list(range(start, start + 8))) for start in range(0, 96, 8)]


def readme_quotes(value: float) -> bool:
    """To two decimals; another processor may round to the neighbour."""
    readme = (paths.DATA.parent / "README.md").read_text(encoding="utf-8")
    return any(f"{value + apart:.2f}" in readme for apart in (0, -0.003, 0.003))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("atom", 0.75), ("matom", 0.70)])
def test_the_heads_judge_boxes_of_videos_they_have_not_seen(shared, name, least):
    """Issue 3's bar, and the README's figure."""
    net = cfkd_core.load_tracker(name).net
    found = judge(net, pairs(shared), RefineOptions())["iou_correlation"]
    assert found >= least
    assert readme_quotes(found)


@pytest.mark.slow
def test_proposals_that_are_well_off_climb_and_good_ones_do_not(shared):
    """Issue 3 asks for 0.08 on jittered proposals; the jitter decides what there is to gain."""
    net = cfkd_core.load_tracker("matom").net

    def gain(**noise):
        return judge(net, pairs(shared, **noise), RefineOptions())["refinement_gain"]

    gains = [gain(proposal_noise=(noise,)) for noise in (0.3, 0.2, 0.1, 0.05)]
    assert gains[0] >= 0.08
    assert gains[1] >= 0.08
    assert gains[3] < 0 < gains[2]
    gains.append(gain())  # all of these and 0.01, in equal parts, as in training
    assert all(map(readme_quotes, map(abs, gains)))


RECORDS = sorted((paths.DATA / "results").glob("*_dev/*_seed*.json"))


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_recorded_runs_are_of_the_trackers_that_ship(file):
    """Every record names the weights and options in use; else it must be made anew."""
    recorded_as, seed = file.stem.split("_seed")
    name = recorded_as.removesuffix("_int8")
    (recorded,) = report.load_json(file)
    runtime = "auto" if name == recorded_as else "int8"
    card = json.loads(json.dumps(cfkd_core.load_tracker(name, runtime=runtime).card))
    assert recorded.card == card | {"tracker": name, "seed": int(seed)}


def test_there_are_enough_records_to_speak_of_a_mean():
    seeds = Counter(file.stem.split("_seed")[0] for file in RECORDS if "otb" in file.parent.name)
    assert seeds["classifier"] >= 5
    assert seeds["matom"] >= 5
    assert min(seeds.values()) >= 3


def test_the_readme_quotes_the_records():
    """The figures in the README are the means of the recorded runs."""
    folder = paths.DATA / "results" / "otb_dev"
    csrt = next(each for each in report.load_json(folder / "rivals.json") if each.tracker == "csrt")
    readme = (paths.DATA.parent / "README.md").read_text(encoding="utf-8")
    for score in ("precision_at_20", "success_auc"):
        assert f"{csrt.scores[score]:.3f}" in readme
        for name in ("classifier", "matom"):
            mean = recorded_mean(folder, name, score)
            assert f"{mean:.3f}" in readme, (name, score, mean)
    longer = {"cfkd", "cfkd_normalised", "ablation_ts_ah"}
    rows = {*longer, *(f"{name}_longer" for name in longer), "ablation_gt"}
    for name in rows | {"ablation_ts_ah_fidelity"}:
        mean = recorded_mean(folder, name, "success_auc")
        assert f"{mean:.3f}" in readme, (name, mean)
    for name in ("classifier", "matom"):
        mean = recorded_mean(folder.parent / "uav_dev", name, "success_auc")
        assert f"{mean:.3f}" in readme, (name, mean)
    seeds = tuple(records.runs("matom_int8"))
    assert seeds == (0, 1, 2)
    for name in ("matom", "matom_int8"):
        mean = records.pooled(name, (records.OTB,), seeds=seeds).scores["success_auc"]
        assert f"{mean:.3f}" in readme, (name, mean)


def recorded_mean(folder, name, score):
    """Over the seeds."""
    runs = [report.load_json(file)[0] for file in folder.glob(f"{name}_seed*.json")]
    return sum(run.scores[score] for run in runs) / len(runs)
