"""The definitions, against what the thesis and its code say of them.

Source: The original, exactly, sections 1.3, 2.5 and 3.
"""

from dataclasses import fields, replace

import pytest

from cfkd_core.errors import InputError
from cfkd_core.experiments.definition import check_lockstep
from cfkd_core.experiments.recipes import RECIPES, resolve, resolve_together
from cfkd_core.experiments.rows import CFKD, EXPERIMENTS, SEPARATE
from cfkd_core.models.atom import ARCHITECTURES
from cfkd_core.training.stage import total_steps

TEACHERS = {"atom", "drnet"}
OF_MATOM = {"matom", "atom_redrawn", "matom_ts_ah", "matom_taught"}


def test_every_row_of_the_tables_has_a_name():
    rows = {
        "4.1": {"atom", "cfkd", "cfkd_code"},
        "4.2": {
            *("ablation_gt", "ablation_ts", "ablation_ts_ah", "ablation_ts_ah_fidelity"),
            *("cfkd", "ablation_separate"),
        },
        "4.3": {"cfkd_resnet18_m", "cfkd_resnet18_s", "cfkd_resnet18_t"},
        "4.4": {"wang", "wang_corrected", "liu"},
        "4.5": {"drnet", "mdrnet"},
        "ours": {
            *("cfkd_random", "cfkd_normalised"),
            *("ts_ah_normalised", "cfkd_normalised_strong_filter"),
            *("gt_imagenet", "ts_ah_imagenet", "ts_ah_fidelity_imagenet"),
            *("cfkd_imagenet", "cfkd_normalised_imagenet"),
            *("ablation_ts_ah_longer", "cfkd_longer", "cfkd_normalised_longer"),
            *OF_MATOM,
        },
    }
    assert set().union(*rows.values()) == EXPERIMENTS.keys()
    assert all(EXPERIMENTS[name].name == name for name in EXPERIMENTS)
    for table in ("4.2", "4.3", "4.4", "4.5"):
        for name in rows[table] - {"cfkd"}:
            assert f"table {table}" in EXPERIMENTS[name].reproduces


def test_the_thesis_recipe():
    """50 epochs of 1000 batches of 32; Adam at 1e-2, a tenth every 15 epochs; all of it learns."""
    (stage,) = CFKD.stages
    assert (stage.epochs, stage.batches, CFKD.batch_size) == (50, 1000, 32)
    assert (stage.lr, stage.drop_every, stage.drop) == (1e-2, 15, 0.1)
    assert stage.trained == ("backbone", "head")
    assert CFKD.start == "random"
    assert (CFKD.pairs.size, CFKD.pairs.search_scale, CFKD.pairs.proposals) == (288, 5.0, 16)
    assert stage.losses == {
        "fidelity": 100,
        "correlation_filter": 0.1,
        "teacher_soft": 1,
        "adaptive_hard": 0.1,
    }


def test_the_code_differs_from_the_thesis_in_one_term():
    thesis, code = (EXPERIMENTS[name].stages[0].losses for name in ("cfkd", "cfkd_code"))
    assert code.items() - thesis.items() == {("correlation_filter_batch_maximum", 0.01)}
    assert thesis.items() - code.items() == {("correlation_filter", 0.1)}


@pytest.mark.parametrize("name", sorted(EXPERIMENTS.keys() - TEACHERS - OF_MATOM))
def test_a_row_differs_from_cfkd_by_its_definition_alone(name):
    row = EXPERIMENTS[name]
    changed = {f.name for f in fields(row) if getattr(row, f.name) != getattr(CFKD, f.name)}
    assert changed <= {"name", "reproduces", "architecture", "stages", "teacher", "start", "mini"}
    assert (row.architecture != CFKD.architecture) == ("resnet18" in name or name == "mdrnet")


@pytest.mark.parametrize("name", sorted(OF_MATOM - {"matom"}))
def test_a_row_of_matom_differs_from_it_in_one_thing(name):
    ours, row = EXPERIMENTS["matom"], EXPERIMENTS[name]
    changed = {f.name for f in fields(row) if getattr(row, f.name) != getattr(ours, f.name)}
    what = {"architecture"} if name == "atom_redrawn" else {"stages", "teacher"}
    assert changed == {"name", "reproduces"} | what
    assert replace(row.stages[0], losses=ours.stages[0].losses) == ours.stages[0]


def test_separate_training_has_a_stage_for_each_part():
    backbone, head = SEPARATE.stages
    assert (backbone.trained, head.trained) == (("backbone",), ("head",))
    assert {**backbone.losses, **head.losses} == CFKD.stages[0].losses
    assert backbone.steps == head.steps == CFKD.stages[0].steps


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_resolves_and_shrinks(name, recipe):
    experiment = resolve(name, recipe)
    small = resolve(name, recipe, smoke=True)
    assert total_steps(small.stages) <= 8 < total_steps(experiment.stages)
    assert small.terms == experiment.terms
    assert [stage.trained for stage in small.stages] == [s.trained for s in experiment.stages]


def test_the_mini_recipe_keeps_the_size_of_the_target():
    paper, mini = resolve("cfkd", "paper").pairs, resolve("cfkd", "mini").pairs
    assert mini.size / mini.search_scale == pytest.approx(paper.size / paper.search_scale)
    # and lets the target wander no further than the patch reaches
    assert mini.shift_jitter / 2 < mini.search_scale / 2


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_both_recipes_start_from_the_same_weights(name):
    assert resolve(name, "mini").start == resolve(name, "paper").start


def test_the_rows_of_the_mini_recipe_see_as_many_pairs():
    for name, row in EXPERIMENTS.items():
        if row.teacher == "atom":
            mini = resolve(name, "mini")
            assert {stage.steps * mini.batch_size for stage in mini.stages} == {65_536}


def test_a_constant_rate_makes_a_short_training_the_beginning_of_a_longer_one():
    (short,), (long,) = (resolve_together(["cfkd"], "mini", length=n) for n in (0.5, 1.0))
    (first,), (second,) = short.stages, long.stages
    assert 2 * first.steps == second.steps
    assert all(first.rate(step) == second.rate(step) for step in range(first.steps))
    assert first.average == second.average == 1


@pytest.mark.parametrize("recipe", RECIPES)
def test_our_own_student_sees_targets_that_are_no_whole_objects(recipe):
    """By either recipe: it is what makes its head compare."""
    ours = resolve("matom", recipe)
    assert ours.pairs.target_jitter > 0
    assert ours.pool > 0
    assert not ours.trains_backbone
    assert resolve("cfkd", recipe).pairs.target_jitter == 0


def test_a_tenth_of_a_recipe():
    (whole,), (tenth,) = (resolve_together(["matom"], "mini", length=n) for n in (1.0, 0.1))
    assert total_steps(tenth.stages) * 10 == total_steps(whole.stages)
    assert tenth.pool * 10 == whole.pool
    assert replace(tenth, stages=whole.stages, pool=whole.pool) == whole
    (least,) = resolve_together(["cfkd"], "mini", length=1e-9)
    assert least.stages[0].batches == 1


@pytest.mark.parametrize("length", [0.0, -1.0, float("nan"), float("inf")])
def test_a_length_that_is_none(length):
    with pytest.raises(InputError, match=r"length .*: a positive number"):
        resolve_together(["cfkd"], "mini", length=length)


def test_a_whole_table_can_be_trained_together():
    for recipe in RECIPES:
        rows = [n for n in EXPERIMENTS if EXPERIMENTS[n].teacher == "atom"]
        check_lockstep([resolve(name, recipe) for name in rows])
        check_lockstep([resolve(name, recipe) for name in TEACHERS])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teacher": None}, "teacher is atom and None"),
        ({"batch_size": 8}, "batch_size is 32 and 8"),
    ],
)
def test_what_cannot_be_trained_together_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        check_lockstep([CFKD, replace(CFKD, name="other", **change)])


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="'cfdk': unknown; choose from atom, drnet, cfkd"):
        resolve("cfdk", "mini")
    with pytest.raises(InputError, match="recipe 'maxi': unknown; choose from paper, mini"):
        resolve("cfkd", "maxi")


def test_networks_are_those_of_the_tables():
    assert EXPERIMENTS["drnet"].architecture == ARCHITECTURES["drnet"]
    assert resolve("drnet", "mini").architecture.backbone == "resnet18"
    assert EXPERIMENTS["cfkd_resnet18_s"].architecture == ARCHITECTURES["atom_s"]
