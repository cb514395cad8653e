# %% [markdown]
# # The sum: four lessons at once
#
# Four losses are on the table: [fidelity](fidelity.ipynb) and the [correlation
# filter](correlation_filter_loss.ipynb) loss for the backbone, and the two losses of [the
# head](iou_head.ipynb). The thesis {cite:p}`danier2020cfkd` adds them up and trains backbone and head
# together. It says that this is better than one after the other, because the head's errors then
# flow into the backbone.
#
# Adding up numbers of different nature needs weights, and weights decide who is heard. We train a
# student before your eyes, take the gradient apart, and try other weights.

# %% tags=["parameters"]
profile = "smoke"

# %%
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from IPython.display import Markdown
from myst_nb import glue
from torch.testing import assert_close

from cfkd_core import explore, paths
from cfkd_core.benchmarks.judgement import judge
from cfkd_core.datasets.pairs import PairBatch, PairDataset, Source
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.experiments import loss_grid
from cfkd_core.experiments.card import curves
from cfkd_core.experiments.measures import backbone_gradients
from cfkd_core.experiments.recipes import resolve
from cfkd_core.experiments.rows import ABLATION, CFKD, CFKD_CODE, LONGER, SEPARATE
from cfkd_core.experiments.run import RunOptions, build_distiller, launch
from cfkd_core.figures import distillation, style
from cfkd_core.losses import LOSSES
from cfkd_core.tracking.refine import RefineOptions
from cfkd_core.training import journal
from cfkd_core.training.loop import LoopOptions, train

style.use_style()
torch.set_num_threads(1)
smoke = profile == "smoke"

# %% [markdown]
# ## The sum
#
# $$ \mathcal{L}_{CFKD} = \omega_1 \mathcal{L}_{\text{fidelity}} + \omega_2 \mathcal{L}_{CF}
#    + \omega_3 \mathcal{L}_{TS} + \omega_4 \mathcal{L}_{AH} $$ (eq:mt-sum)
#
# is the thesis's Equation 3.11. Its weights, and those of the author's code, are experiments of
# this project, so they can be read off:

# %%
thesis, code = CFKD.stages[0].losses, CFKD_CODE.stages[0].losses
thesis

# %% tags=["remove-cell"]
for name, weight in thesis.items():
    glue(f"weight_{name}", weight, display=False)
glue("code_weight", code["correlation_filter_batch_maximum"], display=False)

# %% [markdown]
# The code has {glue:text}`code_weight:g` for the correlation filter loss where the thesis prints
# {glue:text}`weight_correlation_filter:g`; the other three agree.
#
# ## A minute of training
#
# The experiment `cfkd`, from ImageNet weights, by the recipe that a laptop can bear, cut to {glue:text}`steps` steps of
# {glue:text}`batch_size` pairs. The teacher is the one that ships; the student begins with the
# ImageNet trunk and a random head; the pairs are synthetic. `Distiller` holds both networks and
# computes the terms, `train` is the one loop that all networks of this project went through.

# %%
steps = 5 if smoke else 50
experiment = resolve("cfkd_imagenet", "mini").with_stages(
    epochs=1, batches=steps, schedule="cosine", warm_up=steps // 10, average=0.0
)
experiment = replace(experiment, name="cfkd", batch_size=4)
films = training_films(4 if smoke else 40, 0)
pairs = PairDataset([Source("films", films)], steps * 4, 0, experiment.pairs)
other = training_films(4 if smoke else 12, 1)
plain = replace(experiment.pairs, grey=0, brightness=0)
held_out = PairDataset([Source("held out", other)], 100, 0, plain).batch(
    list(range(8 if smoke else 24))
)

distiller = build_distiller([experiment], RunOptions())
student, teacher = distiller.students["cfkd"], distiller.teacher
few = PairBatch(*(field[:4] for field in held_out))
with torch.no_grad():
    theirs = teacher(few.target, few.target_box, few.search, few.proposals)
pull_before = backbone_gradients(student, theirs, few, loss_grid.TERMS)
judged_before = judge(student.eval(), [held_out], RefineOptions())
distiller.train()

with tempfile.TemporaryDirectory() as folder:
    fabric = launch("cpu", devices=1, nodes=1, precision="32-true")
    loop = LoopOptions(experiment.batch_size)
    train(distiller, {"cfkd": experiment.stages}, pairs, Path(folder), fabric, loop)
    entries = journal.read(Path(folder) / "cfkd")
pull_after = backbone_gradients(student, theirs, few, loss_grid.TERMS)
judged_after = judge(student.eval(), [held_out], RefineOptions())

# %% tags=["remove-cell"]
glue("steps", steps, display=False)
glue("batch_size", experiment.batch_size, display=False)
glue("before", judged_before["iou_correlation"], display=False)
glue("after", judged_after["iou_correlation"], display=False)
last = entries[-1]
rest = sum(thesis[name] * last[name] for name in thesis if name != "fidelity")
glue("rest", float(rest), display=False)
glue("total", last["total"], display=False)

# %% mystnb={"figure": {"name": "fig:mt-live", "caption": "The four terms while the student learned, when this page was built; each as a share of its first value."}} tags=["hide-input"]
figure, ax = plt.subplots(figsize=(style.WIDTH, 2.9))
distillation.terms_over_time(ax, curves(entries, 25), steps)
figure.legend(loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# The correlation of predicted with true overlaps on other films goes from {glue:text}`before:.2f`
# to {glue:text}`after:.2f`. And the total? It is {glue:text}`total:,.0f`, of which the three other
# terms together are {glue:text}`rest:.2f`: the remainder is fidelity. Whoever watches the total sees fidelity and nothing else.
#
# ## Who is heard?
#
# A total is a number; what trains is its gradient, and a term moves only what it depends on.
# Fidelity and the correlation filter loss know nothing of the head:


# %%
ours = student(few.target, few.target_box, few.search, few.proposals)
head = list(student.iou_head.parameters())
felt = {}
for name in thesis:
    term = LOSSES[name](ours, theirs, few)
    slopes = torch.autograd.grad(term, head, retain_graph=True, allow_unused=True)
    felt[name] = any(slope is not None for slope in slopes)
assert [name for name in felt if felt[name]] == ["teacher_soft", "adaptive_hard"]

# %% [markdown]
# So the head listens to its own two teachers. And Adam, which divides each step by the recent size
# of the gradient, does not care for the weights' common scale: a thousand times the loss makes the
# same step.


# %%
def adam_step(scale):
    weight = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([weight], lr=0.1)
    for _ in range(5):
        adam.zero_grad()
        (scale * (weight**2).sum()).backward()
        adam.step()
    return weight.detach()


assert_close(adam_step(1.0), adam_step(1000.0), rtol=1e-6, atol=1e-6)

# %% [markdown]
# What counts is therefore not how large a weight is but **how the terms compare in the same
# parameters**, and the only parameters that all four share are the backbone's. There we take the
# gradient of each term alone, {numref}`tab:mt-pull`, before and after the short training.

# %% tags=["hide-input"]
weighted = {
    when: {name: thesis[name] * pull[name] for name in thesis}
    for when, pull in (("before", pull_before), ("after", pull_after))
}


def rough(value):
    """Two digits of a number."""
    return float(f"{value:.2g}")


lines = ["| term | weight | gradient, before | weighted | gradient, after | weighted |"]
lines += ["|:--|--:|--:|--:|--:|--:|"]
lines += [
    f"| {distillation.words(name)} | {thesis[name]:g} | {rough(pull_before[name]):,.9g} | "
    f"{rough(weighted['before'][name]):,.9g} | {rough(pull_after[name]):,.9g} | "
    f"{rough(weighted['after'][name]):,.9g} |"
    for name in thesis
]
glue("pull", Markdown("\n".join(lines)), display=False)
heads = {when: each["teacher_soft"] + each["adaptive_hard"] for when, each in weighted.items()}
glue("louder", rough(weighted["before"]["fidelity"] / heads["before"]), display=False)
glue("louder_after", rough(weighted["after"]["fidelity"] / heads["after"]), display=False)
balance = heads["before"] / pull_before["fidelity"]
glue("balance", balance, display=False)
(stage,) = CFKD.stages
glue("paper_steps", stage.epochs * stage.batches, display=False)
glue("paper_batch", CFKD.batch_size, display=False)

# %% [markdown]
# ````{table} Norm of each term's gradient in the backbone's weights, on four pairs (training mode). Adaptive hard is taken as if switched on.
# :name: tab:mt-pull
# ```{glue:md} pull
# :format: myst
# ```
# ````
#
# **Fidelity pulls at the backbone {glue:text}`louder:,.0f` times as hard as both losses of the head
# together** (after the training, {glue:text}`louder_after:,.0f` times). For the two to be equal its
# weight would have to be {glue:text}`balance:.1g`. The thesis explains the benefit of multi-task
# training by the head's errors that flow into the backbone. They do flow; but with these weights,
# at least at this stage and with our teacher's features, they are a whisper beside a waterfall. The
# energies {eq}`eq:fid-energy` are sums over hundreds of channels and are squared, and the weight of
# {glue:text}`weight_fidelity:g` comes on top.
#
# This does not refute the thesis's measurement. In its Table 4.2 joint training is ahead of training
# in two stages by {glue:text}`printed_precision:.1f` points of precision and
# {glue:text}`printed_success:.1f` of success. But it asks for another explanation. The two runs also
# differ in what the head sees while it learns: features that are still moving, for as long as the
# whole training lasts, or features that have come to rest.

# %% tags=["remove-cell"]
printed = pd.read_csv(paths.THESIS / "table_4_2.csv").set_index(["losses", "multitask"])
joint, apart = (printed.loc[("TS+AH+fidelity+CF", how)] for how in ("yes", "no"))
glue("printed_precision", float(joint.precision - apart.precision), display=False)
glue("printed_success", float(joint.success_auc - apart.success_auc), display=False)

# %% [markdown]
# ## Other weights
#
# What if the weights were different? {glue:text}`grid_cells` students, each from the same start and
# on the same pairs, learned for {glue:text}`grid_steps` steps. Each weight is the thesis's or one
# other: off for the head's terms, and for the backbone's a weight that makes their gradients start
# about as large as those of the head. These are recorded runs (`data/results/loss_grid.json`, made
# at commit {glue:text}`grid_commit`); move the sliders to go through them.

# %%
recorded = loss_grid.read()
grid = {
    tuple(cell["weights"][term] for term in loss_grid.TERMS): cell
    for cell in recorded["cells"]
    if cell["seed"] == 0
}
scores = {key: cell["validation"]["iou_correlation"] for key, cell in grid.items()}


# %% tags=["hide-input"]
def draw_cell(*weights):
    """One run: its terms, the pulls at its backbone, its judgement."""
    cell = grid[weights]
    pulls = {
        term: weight * cell["validation"][f"gradient_{term}"]
        for term, weight in zip(loss_grid.TERMS, weights, strict=True)
    }
    return distillation.cell(
        cell["curves"],
        recorded["options"]["steps"],
        pulls,
        score=scores[weights],
        others=list(scores.values()),
    )


levels = {distillation.words(term): values for term, values in loss_grid.LEVELS.items()}
if smoke:
    levels |= {"teacher soft": (1.0,), "adaptive hard": (0.1,)}
explore.Explorer(
    draw_cell,
    levels,
    caption="Four loss weights and a short run with each combination. Left: the unweighted terms. "
    "Right: weighted gradients in the backbone at the end. Below: how well the head judges boxes of "
    "other films.",
)

# %% tags=["remove-cell"]
at_thesis = tuple(thesis[term] for term in loss_grid.TERMS)
glue("grid_cells", len(grid), display=False)
glue("grid_steps", recorded["options"]["steps"], display=False)
glue("grid_commit", recorded["commit"], display=False)
again = {
    tuple(cell["weights"][term] for term in loss_grid.TERMS): cell["validation"]["iou_correlation"]
    for cell in recorded["cells"]
    if cell["seed"] != 0
}


def mean_score(fidelity, correlation_filter, taught=True):
    """Mean judgement of the runs with these two weights, and with or without a taught head."""
    found = [
        score
        for (first, second, *head), score in scores.items()
        if (first, second) == (fidelity, correlation_filter) and any(head) == taught
    ]
    return sum(found) / len(found)


low, high = loss_grid.LEVELS["fidelity"]
weak, strong = loss_grid.LEVELS["correlation_filter"]
lines = ["| fidelity | correlation filter | head taught | not taught |", "|--:|--:|--:|--:|"]
lines += [
    f"| {fidelity:g} | {cf:g} | {mean_score(fidelity, cf):.2f} | {mean_score(fidelity, cf, False):.2f} |"
    for fidelity in (low, high)
    for cf in (weak, strong)
]
glue("grid_table", Markdown("\n".join(lines)), display=False)
quiet, loud = (
    sum(mean_score(fidelity, cf) for cf in (weak, strong)) / 2 for fidelity in (low, high)
)
untaught = sum(mean_score(f, cf, False) for f in (low, high) for cf in (weak, strong)) / 4
for name, value in (("quiet", quiet), ("loud", loud), ("untaught", untaught)):
    glue(f"grid_{name}", value, display=False)
glue("grid_low", low, display=False)
glue("chance", max(abs(score - scores[key]) for key, score in again.items()), display=False)
glue("grid_gap", abs(quiet - loud), display=False)
fallen = {
    key: cell["curves"]["fidelity"][-1] / cell["curves"]["fidelity"][0]
    for key, cell in grid.items()
}
glue("fallen", 100 * fallen[at_thesis], display=False)
glue("fallen_low", 100 * fallen[low, *at_thesis[1:]], display=False)

# %% [markdown]
# ````{table} Correlation of predicted with true overlaps at the end of the grid's runs; means over runs with at least one of the head's two terms, and the runs with none.
# :name: tab:mt-grid
# ```{glue:md} grid_table
# :format: myst
# ```
# ````
#
# {numref}`tab:mt-grid` sums up. A head that nobody teaches stays where chance put it
# ({glue:text}`grid_untaught:.2f` on average). A head that is taught reaches
# {glue:text}`grid_loud:.2f` under the thesis's weight for fidelity, and {glue:text}`grid_quiet:.2f`
# when fidelity is turned down to {glue:text}`grid_low:g`. But the same weights with another seed, so
# another head to begin with and other pairs, differ by up to {glue:text}`chance:.2f`, and that is the
# measure of all these numbers: fidelity's weight moves them by {glue:text}`grid_gap:.2f`. What the
# weights do move is the backbone, a little: by the end fidelity has come to {glue:text}`fallen:.0f` %
# of its first value under the thesis's weights, and to {glue:text}`fallen_low:.0f` % where it is
# turned down.
#
# ## The runs that ship
#
# The networks that come with this book wrote down how their losses fell.
# {numref}`fig:mt-shipped` has the rows of Table 4.2 that were trained with any of the four terms, and those of
# them that went on for three times as long; {numref}`tab:mt-shipped` has all networks, how long they learnt,
# and what came of it on pairs that were kept from training.

# %%
cards = {path.stem: json.loads(path.read_text()) for path in sorted(paths.WEIGHTS.glob("*.json"))}
cards = {name: card for name, card in cards.items() if "curves" in card}
lengths = {
    name: sum(stage["epochs"] * stage["batches"] for stage in card["stages"])
    for name, card in cards.items()
}
shipped = {
    each.name: (cards[each.name]["curves"], lengths[each.name])
    for each in (*ABLATION, CFKD, SEPARATE, *LONGER)
    if set(cards[each.name]["curves"]) & set(distillation.TERMS)
}

# %% mystnb={"figure": {"name": "fig:mt-shipped", "caption": "The terms of Table 4.2's rows over their training, unweighted, from their cards; each point is the mean over a fiftieth of the steps."}} tags=["hide-input"]
distillation.rows_over_time(shipped)
plt.show()

# %% tags=["hide-input"]
lines = ["| network | recipe | steps | hours | correlation | gain |", "|:--|:--|--:|--:|--:|--:|"]
for name, card in cards.items():
    found = [
        f"{value:.3f}" if value is not None else "–"
        for value in (
            card["validation"].get("validation_iou_correlation"),
            card["validation"].get("validation_refinement_gain"),
        )
    ]
    lines.append(
        f"| `{name}` | {card['recipe']} | {lengths[name]:,} | {card['hours']:.2f} | "
        f"{' | '.join(found)} |"
    )
glue("shipped_table", Markdown("\n".join(lines)), display=False)
glue("shipped_count", len(cards), display=False)

# %% [markdown]
# ````{table} Shipped networks: correlation of predicted with true overlaps, and mean IoU gained by refinement, on real and synthetic pairs that were held out. Rows that were trained side by side share the hours.
# :name: tab:mt-shipped
# ```{glue:md} shipped_table
# :format: myst
# ```
# ````
#
# The thesis trained {glue:text}`paper_steps:,` steps of {glue:text}`paper_batch` pairs. None of
# these networks comes near that, and what is said here of short runs need not hold for long ones.
#
# ## What we saw, and what we did not
#
# - A total is dominated by whatever has the largest numbers: here fidelity, with all but
#   {glue:text}`rest:.2f` of {glue:text}`total:,.0f`.
# - Adam does not see a common factor. The head learns from its own two terms at full strength, whatever
#   the others weigh; the backbone listens to the loudest, and that is fidelity,
#   {glue:text}`louder:,.0f` to one.
# - In {glue:text}`grid_steps` steps, another weight for fidelity moves the judgement of a taught head
#   by {glue:text}`grid_gap:.2f`, another seed by up to {glue:text}`chance:.2f`. Runs this short cannot
#   rank weights; they show what each term answers to.
# - We did not see the thesis's comparison at its length. The chapter on the ablation has the
#   trackers that came of these losses.
#
# ## Exercises
#
# 1. Make the four terms pull equally at the backbone, and train for a minute. Which weights do you
#    need?
#
# ```{dropdown} A solution
# The inverse of each gradient in {numref}`tab:mt-pull`: `{name: 1 / pull_before[name] for name in
# thesis}` as `losses` of the stage. The gradients change while the student learns, so the balance
# does not last; GradNorm and its relatives renew the weights as they go.
# ```
#
# 2. Adam's step does not depend on the loss's scale, but for one thing in its formula. Which, and
#    when does it matter?
#
# ```{dropdown} A solution
# The $\epsilon$ = 1e-8 beside the root of the second moment. It matters where gradients are as small
# as that: a correlation filter loss weighted 1e-7 and nothing else would hardly move anything. And
# a limit on the gradient's norm, where one is set, does see the scale.
# ```
#
# 3. The joint training and the one in two stages differ in two things: where the head's errors flow,
#    and what the head sees. Design a run that separates them.
#
# ```{dropdown} A solution
# Train jointly, but cut the gradient between backbone and head (`detach` the pyramids that the head
# gets). The head sees moving features, as in joint training; no error flows. If it does as well as
# the joint training, the flow was not the reason.
# ```
