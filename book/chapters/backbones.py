# %% [markdown]
# # Backbones: is MobileNetV2 the right student?
#
# A network can be made small in two ways. Make every layer **narrower**, and keep everything else;
# or **split** every layer into two cheap ones, and keep the width. The student of this book does
# the second. The thesis {cite:p}`danier2020cfkd` tries the first as well: three ResNets
# {cite:p}`he2016resnet` with a half, a quarter and an eighth of ResNet-18's channels, distilled in
# the same way. Its Table 4.3 says that the split network wins. What do narrow networks cost, what
# do they lose, and does the order of the table hold here?

# %% tags=["parameters"]
profile = "smoke"

# %%
import os
from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
import torch
from IPython.display import Markdown
from myst_nb import glue

from cfkd_core import paths
from cfkd_core.benchmarks import cost, records, student_tables
from cfkd_core.experiments.card import trained_steps
from cfkd_core.figures import comparison, style
from cfkd_core.models.atom import build_atom
from cfkd_core.models.backbones import build_backbone
from cfkd_core.tracking.load import tracker_for

style.use_style()
torch.manual_seed(0)
torch.set_num_threads(1)
torch.set_grad_enabled(False)  # nothing is trained here
patch = torch.rand(1, 3, 288, 288)
runs = 3 if profile == "smoke" else 9

# %% [markdown]
# ## What narrowing saves
#
# A convolution from $D_F$ to $D_G$ channels has $S_K^2 D_F D_G$ weights. Halve the width of every
# layer, and both factors halve: a **quarter** of the weights, a quarter of the multiplications.
# Only the first layer, which reads three colours whatever the width, saves no more than half. By
# hand, for all convolutions of the backbone:

# %%
teacher = build_backbone("resnet18")
for name, width in (("resnet18_m", 1 / 2), ("resnet18_s", 1 / 4), ("resnet18_t", 1 / 8)):
    narrow = build_backbone(name)
    layers = zip(cost.layer_costs(teacher, patch), cost.layer_costs(narrow, patch), strict=True)
    for number, (wide_layer, narrow_layer) in enumerate(layers):
        saved = width if number == 0 else width**2
        assert narrow_layer.macs == wide_layer.macs * saved

# %% [markdown]
# Narrowing is a blunt tool: it takes from every layer alike. It takes from the head too, which is
# as many times narrower as its backbone. And what the online classifier gets to see is the last
# block's channels:

# %%
networks = {"atom": "resnet18", "matom": "mobilenet_v2"}
networks |= {f"atom_{size}": f"resnet18_{size}" for size in "mst"}
nets = {name: build_atom(name).eval() for name in networks}
seen = {
    name: (net.backbone.channels[-1], tracker_for(net, name).options.classifier.channels)
    for name, net in nets.items()
}

# %% tags=["remove-cell"]
for name in ("atom", "matom", "atom_m", "atom_s", "atom_t"):
    glue(f"channels_{name}", seen[name][0], display=False)
    glue(f"classifier_{name}", seen[name][1], display=False)

# %% [markdown]
# | | ResNet-18 | -m | -s | -t | MobileNetV2 |
# |:--|--:|--:|--:|--:|--:|
# | channels of block 4 | {glue:text}`channels_atom` | {glue:text}`channels_atom_m` | {glue:text}`channels_atom_s` | {glue:text}`channels_atom_t` | {glue:text}`channels_matom` |
# | of the classifier | {glue:text}`classifier_atom` | {glue:text}`classifier_atom_m` | {glue:text}`classifier_atom_s` | {glue:text}`classifier_atom_t` | {glue:text}`classifier_matom` |
#
# The thesis halves the classifier of its students. The author's code does so for MobileNetV2 and
# the tiny ResNet only, and so do we.
#
# ## What each costs
#
# Sizes and operations are counted as in the chapter on the student: bytes of what runs, and true
# multiplications of the backbone for one patch. The thesis's "size" is that of a training
# checkpoint and its operations come from a formula that counts strided layers four times over. So
# the columns differ; look at the order.

# %% tags=["hide-input"]
printed = pd.read_csv(paths.THESIS / "table_4_3.csv")
order = ["atom", "atom_m", "atom_s", "atom_t", "matom"]
seconds = {name: cost.latency(partial(nets[name].backbone, patch), runs=runs) for name in order}
work = {name: sum(c.macs for c in cost.layer_costs(nets[name].backbone, patch)) for name in order}
lines = [
    "| backbone | size, thesis | in use, MB | FLOPs, thesis | MACs | FPS, thesis | FPS, here |"
]
lines += ["|:--|--:|--:|--:|--:|--:|--:|"]
for name, row in zip(order, printed.itertuples(), strict=True):
    cells = [f"{row.size_mb:g}", f"{cost.megabytes(nets[name]):.2f}"]
    cells += [f"{row.flops_b:g}", f"{work[name] / 1e9:.3f}"]
    cells += [f"{row.backbone_fps_cpu}", f"{1 / seconds[name]:.0f}"]
    lines.append(f"| {row.backbone.replace('-', chr(0x2011))} | " + " | ".join(cells) + " |")
glue("costs", Markdown("\n".join(lines)), display=False)
glue("runs", runs, display=False)
small = min(cost.megabytes(nets[name]) for name in ("atom_s", "atom_t", "matom"))
glue("printed_m_size", float(printed["size_mb"][1] / printed["size_mb"][4]), display=False)
glue("real_m_size", cost.megabytes(nets["atom_m"]) / cost.megabytes(nets["matom"]), display=False)
faster = [name for name in ("atom_s", "atom_t") if seconds[name] < seconds["matom"]]
glue("faster", {0: "neither is", 1: "one of them is", 2: "both are"}[len(faster)], display=False)

# %% [markdown]
# ````{table} The cost columns of Table 4.3: networks with their heads (size), backbones alone (the rest), frames a second on one CPU thread when this page was built. FLOPs and MACs in billions.
# :name: tab:backbones-costs
# ```{glue:md} costs
# :format: myst
# ```
# ````
#
# The last column is the median of {glue:text}`runs` runs. ResNet-18-s and -t are smaller than
# MobileNetV2 and multiply less, as the thesis says. It also finds them faster; here
# {glue:text}`faster`. Of ResNet-18-m the thesis says that it is almost twice as large as
# MobileNetV2 ({glue:text}`printed_m_size:.1f` times, by its checkpoints). The networks themselves
# are {glue:text}`real_m_size:.1f` times apart.
#
# ## What each is worth
#
# Here a warning about our own data. The networks that ship start from ImageNet weights where
# they can, because minutes are too short to learn features from nothing. Nobody has such weights for a ResNet of an
# eighth of the width. A comparison would then be one of starts, not of networks. So the row for
# MobileNetV2 in this table is the version that started from random numbers, like the others and
# like all students in the author's code; the version that starts from ImageNet has its own row.
# All scores of ours are on {glue:text}`videos` videos.

# %% tags=["hide-input"]
real = profile == "full" and "CFKD_DATA" in os.environ
evidence = records.gather(student_tables.trackers(3), real=real)
table = student_tables.beside(3, evidence.otb)
missing = student_tables.notes(table)
glue("table", Markdown(student_tables.as_markdown(3, table)), display=False)
cards = {name: student_tables.card(name) for name in ("cfkd", "cfkd_random", "cfkd_resnet18_m")}
starts = {name: each["start"] for name, each in cards.items()}
assert starts == {"cfkd": "imagenet", "cfkd_random": "random", "cfkd_resnet18_m": "random"}
glue("steps", max(map(trained_steps, cards.values())), display=False)
videos = max(len(each.sequences) for each in evidence.otb.values() if each)
glue("videos", videos, display=False)

# %% [markdown]
# ````{table} Table 4.3 again: success AUC on OTB-100 as printed, and ours on some of its sequences, in per cent; see the chapter on the ablation for the columns.
# :name: tab:backbones
# ```{glue:md} table
# :format: myst
# ```
# ````

# %% tags=["remove-input"]
Markdown(missing or "Every row was run.")

# %% mystnb={"figure": {"name": "fig:backbones-trade", "caption": "What a network scores against the multiplications of its backbone: as the thesis prints it (hollow), and as measured here (filled). A line joins the networks of one family."}} tags=["hide-input"]
names = dict(
    zip(
        order,
        ["atom", "cfkd_resnet18_m", "cfkd_resnet18_s", "cfkd_resnet18_t", "cfkd_random"],
        strict=True,
    )
)
spot = {
    name: (
        work[name] / 1e9,
        float(printed["otb100_success_auc"][place]),
        100 * evidence.otb[row].scores["success_auc"] if evidence.otb[row] else None,
    )
    for place, (name, row) in enumerate(names.items())
}
figure, ax = plt.subplots()
comparison.trade_off(
    ax,
    {"ResNets": [spot[n] for n in order[:4]], "MobileNetV2": [spot["matom"]]},
    "billion multiplications of the backbone",
    "success AUC, %",
)
plt.show()

# %% [markdown]
# ## Does the order hold?

# %% tags=["remove-output"]
found = student_tables.orderings(3, evidence.whole, "success_auc")
tally = student_tables.tally(found)
for outcome, count in tally.items():
    glue(outcome.replace(" ", "_"), count, display=False)

# %% mystnb={"figure": {"name": "fig:backbones-orderings", "caption": "The orderings of Table 4.3 on all videos at hand, by the rule of the chapter on the ablation."}} tags=["hide-input"]
comparison.ordering_plot(found, student_tables.labels(3), "difference, points of success AUC")
plt.show()

# %% [markdown]
# Of these, held: {glue:text}`held`, contradicted: {glue:text}`contradicted`, undecided:
# {glue:text}`undecided`, not run: {glue:text}`not_run`. The differences that the thesis
# prints here are larger than those of its ablation, so fewer videos could decide them; but a
# network with random weights learns little in {glue:text}`steps` steps, whatever its kind, and
# where all rows are weak their order says little about what they would be at full training.

# %% mystnb={"figure": {"name": "fig:backbones-sequences", "caption": "Success AUC in per cent of each video. Only rows that were run."}} tags=["hide-input"]
grid = student_tables.by_sequence(3, evidence.whole, "success_auc")
comparison.sequence_grid(grid, "success AUC, %")
plt.show()

# %% [markdown]
# ## What we saw, and what we did not
#
# - Halving the width quarters the work, layer by layer, exactly.
# - By size and multiplications the order of the thesis's table is right; its numbers are those of
#   checkpoints and of a formula.
# - What the scores say stands in {numref}`fig:backbones-orderings`. They are scores of networks that
#   were trained for minutes.
# - We did not see whether MobileNetV2 is the *best* split network. Nobody tried another.
#
# ## Exercises
#
# **1.** How narrow would ResNet-18 have to be to make as many multiplications as MobileNetV2?

# %%
share = (work["matom"] / work["atom"]) ** 0.5

# %% tags=["remove-cell"]
glue("share", 100 * share, display=False)

# %% [markdown]
# ```{admonition} Solution
# :class: dropdown
# Work goes with the square of the width, so to {glue:text}`share:.0f` % of it, if we forget the first
# layer: between -m and -s.
# ```
#
# **2.** Why does the classifier's cost hardly depend on the backbone?
#
# ```{admonition} Solution
# :class: dropdown
# It works on projected features: 18 × 18 cells with as many channels as the projection leaves. Only
# the projection itself reads the backbone's channels, once for each cell.
# ```
