# %% [markdown]
# # Distilling the head that judges boxes
#
# Finding the target is one thing, boxing it another. ATOM {cite:p}`danelljan2019atom` sizes its box
# with a second network on top of the features, which is shown a box and says how well it overlaps
# the target. How it is used, with proposals climbing its answer, is told in the chapter on
# [ATOM](atom.ipynb). Here we ask how a small head learns to judge from a large one: by the **teacher soft**
# loss, which copies the teacher's answers, and the **adaptive hard** loss, which knows the truth and
# falls silent when the student no longer needs it.

# %% tags=["parameters"]
profile = "smoke"

# %%
import json

import matplotlib.pyplot as plt
import numpy as np
import torch
from myst_nb import glue
from torch.nn import functional
from torch.testing import assert_close

from cfkd_core import boxes, explore, paths
from cfkd_core.benchmarks.judgement import judge
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairBatch, PairDataset, Source
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.experiments.recipes import MINI_PAIRS
from cfkd_core.experiments.rows import CFKD
from cfkd_core.figures import pipelines, style, tracking
from cfkd_core.losses import iou
from cfkd_core.models import anatomy, weights
from cfkd_core.tracking import refine

style.use_style()
torch.set_grad_enabled(False)
torch.set_num_threads(1)
smoke = profile == "smoke"

# %% [markdown]
# ## Where the head stands
#
# {numref}`fig:iou-overview` draws the teacher from its shapes as it runs. The head sums up the
# target in two vectors, once. Of the search patch it takes blocks 3 and 4; under each proposal it
# pools them, multiplies by the vectors channel by channel, and two layers later says one number.
# The classifier beside it is learnt while tracking and is not distilled.

# %%
whole = PairOptions(shift_jitter=2.0, scale_jitter=0.2, grey=0, brightness=0, proposals=10)
films = synthetic_sequences(["syn_scale_cup"])
pair = PairDataset([Source("benchmark", films)], 1, 0, whole)[0]
teacher = weights.load(paths.WEIGHTS / "atom.safetensors")
student = weights.load(paths.WEIGHTS / "ablation_ts_ah.safetensors")
patches = pair.target, pair.target_box, pair.search, pair.proposals
flow = anatomy.flow("ResNet-18", teacher, *patches)


# %% mystnb={"figure": {"name": "fig:iou-overview", "caption": "ATOM: one backbone for both patches, a head that was trained before, and a classifier that is learnt while tracking. The numbers below the volumes are channels. Counterpart of the thesis's Figure 3.1."}} tags=["hide-input"]
def pixels(images, index):
    return (255 * images[index]).byte().permute(1, 2, 0).numpy()


shown = {"target": pixels(pair.target, 0), "search": pixels(pair.search, 0)}
words = f"overlap of\n{flow.answer[0]} boxes"
pipelines.overview(flow, shown, flow.blocks[3][1:], words)
plt.show()

# %% tags=["remove-cell"]
parameters = {
    role: sum(p.numel() for p in net.iou_head.parameters())
    for role, net in (("teacher", teacher), ("student", student))
}
glue("width_teacher", teacher.iou_head.width, display=False)
glue("width_student", student.iou_head.width, display=False)
glue("parameter_ratio", parameters["teacher"] / parameters["student"], display=False)

# %% [markdown]
# The student's head is the same graph, {glue:text}`width_student` channels wide where the teacher's
# has {glue:text}`width_teacher`: a quarter of the width, and {glue:text}`parameter_ratio:.0f` times
# fewer parameters. (The thesis says that the numbers of kernels are reduced *by* a quarter; in the
# code they are reduced *to* it.)
#
# ## What is being judged
#
# The true answer is the IoU of proposal and target, mapped to $[-1, 1]$: $g = 2 \cdot
# \mathrm{IoU} - 1$. The mapping is in the code alone; the thesis does not mention it. We let both
# networks judge proposals on pairs from the synthetic benchmark, which neither was trained on.

# %%
names = ["syn_scale_cup", "syn_turn_helmet", "syn_clutter_face", "syn_light_cup"]
names += [] if smoke else ["syn_blur_face", "syn_far_head", "syn_occlusion_cat", "syn_bend_badge"]
source = Source("benchmark", synthetic_sequences(names))
held_out = PairDataset([source], 1000, 0, MINI_PAIRS)
batches = [held_out.batch(list(range(i, i + 16))) for i in range(0, 32 if smoke else 64, 16)]


def answers(net):
    """What the head says of all proposals, one row a pair."""
    return torch.cat([net(b.target, b.target_box, b.search, b.proposals).iou for b in batches])


theirs, ours = answers(teacher), answers(student)
truth = torch.cat([batch.proposal_iou for batch in batches])
pairs, proposals = truth.shape

# %% mystnb={"figure": {"name": "fig:iou-judged", "caption": "Predicted against true overlap, $2 \\cdot \\mathrm{IoU} - 1$, one point a proposal (every fourth is drawn). On the diagonal the head is right."}} tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(style.WIDTH, 2.9), sharey=True)
for ax, said, role in zip(axes, (theirs, ours), ("teacher", "student"), strict=True):
    x, y = truth.flatten()[::4], said.flatten()[::4]
    ax.plot(x, y, ".", color=style.ROLES[role], markersize=2, alpha=0.5, rasterized=True)
    ax.plot([-1, 1], [-1, 1], color=style.ROLES["ground_truth"], linewidth=1)
    ax.set(xlabel="true", title=role, xlim=(-1, 1), ylim=(-1.5, 1.5))
axes[0].set_ylabel("predicted")
plt.show()


# %% tags=["hide-input"]
def alike(a, b):
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])


# every proposal climbs five steps, which takes longer than a look: fewer pairs
climbing = [PairBatch(*(field[:8] for field in batch)) for batch in batches[: 1 if smoke else 4]]
gains = {
    role: judge(net, climbing, refine.RefineOptions())["refinement_gain"]
    for role, net in (("teacher", teacher), ("student", student))
}
for role, said in (("teacher", theirs), ("student", ours)):
    glue(f"correlation_{role}", alike(said, truth), display=False)
    glue(f"gain_{role}", gains[role], display=False)
glue("climbing", sum(len(batch.target) for batch in climbing), display=False)
glue("pairs", pairs, display=False)
glue("proposals", proposals, display=False)

# %% [markdown]
# On {glue:text}`pairs` pairs of {glue:text}`proposals` proposals the teacher's answers correlate
# with the truth at {glue:text}`correlation_teacher:.2f`, the student's at
# {glue:text}`correlation_student:.2f` ({numref}`fig:iou-judged`). What a tracker gets out of it is
# measured by letting every proposal climb: five steps of ATOM's ascent, on {glue:text}`climbing` of
# the pairs, change the mean IoU by {glue:text}`gain_teacher:+.3f` with the teacher and by
# {glue:text}`gain_student:+.3f` with the student. Their heads were trained for
# {glue:text}`hours_teacher` and {glue:text}`hours_student` hours on two cores; the teacher of the
# thesis is the published ATOM.
#
# ## Teacher soft
#
# The first loss wants the student to say what the teacher says. With $\zeta_s$ and $\zeta_t$ for
# their answers, the thesis's Equations 3.8 and 3.9 are
#
# $$ \mathcal{L}_{TS} = L_1(\zeta_s, \zeta_t), \qquad
#    L_1(x, y) = \begin{cases} \tfrac12 (x - y)^2 & |x - y| < 1 \\
#    |x - y| - \tfrac12 & \text{otherwise,} \end{cases} $$ (eq:iou-soft)
#
# the mean over all proposals: the **smooth L1** distance.


# %%
def smooth_l1(x, y):
    distance = (x - y).abs()
    return torch.where(distance < 1, 0.5 * distance**2, distance - 0.5)


both = [teacher, student]
batch = batches[0]
soft_teacher, soft_student = (
    net(batch.target, batch.target_box, batch.search, batch.proposals) for net in both
)
assert_close(
    smooth_l1(soft_student.iou, soft_teacher.iou).mean(),
    iou.teacher_soft(soft_student, soft_teacher, batch),
)
beyond = int(((ours - theirs).abs() >= 1).sum())

# %% tags=["remove-cell"]
error_teacher, error_student = theirs - truth, ours - truth
glue("beyond", beyond, display=False)
glue("judged", ours.numel(), display=False)
glue("shared_errors", alike(error_teacher, error_student), display=False)
card = json.loads((paths.WEIGHTS / "ablation_ts_ah.json").read_text())
terms = card["stages"][0]["losses"]
glue("hours_student", card["hours"], display=False)
glue("hours_teacher", json.loads((paths.WEIGHTS / "atom.json").read_text())["hours"], display=False)
glue(
    "student_terms",
    ", ".join(f"{weight:g} × {name.replace('_', ' ')}" for name, weight in terms.items()),
    display=False,
)

# %% [markdown]
# On a scale from −1 to 1, an error beyond 1 is rare: so far from the teacher's are
# {glue:text}`beyond` of {glue:text}`judged:,` answers of the student. The linear part of {eq}`eq:iou-soft` hardly ever comes
# into play, and the loss is half a mean square. (ATOM's authors trained the teacher with a plain
# mean square.)
#
# Why copy, when the truth is known for every proposal? The argument of the thesis is that of
# {cite:t}`hinton2015distilling`: a teacher's answer is an easier lesson than the truth. Where
# overlap cannot be read from the patches, behind an obstacle, say, the truth is noise to a small
# network, and the teacher's mean opinion is not. The price: a pupil inherits mistakes. The errors
# of our two networks, each against the truth, correlate at {glue:text}`shared_errors:.2f`.
#
# ```{note}
# The student here is the row `ablation_ts_ah` of Table 4.2, trained with these two losses alone:
# {glue:text}`student_terms`. The thesis's sum trains the row `cfkd`.
# ```
#
# ## Adaptive hard
#
# The second loss compares with the truth $g$, but only while the student needs it. Equation 3.10:
#
# $$ \mathcal{L}_{AH} = \begin{cases} L_1(\zeta_s, g) &
#    \text{if } L_1(\zeta_t, g) - L_1(\zeta_s, g) < t \\ 0 & \text{otherwise.} \end{cases} $$ (eq:iou-hard)
#
# As long as the student is not better than its teacher by $t$, the truth counts; after that it is
# left alone, so as not to learn the training data by heart. The thesis gives no value for $t$; the
# code has {glue:text}`threshold`.


# %%
def adaptive_hard(student, teacher, truth, threshold=0.005):
    ours, theirs = smooth_l1(student, truth).mean(), smooth_l1(teacher, truth).mean()
    return ours if theirs - ours < threshold else torch.zeros(())


assert_close(
    adaptive_hard(soft_student.iou, soft_teacher.iou, batch.proposal_iou),
    iou.adaptive_hard(soft_student, soft_teacher, batch),
)

# %% tags=["remove-cell"]
glue("threshold", iou.THRESHOLD, display=False)
glue("hard_weight", CFKD.stages[0].losses["adaptive_hard"], display=False)

# %% [markdown]
# Note the means *inside* the question. The code asks once for the whole batch; a single comparison
# decides about every proposal in it. One could ask for each pair, or each proposal, and the answers
# differ. {numref}`fig:iou-switch` asks our student on the held-out pairs, for many $t$.

# %%
losses_ours = functional.smooth_l1_loss(ours, truth, reduction="none")
losses_theirs = functional.smooth_l1_loss(theirs, truth, reduction="none")
ahead = losses_theirs - losses_ours  # by how much the student is better
levels = {
    "a batch of 16 pairs": ahead.unflatten(0, (-1, 16)).mean((1, 2)),
    "a pair": ahead.mean(1),
    "a proposal": ahead.flatten(),
}
off = {name: float((values >= iou.THRESHOLD).float().mean()) for name, values in levels.items()}

# %% mystnb={"figure": {"name": "fig:iou-switch", "caption": "For what share of the questions the adaptive hard loss is off, against the threshold, if it is asked once for a batch, for each pair, or for each proposal. The grey line is the code's threshold."}} tags=["hide-input"]
thresholds = np.linspace(-0.05, 0.05, 201)
figure, ax = plt.subplots(figsize=(style.WIDTH, 2.7))
for (name, values), role in zip(levels.items(), ("thesis", "teacher", "student"), strict=True):
    share = [100 * float((values >= t).float().mean()) for t in thresholds]
    ax.plot(thresholds, share, color=style.ROLES[role], label=name)
ax.axvline(iou.THRESHOLD, color="grey", linewidth=0.8)
ax.set(xlabel="threshold $t$", ylabel="switched off, %", ylim=(-2, 102))
ax.legend(title="asked for", loc="upper right")
plt.show()

# %% tags=["remove-cell"]
for name, share in zip(("batch", "pair", "proposal"), off.values(), strict=True):
    glue(f"off_{name}", 100 * share, display=False)
quiet = float((losses_theirs < iou.THRESHOLD).float().mean())
glue("quiet", 100 * quiet, display=False)
glue(
    "lowest_teacher", float(losses_theirs.unflatten(0, (-1, 16)).mean((1, 2)).min()), display=False
)

# %% [markdown]
# At the code's threshold the term is off for {glue:text}`off_batch:.0f` % of the batches,
# {glue:text}`off_pair:.0f` % of the pairs and {glue:text}`off_proposal:.0f` % of the proposals. A
# student that is behind on the whole is ahead on many proposals, where the batch's switch keeps
# correcting it, and the other way round. `adaptive_hard_per_proposal`, which is ours, asks each.
#
# There is a floor. $L_1$ cannot be negative, so the student can never be ahead by more than the
# teacher's own loss. **Where the teacher's loss is below $t$, the term cannot switch off at all.**
# That holds for {glue:text}`quiet:.0f` % of our proposals, but for no batch, the lowest of which
# has {glue:text}`lowest_teacher:.3f`. A teacher as good as the thesis's comes nearer to the floor.
#
# ### A tug of war
#
# Imagine a student with its teacher's mistakes, $\kappa$ times as large: $\zeta_s = g + \kappa
# (\zeta_t - g)$. At $\kappa = 0$ it knows the truth, at 1 it is its teacher. In
# {numref}`fig:iou-tug` the teacher soft loss has its valley at 1. The adaptive hard loss, at its
# weight of {glue:text}`hard_weight:g`, pulls further to the left, until it lets go.

# %%
kappas = torch.linspace(0, 2, 401)
teacher_soft, hard = [], []
for kappa in kappas:
    imagined = truth + kappa * (theirs - truth)
    teacher_soft.append(functional.smooth_l1_loss(imagined, theirs))
    hard.append(adaptive_hard(imagined, theirs, truth))
weight = CFKD.stages[0].losses["adaptive_hard"]
teacher_soft, hard = torch.stack(teacher_soft), weight * torch.stack(hard)
total = teacher_soft + hard
lets_go = float(kappas[hard > 0].min())
valley = float(kappas[total.argmin()])

# %% mystnb={"figure": {"name": "fig:iou-tug", "caption": "Both losses of an imagined student whose errors are $\\kappa$ times the teacher's on the held-out pairs. The jump is where the adaptive hard loss switches off."}} tags=["hide-input"]
figure, ax = plt.subplots(figsize=(style.WIDTH, 2.7))
for values, role, name in (
    (teacher_soft, "teacher", "teacher soft"),
    (hard, "ground_truth", "adaptive hard, weighted"),
    (total, "student", "sum"),
):
    ax.plot(kappas, values, color=style.ROLES[role], label=name)
ax.set(xlabel="the student's errors as multiples of the teacher's, $\\kappa$", ylabel="loss")
ax.legend()
plt.show()

# %% tags=["remove-cell"]
unswitched = float(
    kappas[
        (
            teacher_soft
            + weight
            * torch.stack(
                [
                    functional.smooth_l1_loss(truth + kappa * (theirs - truth), truth)
                    for kappa in kappas
                ]
            )
        ).argmin()
    ]
)
glue("lets_go", lets_go, display=False)
glue("valley", valley, display=False)
glue("unswitched", unswitched, display=False)

# %% [markdown]
# The term lets go at $\kappa$ = {glue:text}`lets_go:.2f`. The lowest point of the sum lies at
# {glue:text}`valley:.2f`; without a switch it would be {glue:text}`unswitched:.2f`. So with these
# weights the truth moves the goal by little: CFKD's student is asked to become its teacher, and
# hardly more. That is the intention of a distillation, and its limit.
#
# ## Judges on the climb
#
# A head is used by climbing it. In the chapter on [ATOM](atom.ipynb) ten proposals climbed the true
# overlap. Here they climb what each of the two heads believes, from the same start.


# %%
def climb(net):
    """Ten proposals around a box too small, and off, climb the overlap that a head predicts."""
    goal = pair.search_box[0]
    start = goal + torch.tensor([0.15, -0.1, -0.3, -0.3]) * goal[2:].repeat(2)
    ten = refine.jitter(start.numpy(), refine.RefineOptions(), torch.Generator().manual_seed(0))
    vectors = net.iou_head.modulation(net.backbone(pair.target), pair.target_box)
    levels = net.iou_head.search_features(net.backbone(pair.search))

    def predict(proposals):
        return net.iou_head.predict(levels, vectors, proposals[None])[0]

    return refine.ascend(predict, torch.from_numpy(ten), refine.RefineOptions(steps=8))


climbs = {role: climb(net) for role, net in (("teacher", teacher), ("student", student))}


# %% tags=["hide-input"]
def draw_climb(role, step):
    """The ten proposals after some steps, and what the head believes against what is true."""
    path, goal = climbs[role].path, pair.search_box[0]
    figure, axes = plt.subplots(1, 2, figsize=(style.WIDTH, 2.8))
    tracking.show_pixels(axes[0], pixels(pair.search, 0), {}, f"after {step} steps")
    for proposal in path[step].numpy():
        tracking.outline(axes[0], proposal, role, alpha=0.6)
    tracking.outline(axes[0], goal.numpy(), "ground_truth")
    overlap = boxes.iou(path[:-1], goal)
    believed = (climbs[role].iou + 1) / 2
    axes[1].plot(overlap, color=style.ROLES["ground_truth"], alpha=0.6, linewidth=1)
    axes[1].plot(believed, color=style.ROLES[role], alpha=0.6, linewidth=1)
    axes[1].axvline(min(step, len(overlap) - 1), color="0.5", linewidth=0.8)
    axes[1].set(xlabel="step", title=f"IoU: true, and by the {role}", ylim=(-0.1, 1.1))
    return figure


explore.Explorer(
    draw_climb,
    {"judge": ["teacher", "student"], "step": [0, 2, 5] if smoke else [0, 1, 2, 3, 5, 8]},
    caption="Ten proposals climb the overlap that a head predicts. Green: the true box, and the "
    "proposals' true overlap with it.",
)

# %% tags=["hide-input"]
for role, ascent in climbs.items():
    overlap = boxes.iou(ascent.path, pair.search_box[0]).mean(1)
    glue(f"climb_end_{role}", float(overlap[5]), display=False)
glue("climb_start", float(overlap[0]), display=False)

# %% [markdown]
# ATOM's five steps take the mean overlap of the ten from {glue:text}`climb_start:.2f` to
# {glue:text}`climb_end_teacher:.2f` by the teacher's word, and to {glue:text}`climb_end_student:.2f`
# by the student's. What a head *believes* always rises, by construction. Whether the box gets
# better depends on the slope of the prediction being right, and no loss of this chapter looks at a
# slope: they compare values, at boxes that were drawn at random.
#
# ## What we saw, and what we did not
#
# - The small head judges boxes at a correlation of {glue:text}`correlation_student:.2f`, the large one
#   at {glue:text}`correlation_teacher:.2f`, on synthetic pairs that neither has seen.
# - Smooth L1 is a mean square here in all but name.
# - The adaptive hard loss is one switch for a batch, thrown in {glue:text}`off_batch:.0f` % of ours.
#   It cannot be thrown when the teacher's loss is below $t$; and at its weight the student's best
#   place is near its teacher, truth or no truth.
# - We did not see that copying the teacher is easier than learning from the truth. The thesis's
#   ablation says so; it takes whole trainings to compare.
#
# ## Exercises
#
# 1. Work out where the sum of {numref}`fig:iou-tug` would have its valley without a switch, if all
#    errors are below 1.
#
# ```{dropdown} A solution
# Both losses are then squares: $(\kappa - 1)^2 + \omega \kappa^2$, times half the teacher's mean
# square error. The derivative is 0 at $\kappa = 1 / (1 + \omega)$: for $\omega = 0.1$ at 0.91.
# ```
#
# 2. With `adaptive_hard` alone and no teacher soft loss, what stops a student at its teacher's
#    level? And what happens to the gradient there?
#
# ```{dropdown} A solution
# Nothing but the switch: the student follows the truth until it is ahead by $t$, then its gradient
# is exactly 0 and it drifts on Adam's momentum, until a batch comes in which it is not ahead. The
# loss is not continuous, and a loss curve of it is a saw.
# ```
#
# 3. Draw {numref}`fig:iou-switch` for the teacher against itself.
#
# ```{dropdown} A solution
# It is ahead of itself by 0, everywhere: off for $t \le 0$, on for $t > 0$. A perfect copy is
# taught by the truth for ever, which is why $t$ decides whether the adaptive hard loss is a
# finishing line or a second teacher.
# ```
