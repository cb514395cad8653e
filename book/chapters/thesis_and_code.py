# %% [markdown]
# # Thesis against code
#
# A thesis says what was done; the code says what was run. For this work both are public, and they
# disagree in some twenty places. Some are slips of the pen. Some change what is learnt. A table that
# lists them is quickly made; the question of this chapter is the next one: **does it matter?**
# Where a small computation can tell, it is made here, on the networks that ship with the project.
#
# Neither side is simply right. Where they differ, the library has both, by name, and the rows `cfkd`
# (as printed) and `cfkd_code` (as run) train the two recipes side by side.

# %% tags=["parameters"]
profile = "smoke"

# %%
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown
from myst_nb import glue
from torch.testing import assert_close

import cfkd_core
from cfkd_core import boxes, ops, paths
from cfkd_core.benchmarks import report
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source, recolour
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.experiments.rows import EXPERIMENTS
from cfkd_core.figures import style
from cfkd_core.losses import LOSSES
from cfkd_core.models.atom import build_atom

style.use_style()
torch.set_num_threads(1)
torch.manual_seed(0)
smoke = profile == "smoke"
count = 2 if smoke else 8  # pairs

# %% [markdown]
# ## The material
#
# A batch of training pairs from synthetic films, the shipped teacher, and two students: one as it
# is before training, with random weights, and one that ships ({glue:text}`shipped`).

# %%
pairs = PairDataset([Source("films", training_films(6, seed=1), 1.0)], count, 0, PairOptions())
batch = pairs.batch(list(range(count)))
teacher = cfkd_core.load_tracker("atom").net.requires_grad_(False)
# the thesis's own recipe where it has been trained, else our default student
shipped = next(each for each in ("cfkd", "matom") if (paths.WEIGHTS / f"{each}.json").exists())
students = {
    "before training": build_atom("matom").train(),
    "shipped": cfkd_core.load_tracker(shipped).net.eval(),
}
inputs = batch.target, batch.target_box, batch.search, batch.proposals
theirs = teacher(*inputs)
for net in students.values():
    net.requires_grad_(True)

# %% tags=["remove-cell"]
glue("pairs", count, display=False)
glue("shipped", shipped, display=False)


# %% [markdown]
# ## A weight: 0.1 or 0.01?
#
# The thesis weighs the correlation filter loss with $\omega_2 = 0.1$. Each settings file of the code
# that trains it says 0.01. The other three weights agree. What a weight does is decided by the
# gradient: a term whose gradient is small beside the others' is not heard. So we take the gradient
# of each term in the student's parameters and compare lengths.


# %%
def gradient_lengths(net, output):
    """Length of the gradient of each term, unweighted."""
    terms = ("fidelity", "correlation_filter", "teacher_soft", "adaptive_hard")
    found = {}
    for term in terms:
        value = LOSSES[term](output, theirs, batch)
        slopes = torch.autograd.grad(
            value, tuple(net.parameters()), retain_graph=True, allow_unused=True
        )
        squares = [slope.square().sum() for slope in slopes if slope is not None]
        found[term] = float(torch.stack(squares).sum().sqrt()) if squares else 0.0
    return found


weights = {
    name: dict(EXPERIMENTS[row].stages[0].losses)
    for name, row in (("thesis", "cfkd"), ("code", "cfkd_code"))
}
weights["code"]["correlation_filter"] = weights["code"].pop("correlation_filter_batch_maximum")
lengths = {name: gradient_lengths(net, net(*inputs)) for name, net in students.items()}
heard = {
    (name, side): {term: chosen[term] * length for term, length in lengths[name].items()}
    for name in students
    for side, chosen in weights.items()
}

# %% mystnb={"figure": {"name": "fig:discrepancies-weights", "caption": "Length of each weighted term's gradient in all parameters of the student, on a logarithmic scale, with the weights of the thesis and of the code. They differ in the correlation filter alone."}} tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(style.WIDTH, 2.7), sharey=True, sharex=True)
words = {
    "fidelity": "fidelity",
    "correlation_filter": "correlation filter",
    "teacher_soft": "teacher soft",
    "adaptive_hard": "adaptive hard",
}
for axis, name in zip(axes, students, strict=True):
    for offset, side, role in ((-0.2, "thesis", "thesis"), (0.2, "code", "ours")):
        values = [max(heard[name, side][term], 1e-6) for term in words]
        axis.barh(np.arange(4) + offset, values, 0.38, color=style.ROLES[role], label=side)
    axis.set(title=name, xscale="log", yticks=range(4), yticklabels=words.values())
    axis.set_xlabel("weighted gradient")
axes[0].invert_yaxis()
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
plt.show()

# %% tags=["remove-cell"]
for name, key in (("before training", "fresh"), ("shipped", "trained")):
    for side in ("thesis", "code"):
        parts = heard[name, side]
        orders = np.log10(parts["fidelity"] / parts["correlation_filter"])
        glue(f"orders_{key}_{side}", float(orders), display=False)
drowned = all(parts["fidelity"] > 10 * parts["correlation_filter"] for parts in heard.values())
glue("weight_verdict", "does not matter yet" if drowned else "matters", display=False)

# %% [markdown]
# Before training, the weighted gradient of fidelity is longer than that of the correlation filter by
# {glue:text}`orders_fresh_thesis:.1f` powers of ten with the thesis's weight, by
# {glue:text}`orders_fresh_code:.1f` with the code's; in the shipped student by
# {glue:text}`orders_trained_thesis:.1f` and {glue:text}`orders_trained_code:.1f`. At these two points
# the weight **{glue:text}`weight_verdict`**. The reason is in the fidelity loss: it compares sums over
# the teacher's 128 and 256 channels with sums over the student's 32 and 64, and weighs the squares by
# 100. A term that is a millionth of another is not heard, ten times more or less. The factor of ten
# can count only late, once the student has learnt the teacher's energies; the thesis's Table 4.2
# credits the term with four points, and what our own training makes of it stands at the end of this
# page.
#
# ## Sums or means?
#
# The equations print squared norms, $\|\cdot\|^2$, which are sums over all cells. The code takes
# means. With a sum, a block counts as much as it has cells. By hand, for the fidelity loss:

# %%
with torch.no_grad():
    student = students["shipped"](*inputs)
by_hand = 0.0
for block in ("block3", "block4"):
    for side in ("target", "search"):
        ours, their = (getattr(getattr(each, side), block) for each in (student, theirs))
        apart = ops.channel_energy(ours) - ops.channel_energy(their)
        by_hand += apart.square().mean()
fidelity = LOSSES["fidelity"](student, theirs, batch)
assert_close(by_hand, fidelity)

# %% tags=["remove-cell"]
glue(
    "sum_over_mean", float(LOSSES["fidelity_sum"](student, theirs, batch) / fidelity), display=False
)
cells = [block.shape[-1] ** 2 for block in student.search]
glue("block1_over_block4", cells[0] / cells[3], display=False)
filters = {
    name: float(LOSSES[name](student, theirs, batch))
    for name in (
        "correlation_filter",
        "correlation_filter_sum",
        "correlation_filter_batch_maximum",
    )
}
glue(
    "cf_sum_over_mean",
    filters["correlation_filter_sum"] / filters["correlation_filter"],
    display=False,
)

# %% [markdown]
# As printed, fidelity would be {glue:text}`sum_over_mean:.0f` times as large, and the correlation
# filter {glue:text}`cf_sum_over_mean:.0f` times, with block 1 counting
# {glue:text}`block1_over_block4:.0f` times as much as block 4. The printed weights cannot belong to
# sums. **A slip of notation**; we take means.
#
# ## Whose maximum?
#
# The correlation filter loss divides a response map by its largest value, so that only its shape
# counts. The thesis divides each map by its own maximum, the code all maps of a batch by one. For a
# batch of one the two are the same:

# %%
alone = [
    type(student)(
        student.iou[[i]],
        *(type(p)(*(block[[i]] for block in p)) for p in (student.target, student.search)),
    )
    for i in range(count)
]
single = [type(batch)(*(field[[i]] for field in batch)) for i in range(count)]
for output, pair in zip(alone, single, strict=True):
    own, shared = (
        LOSSES[name](output, theirs, pair)
        for name in ("correlation_filter", "correlation_filter_batch_maximum")
    )
    assert_close(own, shared)

# %% tags=["remove-cell"]
glue("cf_own", filters["correlation_filter"], display=False)
glue("cf_batch", filters["correlation_filter_batch_maximum"], display=False)

# %% [markdown]
# In a batch of {glue:text}`pairs` they are not: {glue:text}`cf_own:.2f` with each map's own maximum,
# {glue:text}`cf_batch:.2f` with the batch's, although no pair has changed. The pair with the
# strongest response sets the scale for all; the others' maps are low everywhere, and no shape mends
# that. **It matters**: the loss of a pair depends on its company, and so on the batch size.
#
# ## A switch with a threshold
#
# The adaptive hard loss teaches by the annotation until the student is better than its teacher by a
# threshold. The thesis does not give the threshold; the code has 0.005, and switches the *whole
# batch*. Here is what the switch looks at, for each pair: by how much the teacher misses the truth,
# less what the student misses.

# %%
l1 = torch.nn.functional.smooth_l1_loss
misses = {
    name: l1(output.iou, batch.proposal_iou, reduction="none").mean(1).detach().numpy()
    for name, output in (("teacher", theirs), ("student", student))
}
lead = misses["teacher"] - misses["student"]  # above the threshold: off
whole = lead.mean()
assert (LOSSES["adaptive_hard"](student, theirs, batch) == 0) == bool(whole >= 0.005)

# %% tags=["remove-cell"]
glue("switch_on", 100 * float((lead < 0.005).mean()), display=False)
glue("switch_mean", float(whole), display=False)
glue("switch_batch", "on" if whole < 0.005 else "off", display=False)

# %% [markdown]
# Pair by pair the term would be on for {glue:text}`switch_on:.0f` % of the pairs; on the batch's mean
# ({glue:text}`switch_mean:.4f`) it is {glue:text}`switch_batch` for all of them. **It matters
# little** while a student trails its teacher: then the term is plain supervision by the annotation,
# with a weight of a tenth.
#
# ## A teacher that is not frozen
#
# The thesis freezes the teacher. The code freezes its parameters but leaves it in training mode, so
# batch normalisation uses each batch's own statistics, and its stored ones drift. What does the
# student hear then?

# %%
drifting = deepcopy(teacher).train()
before = {name: buffer.clone() for name, buffer in drifting.named_buffers()}
unfrozen = drifting(*inputs)
apart = float((unfrozen.iou - theirs.iou).abs().mean())
stored_means = [name for name in before if name.endswith("running_mean")]
drift = np.mean(
    [
        float((drifting.get_buffer(name) - before[name]).norm() / before[name].norm())
        for name in stored_means
    ]
)

# %% tags=["remove-cell"]


def correlation(output):
    """Of predicted and true overlaps."""
    return float(np.corrcoef(output.iou.flatten(), batch.proposal_iou.flatten())[0, 1])


glue("teacher_apart", apart, display=False)
glue("teacher_drift", 100 * float(drift), display=False)
glue("teacher_eval", correlation(theirs), display=False)
glue("teacher_train", correlation(unfrozen), display=False)

# %% [markdown]
# On one batch of {glue:text}`pairs` pairs the predicted overlaps (on the scale from −1 to 1) move by
# {glue:text}`teacher_apart:.3f` on average, and their correlation with the true ones is
# {glue:text}`teacher_train:.2f` instead of {glue:text}`teacher_eval:.2f`. After that single batch the
# stored means have moved by {glue:text}`teacher_drift:.0f` %. **It matters**: the teacher of the
# code is another one in each batch. Ours stays as it is (`Distiller.train`, and a test for it).
#
# ## Augmentation, and how far off the search patch is
#
# "No augmentation", says the thesis. The code makes one pair in twenty grey and changes the
# brightness of each patch by up to a fifth. What the teacher's features make of that:

# %%
still = torch.zeros(len(batch.search), dtype=torch.bool)
one = torch.ones(len(batch.search))
plain = theirs.search.block4
moved = {}
for name, grey, factor in (
    ("darker", still, 0.8 * one),
    ("brighter", still, 1.2 * one),
    ("grey", ~still, one),
):
    changed = teacher.backbone(recolour(batch.search, grey, factor)).block4
    moved[name] = 100 * float((changed - plain).norm() / plain.norm())

# %% tags=["remove-cell"]
for name, value in moved.items():
    glue(f"moved_{name}", value, display=False)
generator = np.random.default_rng(0)
uniform = generator.uniform(-2.25, 2.25, (100_000, 2))
gaussian = generator.normal(0, 4.5 / np.sqrt(12), (100_000, 2))
half = PairOptions().search_scale / 2
for name, shifts in (("uniform", uniform), ("gaussian", gaussian)):
    lost = (np.abs(shifts) > half).any(axis=1).mean()
    glue(f"outside_{name}", 100 * float(lost), display=False)

# %% [markdown]
# Block 4 of the search patch moves by {glue:text}`moved_darker:.0f` % of its length when it gets
# darker, {glue:text}`moved_brighter:.0f` % when brighter, {glue:text}`moved_grey:.0f` % when grey.
# That is not nothing. Both recipes are here; `PairOptions(grey=0, brightness=0)` is the thesis's.
#
# The thesis also shifts the search patch by "Gaussian noise", the code by a uniform one of ±2.25
# target sizes. With the same spread, the Gaussian would put the target's centre outside the patch in
# {glue:text}`outside_gaussian:.0f` % of the pairs, the uniform one in
# {glue:text}`outside_uniform:.0f` %: pairs from which nothing can be learnt.
#
# ## A tracker on a processor
#
# To run without CUDA, the code swaps its precise RoI pooling for torchvision's `RoIPool`, and the
# thesis sees no obvious effect. But ATOM sizes a box by climbing the predicted overlap, along its
# gradient **in the box**. `RoIPool` rounds a box to whole cells before it looks:


# %%
def rounded_pool(maps, box, size, stride):
    """What RoIPool does for one box: whole cells, the maximum in each bin."""
    left, top, right, bottom = (int(edge) for edge in (boxes.to_xyxy(box) / stride).round())
    inside = maps[..., top : bottom + 1, left : right + 1]
    return torch.nn.functional.adaptive_max_pool2d(inside, size)


maps = torch.randn(1, 4, 18, 18)
box = torch.tensor([42.0, 42.0, 162.0, 142.0])
further = box + torch.tensor([3.0, 0.0, 0.0, 0.0])  # px to the right

assert torch.equal(rounded_pool(maps, box, 3, 16), rounded_pool(maps, further, 3, 16))

placed = box.clone().requires_grad_()
exact = ops.prroi_pool(maps, placed[None, None], 3, 16)
assert not torch.allclose(exact, ops.prroi_pool(maps, further[None, None], 3, 16))
exact.square().sum().backward()
assert placed.grad.abs().min() > 0

# %% [markdown]
# A box that moves by three pixels sees the very same cells: there is no slope to climb, and
# torchvision's `RoIPool` passes none on. Refinement would stand still. **It matters**: the thesis's
# frame rates on a processor cannot come from a tracker that refines its boxes as the file stands.
# (That the swap disables refinement follows from the source; we did not run the original on a
# processor.) Our pooling is plain PyTorch and differentiable in the box.
#
# ## A rival that could not win
#
# The thesis reports that the method of Wang et al. fails. In the code, the loss that carries it asks
# *each channel's* response for the full label, where a correlation filter asks their sum. Give it
# the best case there is, the search patch equal to the target patch:

# %%
same = type(student)(student.iou, student.target, student.target)
there = batch._replace(search_box=batch.target_box)
as_method = float(LOSSES["tracking"](same, theirs, there).detach())
as_run = float(LOSSES["tracking_per_channel"](same, theirs, there).detach())

# %% tags=["remove-cell"]
glue("wang_method", as_method, display=False)
glue("wang_run", as_run, display=False)
rival = pd.read_csv(paths.THESIS / "table_4_4.csv").set_index(["dataset", "metric"])
glue("wang_printed", float(rival.wang["OTB-100", "success_auc"]), display=False)

# %% [markdown]
# The method's own loss is {glue:text}`wang_method:.4f`, next to nothing, as it should be. The one
# that ran is {glue:text}`wang_run:.4f`: it cannot be satisfied even by a perfect match, and its
# weight is 100. Its second term compares features through a random projection that is never trained.
# **It matters**: the {glue:text}`wang_printed:.1f` % in Table 4.4 say nothing about the method. The
# rows `wang` and `wang_corrected` train both.
#
# ## What the numbers are called
#
# Three definitions of the evaluation chapter are not those of the numbers beside them.

# %% tags=["hide-input"]
published = report.load_json(paths.DATA / "results" / "otb100" / "published.json")
rows = {}
for each in published:
    curve = each.curve("success")
    rows[each.tracker] = {
        "21 thresholds": 100 * each.scores["success_auc"],
        "integral": 100 * float(np.trapezoid(curve, dx=0.05)),
        "P at 20 px": 100 * each.scores["precision_at_20"],
        "area to 50 px": 100 * float(each.curve("precision").mean()),
    }
readings = pd.DataFrame.from_dict(rows, orient="index")
glue("discrepancies_readings", Markdown(report.markdown(readings, decimals=1)), display=False)
glue("integral_gain", float((readings.integral - readings["21 thresholds"]).mean()), display=False)
order = readings.rank(ascending=False)
swapped = int((order["P at 20 px"] != order["21 thresholds"]).sum())
glue("order_changes", swapped, display=False)
entrants = report.load_json(paths.DATA / "results" / "vot" / "entrants.json")
siamrpn = next(each for each in entrants if each.tracker == "SiamRPN")
glue("accuracy_pooled", float(siamrpn.scores["accuracy"]), display=False)
glue("accuracy_mean", float(siamrpn.by_sequence()["accuracy"].mean()), display=False)

# %% [markdown]
# ````{table} Recorded: the same published boxes on OTB-100 in two readings of "AUC" and two of "precision", per cent.
# :name: tab:discrepancies-readings
# ```{glue:md} discrepancies_readings
# :format: myst
# ```
# ````
#
# - **Success** (Eq. 4.2) is an integral in the text, and the mean of 21 values in the toolkit.
#   The integral is {glue:text}`integral_gain:.1f` points higher.
# - **Precision** is an area in the text and the value at 20 px in the numbers
#   ({numref}`tab:benchmarks-otb100` tells).
# - **Accuracy** of VOT is the mean of sequences' means in the text; the toolkit pools all frames. For
#   SiamRPN of VOT2018 that is {glue:text}`accuracy_mean:.3f` against {glue:text}`accuracy_pooled:.3f`;
#   the thesis prints the second.
#
# ## Per cent
#
# Sentences with a percentage, computed from the tables beside them:

# %% tags=["hide-input"]
costs = pd.read_csv(paths.THESIS / "table_4_1.csv").set_index("model")
large = pd.read_csv(paths.THESIS / "table_4_5.csv").set_index("model")
lasot = pd.read_csv(paths.THESIS / "table_4_6.csv").set_index("tracker").success_auc


def change(old, new):
    """In per cent."""
    return 100 * (float(new) / float(old) - 1)


claims = [
    ("mATOM on a CPU: “more than 200 % increase”", change(*costs.fps_cpu[["ATOM", "mATOM"]])),
    ("mDRNet on a CPU: “200 % increase”", change(*large.fps_cpu[["DRNet", "mDRNet"]])),
    (
        "mDRNet: size and cost less “by around 95 %”: FLOPs",
        change(*large.flops_b[["DRNet", "mDRNet"]]),
    ),
    ("the same: size", change(*large.size_mb[["DRNet", "mDRNet"]])),
    ("mATOM's size: 83 % less", change(*costs.size_mb[["ATOM", "mATOM"]])),
    ("mATOM on OTB-100: “only 6 % drop”", change(*costs.otb100_success_auc[["ATOM", "mATOM"]])),
    ("LaSOT: “around 10 % drop”: mATOM", change(*lasot[["ATOM", "mATOM"]])),
    ("the same: mDRNet", change(*lasot[["DRNet", "mDRNet"]])),
]
frame = pd.DataFrame(
    {"from its table, %": [f"{value:+.1f}" for _, value in claims]},
    index=[words for words, _ in claims],
)
glue(
    "discrepancies_percent", Markdown(report.markdown(frame, index="the text says")), display=False
)

# %% [markdown]
# ````{table} Percentages in the text of the thesis, and what its own tables give.
# :name: tab:discrepancies-percent
# ```{glue:md} discrepancies_percent
# :format: myst
# ```
# ````
#
# Doubling is an increase of 100 %: "200 %" is what remains when the new speed is written as a share
# of the old one.
#
# ## All of them

# %% tags=["hide-input"]
table = [
    (
        "weight of the correlation filter",
        "0.1",
        "0.01",
        "drowned by fidelity" if drowned else "ten times the gradient",
        "both rows",
    ),
    ("squared norms", "sums", "means", "the printed weights fit means only", "means"),
    (
        "maximum of a response map",
        "its own",
        "one for the batch",
        f"loss {filters['correlation_filter']:.2f} or {filters['correlation_filter_batch_maximum']:.2f}",
        "both rows",
    ),
    (
        "adaptive hard: threshold",
        "not given",
        "0.005, on the batch's mean",
        "little while the student trails",
        "0.005",
    ),
    ("teacher", "frozen", "its statistics drift", f"its answers move by {apart:.3f}", "frozen"),
    ("student's start", "not said", "random weights", "rows cfkd and cfkd_random", "both"),
    (
        "augmentation",
        "none",
        "grey, brightness",
        f"features move by up to {max(moved.values()):.0f} %",
        "the code's",
    ),
    (
        "search patch",
        "Gaussian shift",
        "uniform, ±2.25 sizes",
        "a Gaussian loses targets",
        "the code's",
    ),
    (
        "batches an epoch",
        "1000",
        "1500 for three rows of Table 4.2",
        "half as much training again",
        "the same for all",
    ),
    ("pooling on a CPU", "no obvious effect", "RoIPool", "no gradient in the box", "exact pooling"),
    ("Wang et al.", "their method", "each channel for itself", "cannot reach 0", "both rows"),
    (
        "DRNet's head",
        "no proposals, (x, y, w, h)",
        "offsets from proposals",
        "another head",
        "the code's",
    ),
    ("mDRNet's patches", "as mATOM's", "320 px", "chapter *The student*", "320 px"),
    (
        "student's classifier",
        "channels halved",
        "halved for MobileNetV2 and -t only",
        "a wider classifier for -m and -s",
        "the code's",
    ),
    ("block 4 of the student", "to 96 channels (Fig. 3.5)", "to 64", "chapter *The student*", "64"),
    ("bottlenecks of MobileNetV2", "19", "17 in 19 stages", "none", "17"),
    ("sizes", "of the models", "of checkpoints", "chapter *The student*", "of the networks"),
    (
        "classifier's updates",
        "at a distractor",
        "also every tenth frame",
        "chapter *ATOM*",
        "the code's",
    ),
    ("Eq. 2.8", "φ(x) twice", "φ(z) in the second term", "none: a slip", "φ(z)"),
    (
        "Eq. 2.6",
        "no sum over channels below the line",
        "that sum, but none in the response",
        "another filter than Eq. 1.2",
        "Eq. 1.2, and the code's",
    ),
]
columns = ["what", "thesis", "code", "effect", "here"]
text = "| " + " | ".join(columns) + " |\n|---|---|---|---|---|\n"
text += "\n".join("| " + " | ".join(row) + " |" for row in table)
glue("discrepancies_all", Markdown(text), display=False)
glue("discrepancies", len(table), display=False)

# %% [markdown]
# ````{table} Where thesis and code differ. Effects with a number were computed above.
# :name: tab:discrepancies-all
# ```{glue:md} discrepancies_all
# :format: myst
# ```
# ````
#
# ## Trained side by side
#
# The two recipes, trained alike (minutes on two cores, not the thesis's 25 hours on a GPU), on the
# eleven recorded sequences of OTB:

# %% tags=["hide-input"]
rows = {}
for name in ("cfkd", "cfkd_code", "cfkd_random", "wang", "wang_corrected"):
    files = sorted((paths.DATA / "results" / "otb_dev").glob(f"{name}_seed*.json"))
    runs = pd.DataFrame([report.load_json(file)[0].scores for file in files])
    rows[name] = {
        "success": runs.success_auc.mean() if files else np.nan,
        "precision": runs.precision_at_20.mean() if files else np.nan,
        "runs": len(files),
    }
trained = pd.DataFrame.from_dict(rows, orient="index")
glue("discrepancies_trained", Markdown(report.markdown(trained, index="row")), display=False)
ready = trained.runs[["cfkd", "cfkd_code"]].all()
apart = trained.success["cfkd"] - trained.success["cfkd_code"]
said = (
    f"The thesis's recipe is {apart:+.3f} in success against the code's."
    if ready
    else (
        "The rows without a run have not been trained yet: `python -m cfkd_core train cfkd,cfkd_code` does."
    )
)
glue("discrepancies_said", Markdown(said), display=False)

# %% [markdown]
# ````{table} Recorded: rows of the thesis and of its code, trained alike; means over the tracker's seeds.
# :name: tab:discrepancies-trained
# ```{glue:md} discrepancies_trained
# :format: myst
# ```
# ````
#
# ```{glue:md} discrepancies_said
# :format: myst
# ```
#
# ## What we saw, and what we did not
#
# - Of {glue:text}`discrepancies` differences, four change what is learnt or tracked wherever we looked:
#   the maximum of the response maps, the drifting teacher, the pooling on a processor and the rival's
#   loss.
# - The most visible one, the weight of the correlation filter, {glue:text}`weight_verdict`, beside a
#   fidelity loss that outweighs all other terms.
# - The rest are slips of notation, or choices that both sides could defend.
# - We did not see the thesis's own runs, so we cannot say which recipe made its numbers; the code's
#   settings are what there is.
# - Gradients were measured at two points only: at the start, and in a weakly trained student. How the
#   terms compete on the way is the chapter on multi-task training.
#
# ## Exercises
#
# 1. Multiply all of the student's features by 3. Which of the four terms change, and by how much?
#
# ```{dropdown} A solution
# The correlation filter loss does not change: response and maximum both grow by 9. Fidelity does, as
# it compares energies with the teacher's, by something between 1 and 81. The two terms of the head
# change in no simple way, since the head has biases and batch normalisation behind the features.
# ```
#
# 2. A teacher in training mode sees a batch of one pair, repeated. What are its predictions worth?
#
# ```{dropdown} A solution
# Batch normalisation subtracts the mean of the batch. Over positions there is still variation, so
# the convolutions keep some; but the head's linear layers see the same vector in each row of the
# batch only if the proposals are the same too. Try it: `drifting(*(each[[0, 0]] for each in
# inputs))`.
# ```
