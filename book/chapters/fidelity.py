# %% [markdown]
# # Fidelity: look where the teacher looks
#
# We have a teacher, ATOM on ResNet-18, and a much smaller student, which shall come to see what the
# teacher sees. But the teacher describes each place of a patch by {glue:text}`channels_teacher`
# numbers and the student by {glue:text}`channels_student`, and nothing says which of these should
# stand for which of those. What can be compared at all?
#
# The thesis {cite:p}`danier2020cfkd` answers with four losses. {numref}`fig:fid-framework`, drawn
# from the shapes of the two networks as they run, shows where each of them looks. This chapter and
# the next two take them one by one. The first is the plainest: forget *what* is at a place, and
# compare *how much*.

# %% tags=["parameters"]
profile = "smoke"

# %%
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown
from myst_nb import glue
from torch.testing import assert_close

from cfkd_core import explore, ops, paths
from cfkd_core.benchmarks import records, student_tables
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.experiments.card import trained_steps
from cfkd_core.experiments.rows import CFKD, EXPERIMENTS
from cfkd_core.figures import pipelines, style, tracking
from cfkd_core.losses import features
from cfkd_core.models import anatomy, weights
from cfkd_core.models.atom import build_atom
from cfkd_core.models.pyramid import Pyramid

style.use_style()
torch.set_grad_enabled(False)
torch.set_num_threads(1)
smoke = profile == "smoke"

# %% [markdown]
# ## Pairs of patches
#
# Distillation sees what training sees: pairs of square patches from one video. The **target patch**
# has the annotated object in its middle. The **search patch** comes from another frame, and is cut
# where a tracker might think that the object is. Ours are from the synthetic benchmark, so they are
# photographs moving before photographs, with exact boxes, and nothing here was trained on them.

# %%
names = ["syn_scale_cup", "syn_turn_helmet", "syn_clutter_cup", "syn_blur_face"]
options = PairOptions(shift_jitter=2.0, scale_jitter=0.2, grey=0, brightness=0)
films = Source("benchmark", synthetic_sequences(names))
batch = PairDataset([films], 100, 2, options).batch(list(range(4 if smoke else 16)))

teacher = weights.load(paths.WEIGHTS / "atom.safetensors")
student = weights.load(paths.WEIGHTS / "matom.safetensors")


def answer(net, batch):
    """Pyramids of both patches, and what the head says."""
    return net(batch.target, batch.target_box, batch.search, batch.proposals)


theirs, ours = answer(teacher, batch), answer(student, batch)

# %% tags=["remove-cell"]
glue("channels_teacher", teacher.backbone.channels[-1], display=False)
glue("channels_student", student.backbone.channels[-1], display=False)
card = json.loads((paths.WEIGHTS / "atom.json").read_text())
glue("minutes", 60 * card["hours"], display=False)


# %% mystnb={"figure": {"name": "fig:fid-framework", "caption": "The four losses of CFKD and what each compares. The numbers below the volumes are channels; on one level, teacher and student have maps of the same size. Counterpart of the thesis's Figure 3.2."}} tags=["hide-input"]
def pixels(images, pair):
    return (255 * images[pair]).byte().permute(1, 2, 0).numpy()


def one(batch):
    return batch.target[:1], batch.target_box[:1], batch.search[:1], batch.proposals[:1]


shown = {"target": pixels(batch.target, 0), "search": pixels(batch.search, 0)}
flows = [
    anatomy.flow(name, net, *one(batch))
    for name, net in (("ResNet-18", teacher), ("MobileNetV2", student))
]
pipelines.distillation(*flows, shown)
plt.show()

# %% [markdown]
# The teacher is ours. Its head was trained for {glue:text}`minutes:.0f` minutes on two cores, before a
# stand-in for ImageNet's ResNet-18 (its card in `data/weights` tells). The student is `matom`, whose backbone is MobileNetV2 as ImageNet
# left it: it has never been asked to look where the teacher looks, and so shows where distillation
# begins.
#
# ## How much is at a place
#
# Let $U$ be a map of $C$ channels. The thesis's Equation 3.5 adds up their magnitudes,
#
# $$ F(U) = \sum_{c=1}^{C} | U_c | , $$ (eq:fid-energy)
#
# and what is left is one number for each cell, whatever $C$ is. Maps like this are known as
# **attention maps** {cite:p}`zagoruyko2017attention`, for they tend to be large where something is;
# the library calls it `channel_energy`.

# %%
cell = theirs.search.block4[0, :, 9, 9]
assert_close(sum(abs(value) for value in cell), ops.channel_energy(theirs.search.block4)[0, 9, 9])

# %% mystnb={"figure": {"name": "fig:fid-attention", "caption": "Two search patches and their energies $F$ in blocks 3 and 4: the teacher's above, the student's below. Each map has a colour scale of its own; its largest value stands above it."}} tags=["hide-input"]
figure, axes = plt.subplots(4, 3, figsize=(style.WIDTH, 7.2))
for pair, rows in ((0, axes[:2]), (1, axes[2:])):
    box = {"ground_truth": batch.search_box[pair].numpy()}
    for row, (role, output) in zip(rows, (("teacher", theirs), ("student", ours)), strict=True):
        tracking.show_pixels(row[0], pixels(batch.search, pair), box, role)
        for ax, block in zip(row[1:], ("block3", "block4"), strict=True):
            energy = ops.channel_energy(getattr(output.search, block))[pair]
            ax.imshow(energy, interpolation="nearest")
            ax.set_title(f"{block[:-1]} {block[-1]}, up to {float(energy.max()):.0f}")
            ax.set_axis_off()
plt.show()

# %% [markdown]
# Two things are to be seen in {numref}`fig:fid-attention`. Both networks are stirred by edges and
# texture, at about the same places. And the numbers are of different size altogether.
#
# Which blocks could be compared? All four have maps of the same size. Move through them:


# %% tags=["hide-input"]
def draw_block(patch, block):
    """Energies of teacher and student in one block."""
    figure, axes = plt.subplots(1, 3, figsize=(style.WIDTH, 2.2))
    images = batch.target if patch == "target" else batch.search
    boxes = batch.target_box if patch == "target" else batch.search_box
    box = {"ground_truth": boxes[2].numpy()}
    tracking.show_pixels(axes[0], pixels(images, 2), box, f"{patch} patch")
    for ax, (role, output) in zip(axes[1:], (("teacher", theirs), ("student", ours)), strict=True):
        energy = ops.channel_energy(getattr(output, patch)[block - 1])[2]
        step = max(1, len(energy) // 72)  # finer than the page can show
        ax.imshow(energy[::step, ::step], interpolation="nearest")
        ax.set_title(f"{role}, up to {float(energy.max()):.0f}")
        ax.set_axis_off()
    return figure


explore.Explorer(
    draw_block,
    {"patch": ["target", "search"], "block": [1, 2, 3, 4]},
    caption="Energies of a pair, block by block, each on a colour scale of its own.",
)

# %% [markdown]
# The thesis compares blocks 3 and 4 only, because those are what the head and the classifier read.
# To force the student's early layers into the teacher's would cost capacity that it does not have;
# let it find its own way to the same end.
#
# ## The loss
#
# With $\varphi$ for the student's features and $\psi$ for the teacher's, of target patch $x$ and
# search patch $z$, the thesis's Equation 3.6 is
#
# $$ \begin{aligned} \mathcal{L}_{\text{fidelity}} = \sum_{i=3}^{4}
#   & \| F(\varphi_i(x)) - F(\psi_i(x)) \|^2 \\
#   {} + {} & \| F(\varphi_i(z)) - F(\psi_i(z)) \|^2 . \end{aligned} $$ (eq:fid-loss)
#
# By hand:


# %%
def fidelity(ours, theirs, norm):
    total = 0.0
    for mine, other in ((ours.target, theirs.target), (ours.search, theirs.search)):
        for block in ("block3", "block4"):
            difference = getattr(mine, block).abs().sum(1) - getattr(other, block).abs().sum(1)
            total = total + norm(difference**2)
    return total


mean = fidelity(ours, theirs, lambda squares: squares.mean())
printed = fidelity(ours, theirs, lambda squares: squares.sum((1, 2)).mean())
assert_close(mean, features.fidelity(ours, theirs, batch))
assert_close(printed, features.fidelity_sum(ours, theirs, batch))

# %% tags=["remove-cell"]
weight = CFKD.stages[0].losses["fidelity"]
shares = [len(block[0, 0]) ** 2 for block in (ours.search.block3, ours.search.block4)]
glue("ratio", float(printed / mean), display=False)
glue("cells3", shares[0], display=False)
glue("cells4", shares[1], display=False)
glue("weight", float(weight), display=False)

# %% [markdown]
# Twice, because **thesis and code differ**. A squared norm is a *sum* over the cells. The author's
# code takes the *mean*, and so does `fidelity`; the printed form is `fidelity_sum`. This is more
# than a constant. A map of block 3 has {glue:text}`cells3` cells and one of block 4
# {glue:text}`cells4`: in the sum block 3 weighs four times as much, in the mean both weigh the
# same. And a sum grows with the patch. On our pairs the sum is {glue:text}`ratio:.0f` times the
# mean, so the weight of {glue:text}`weight:.0f` that both thesis and code give it can only belong
# to one of them. We take it with the mean, as the code does.
#
# ## Where it pulls
#
# What does the loss do to a feature? Its derivative has few ingredients. With $n$ for the number of
# cells of all pairs,
#
# $$ \frac{\partial \mathcal{L}}{\partial U_c(p)} =
#    \frac{2}{n} \big( F(\varphi)(p) - F(\psi)(p) \big) \, \operatorname{sign} U_c(p) . $$ (eq:fid-gradient)

# %%
maps = ours.search.block4.double().requires_grad_()
other = theirs.search.block4.double()
excess = maps.abs().sum(1) - other.abs().sum(1)
by_hand = 2 / excess.numel() * excess[:, None] * maps.sign()
with torch.enable_grad():
    loss = torch.nn.functional.mse_loss(ops.channel_energy(maps), ops.channel_energy(other))
    (gradient,) = torch.autograd.grad(loss, maps)
assert_close(gradient, by_hand)

# %% [markdown]
# At one cell **all channels are pulled equally hard**, towards 0 or away from it, whatever they
# stand for. The loss cannot say "more of this, less of that". It can say "more" or "less".
#
# ## What is matched: mostly, how loud
#
# Now the sizes of the numbers. A ResNet's features come out of a ReLU and cannot be negative, and
# the teacher adds up four times as many of them. If the two means differ, all cells are off by that
# much, and the squared error has a part that has nothing to do with *where*:
#
# $$ \overline{(F_s - F_t)^2} = \big( \bar F_s - \bar F_t \big)^2
#   + \operatorname{var} (F_s - F_t) . $$ (eq:fid-parts)
#
# What remains if we let the student off its loudness altogether, and multiply each of its maps by
# the factor that suits it best? And how similar are the *pictures*, by their correlation over the
# cells? {numref}`tab:fid` has it for the ImageNet trunk, for random weights (where the thesis
# begins), and for those rows of the thesis's tables that were trained with this loss and ship with
# the book, {glue:text}`shipped` as this page was built.


# %%
def energies(output):
    """F of blocks 3 and 4 of both patches, one row a map."""
    maps = [block for pyramid in (output.target, output.search) for block in pyramid[2:]]
    return [ops.channel_energy(each).flatten(1) for each in maps]


def compare(ours, theirs):
    """Fidelity, what part of it is a common offset, what the best factor leaves, likeness."""
    pairs = list(zip(energies(ours), energies(theirs), strict=True))
    error = sum((a - b).square().mean() for a, b in pairs)
    offset = sum((a.mean(1) - b.mean(1)).square().mean() for a, b in pairs)
    scaled = sum(
        ((a * b).sum(1, True) / a.square().sum(1, True) * a - b).square().mean() for a, b in pairs
    )
    alike = [
        torch.corrcoef(torch.stack(rows))[0, 1] for a, b in pairs for rows in zip(a, b, strict=True)
    ]
    return [float(each) for each in (error, offset / error, scaled / error, np.mean(alike))]


torch.manual_seed(0)
blank = build_atom("matom")
blank.train()(batch.target, batch.target_box, batch.search, batch.proposals)  # fills BatchNorm
rows = {"random weights": blank.eval(), "ImageNet": student}
for name in ("cfkd", "cfkd_code", "ablation_ts_ah_fidelity", "cfkd_random"):
    if (file := paths.WEIGHTS / f"{name}.safetensors").is_file():
        rows[f"trained: `{name}`"] = weights.load(file)
compared = {name: compare(answer(net, batch), theirs) for name, net in rows.items()}

# %% tags=["hide-input"]
lines = ["| student | fidelity | of it a common offset | left after the best factor | likeness |"]
lines += ["|:--|--:|--:|--:|--:|"]
lines += [
    f"| {name} | {error:,.0f} | {100 * offset:.0f} % | {100 * scaled:.0f} % | {alike:.2f} |"
    for name, (error, offset, scaled, alike) in compared.items()
]
glue("compared", Markdown("\n".join(lines)), display=False)
error, offset, scaled, alike = compared["ImageNet"]
glue("offset", 100 * offset, display=False)
glue("scaled", 100 * scaled, display=False)
glue("alike", alike, display=False)
level = [float(ops.channel_energy(each.search.block4).mean()) for each in (theirs, ours)]
glue("level_teacher", level[0], display=False)
glue("level_student", level[1], display=False)
trained = [row for name, row in compared.items() if name.startswith("trained")]
glue("shipped", len(trained), display=False)

# %% [markdown]
# ````{table} Students beside the teacher. Fidelity is the loss with means instead of sums; likeness is the mean correlation of two energy maps over their cells.
# :name: tab:fid
# ```{glue:md} compared
# :format: myst
# ```
# ````
#
# The mean energy in block 4 of the search patches is {glue:text}`level_teacher:.0f` for the teacher
# and {glue:text}`level_student:.0f` for the ImageNet trunk. {glue:text}`offset:.0f` % of its
# fidelity is a common offset. One factor for each map would do away with all but
# {glue:text}`scaled:.0f` % of the loss, without a single feature in another place. So the first
# thing a student learns from this loss is to be as loud as its teacher, and with a weight of
# {glue:text}`weight:.0f` it learns little else at first. `fidelity_normalised`, ours, divides each
# map by its mean and asks only where; neither the thesis nor its code has it.

# %% [markdown]
# ## The cheapest way to be loud
#
# What does a student do that is pulled like that for {glue:text}`steps` steps? To be louder it need
# not see more: it is enough if **all channels together** put the same pattern on top of what was
# there. Whether that has happened can be counted. Take the features of a search patch in block 4 as
# one vector for each cell, and let $\lambda_i$ be the squared singular values of the matrix of all
# of them. Then
#
# $$ n = \frac{\big( \sum_i \lambda_i \big)^2}{\sum_i \lambda_i^2} $$ (eq:fid-directions)
#
# says in how many directions the cells lie. With all {glue:text}`channels_student` equally strong
# it is {glue:text}`channels_student`; if every cell is a multiple of one vector, it is 1. By hand, for
# features that are noise, and the same with a loud common pattern on top:


# %%
def directions(maps):
    """n of each sample's map; mean over the batch."""
    strength = torch.linalg.svdvals(maps.double().flatten(2)) ** 2
    return float((strength.sum(1) ** 2 / (strength**2).sum(1)).mean())


noise = torch.randn(1, 64, 100, 100, generator=torch.Generator().manual_seed(0))
assert 63 < directions(noise) < 64
assert directions(noise + 10) < 2
assert ops.channel_energy(noise + 10).mean() > 10 * ops.channel_energy(noise).mean()

# %% [markdown]
# Why should a tracker care? Its online classifier is one filter on these features, and has to tell
# the target from what is around it. Along a single direction all cells look alike but for their
# strength. {numref}`fig:fid-directions` counts the directions of every student that ships, on the pairs
# above, and sets beside it how well each tracks.

# %% tags=["hide-input"]
labels = {
    tracker: label for table in (2, 3, 4) for tracker, label in student_tables.labels(table).items()
}
points = {}
for name in labels:
    file = paths.WEIGHTS / f"{'matom' if name == 'classifier' else name}.safetensors"
    report = records.pooled(name, (records.OTB,))
    if name in ("atom", "matom") or not file.is_file() or report is None:
        continue
    terms = EXPERIMENTS[name].terms if name in EXPERIMENTS else set()
    maps = weights.load(file).backbone(batch.search).block4
    points[name] = (directions(maps), report.scores["success_auc"], terms)
used = {name: n for name, (n, _, _) in points.items()}

# %% mystnb={"figure": {"name": "fig:fid-directions", "caption": "Directions in block 4 of each student, and its success AUC on eleven sequences of OTB-100, mean over the seeds of the tracker. Trained with fidelity as the thesis has it, in any of its rows; with ours, where each map is divided by its mean; with other terms; and not trained at all."}} tags=["hide-input"]
KINDS = {
    "fidelity": "student",
    "fidelity_normalised": "ours",
    "other terms": "teacher",
    "not trained": "ground_truth",
}


def kind(terms):
    """Which kind of mark a student gets."""
    if not terms:
        return "not trained"
    return next((name for name in KINDS if name in terms), "other terms")


figure, axes = plt.subplots(figsize=(style.WIDTH, 3.6))
for shown, role in KINDS.items():
    chosen = [(n, success) for n, success, terms in points.values() if kind(terms) == shown]
    if chosen:
        axes.plot(
            *zip(*chosen, strict=True), "o", color=style.ROLES[role], label=shown.replace("_", ", ")
        )
for name, away in {
    "ablation_ts_ah": (-20, 8),
    "ablation_ts_ah_fidelity": (8, -12),
    "cfkd_normalised": (-90, -16),
    "liu": (6, 4),
    "wang": (6, 4),
    "classifier": (-52, 4),
}.items():
    if name in points:
        where = points[name][:2]
        axes.annotate(labels[name], where, away, textcoords="offset points", fontsize=9)
axes.set(xscale="log", xlabel="directions in block 4", ylabel="success AUC", ylim=(0, None))
axes.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
axes.minorticks_off()
axes.legend(loc="lower right")
plt.show()

# %% tags=["remove-cell"]
order = pd.DataFrame(points.values(), columns=["n", "success", "terms"])[["n", "success"]]
glue("directions_agree", float(order.corr("spearman").loc["n", "success"]), display=False)
glue("directions_students", len(points), display=False)
glue("directions_bare", used["classifier"], display=False)
glue("directions_teacher", directions(theirs.search.block4), display=False)
for name in ("ablation_ts_ah", "ablation_ts_ah_fidelity", "cfkd_normalised"):
    glue(f"directions_{name}", used[name], display=False)
    glue(f"success_{name}", points[name][1], display=False)
glue("steps", trained_steps(student_tables.card("cfkd")), display=False)

# %% [markdown]
# The ImageNet trunk uses {glue:text}`directions_bare:.1f` directions, the student of TS and AH
# {glue:text}`directions_ablation_ts_ah:.1f`. With fidelity added there are
# {glue:text}`directions_ablation_ts_ah_fidelity:.1f`, and success goes from
# {glue:text}`success_ablation_ts_ah:.3f` to {glue:text}`success_ablation_ts_ah_fidelity:.3f`. With
# `fidelity_normalised` in its place, on the same pairs from the same start, all four terms leave
# {glue:text}`directions_cfkd_normalised:.1f` directions and a success of
# {glue:text}`success_cfkd_normalised:.3f`. Over all {glue:text}`directions_students` students the rank
# correlation of directions and success is {glue:text}`directions_agree:.2f`. That is no proof: the
# teacher itself, whose features cannot be negative, has {glue:text}`directions_teacher:.1f` and tracks. And a
# student that learns for as long as the thesis's may find them again.
#
# ## What is not matched
#
# $F$ throws away which channel it was. How much does that matter? Take the teacher's own features,
# and at every cell put the channels into another, random order. $F$ does not notice.


# %%
def shuffled(pyramid, generator):
    """The same numbers at each cell, in an order of its own."""
    maps = []
    for block in pyramid:
        order = torch.rand(block.shape, generator=generator).argsort(1)
        maps.append(block.gather(1, order))
    return Pyramid(*maps)


generator = torch.Generator().manual_seed(0)
target, search = shuffled(theirs.target, generator), shuffled(theirs.search, generator)
nonsense = teacher.judge(target, batch.target_box, search, batch.proposals)
loss_of_nonsense = features.fidelity(nonsense, theirs, batch)


def judges(output):
    """Correlation of the predicted with the true overlaps."""
    stacked = torch.stack([output.iou.flatten(), batch.proposal_iou.flatten()])
    return float(torch.corrcoef(stacked)[0, 1])


# %% tags=["remove-cell"]
glue("nonsense_share", float(loss_of_nonsense / mean), display=False)
glue("judges_teacher", judges(theirs), display=False)
glue("judges_nonsense", judges(nonsense), display=False)
assert loss_of_nonsense < 1e-6 * mean

# %% [markdown]
# The fidelity of these features is 0 but for rounding ({glue:text}`nonsense_share:.0e` of the
# student's). The teacher's head, which judged the proposals with a correlation of
# {glue:text}`judges_teacher:.2f` to their true overlap, now has {glue:text}`judges_nonsense:.2f`.
# **A perfect score in this loss does not mean that a head can read the features.** (What remains is
# partly the boxes' own: whatever the features, a very large or small one rarely overlaps well.)
# Fidelity cannot do
# the job alone, and in CFKD it does not: the other three terms, above all those on the head, decide
# what the channels mean. What it can do is tell a network that knows nothing where to look.
#
# ## What we saw, and what we did not
#
# - Energies make networks of different width comparable, cell by cell, with no layer to be trained
#   in between.
# - Thesis and code differ in sum and mean, and so in how much block 3 counts, and in what a weight of
#   {glue:text}`weight:.0f` means.
# - Before distillation the ImageNet student already looks much where the teacher looks (likeness
#   {glue:text}`alike:.2f`); {glue:text}`offset:.0f` % of the loss is loudness.
# - Features can agree perfectly by this loss and be of much less use to a head. What it compares is a
#   picture of where, not of what.
# - A student can be loud along few directions; {glue:text}`directions_ablation_ts_ah_fidelity:.1f` of
#   {glue:text}`channels_student` were enough for ours. How it tracks then is in
#   {numref}`fig:fid-directions`, and in the chapter on the [ablation](ablation.ipynb).
# - We did not see the thesis's length of training, where it reports that this term helps more than
#   any other (its Table 4.2).
#
# ## Exercises
#
# 1. Turn the sign of half of the student's channels. What changes in the loss, and in the gradient?
#
# ```{dropdown} A solution
# $F$ is the same, so the loss is; the gradient {eq}`eq:fid-gradient` turns its sign with the
# channel. The student's block 4 is linear and uses both signs; the teacher's are never negative.
# The loss does not ask the student to agree.
# ```
#
# 2. Why not put a trained 1 × 1 convolution between the student's 64 and the teacher's 256 channels,
#    and compare channel by channel?
#
# ```{dropdown} A solution
# One can: `projected_fidelity` in `cfkd_core/training/adapters.py` does. It asks for more, a linear
# image of everything the teacher knows, and the convolution is thrown away after training. With a
# convolution that is drawn once and never trained, as the author's code has it for a rival, it asks
# for 256 arbitrary mixtures.
# ```
#
# 3. The same weight, on patches of 160 px instead of 288: which of the two forms notices?
#
# ```{dropdown} A solution
# The sum, which loses the cells: it shrinks to $(160 / 288)^2$ of what it was. The mean stays about
# where it was.
# ```
