# %% [markdown]
# # The correlation filter loss
#
# A small network cannot copy everything that a large one does. If something must be left out, it
# had better not be the target. The **correlation filter loss** is the term that the thesis
# {cite:p}`danier2020cfkd` adds for this, and names its method after: cut the target's features out
# of one patch, slide them over the other as in the chapter on [correlation
# filters](correlation_filters.ipynb), and ask for a peak where the target is. No teacher is needed; the
# label is the annotation.
#
# We write the loss by hand, work out its gradient and check it twice, and then look for what the
# thesis says that it does.

# %% tags=["parameters"]
profile = "smoke"

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown
from myst_nb import glue
from torch.nn import functional
from torch.testing import assert_close

from cfkd_core import boxes, explore, ops, paths
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairBatch, PairDataset, Source, collate
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.experiments.rows import CFKD, CFKD_CODE
from cfkd_core.experiments.run import launch
from cfkd_core.figures import filters, style, tracking
from cfkd_core.losses import correlation, features
from cfkd_core.models import weights
from cfkd_core.models.atom import AtomOutput
from cfkd_core.models.pyramid import STRIDES, Pyramid
from cfkd_core.training.distill import Distiller
from cfkd_core.training.loop import LoopOptions, train
from cfkd_core.training.stage import Stage

style.use_style()
torch.set_num_threads(1)
smoke = profile == "smoke"

# %% [markdown]
# ## A peak, please
#
# Two patches of one video: the target $x$ with its box, and the search patch $z$. Half of our pairs
# are from films of the synthetic benchmark in which look-alikes move about; in the others the
# target turns, bends, blurs or changes its light. The network is the student on the ImageNet trunk,
# which nobody has ever asked for a peak.

# %%
options = PairOptions(shift_jitter=2.0, scale_jitter=0.2, grey=0, brightness=0)
doubles = ["syn_clutter_cup", "syn_clutter_face", "syn_clutter_coin"]
others = ["syn_turn_helmet", "syn_bend_cat", "syn_light_cup", "syn_blur_face"]
half = list(range(2 if smoke else 8))
batch = collate(
    [
        PairDataset([Source("benchmark", synthetic_sequences(names))], 8, 1, options).batch(half)
        for names in (doubles, others)
    ]
)
net = weights.load(paths.WEIGHTS / "matom.safetensors")


@torch.no_grad()
def look(net, batch):
    """The network's features of both patches; no head is asked."""
    nothing = batch.proposal_iou.new_zeros(batch.proposal_iou.shape)
    return AtomOutput(nothing, net.backbone(batch.target), net.backbone(batch.search))


ours = look(net, batch)

# %% [markdown]
# For each block $i$ the features under the target's box are pooled to a square kernel,
# $\varphi_i(\hat x)$, whatever the shape of the box. It slides over the search features, padded
# with zeros so that the map keeps its size. The map is divided by its maximum and compared with a
# Gaussian $G_i$ on the true place. This is the thesis's Equation 3.7:
#
# $$ \mathcal{L}_{CF} = \sum_{i=1}^{4} \Big\| \frac{Q_i}{\max Q_i} - G_i \Big\|^2 ,
#    \qquad Q_i = \varphi_i(z) \star \varphi_i(\hat x) . $$ (eq:cf-loss)
#
# What the thesis leaves open, the author's code decides: the kernels have
# {glue:text}`kernels` cells in blocks 1 to 4, about the nominal size of a target; the Gaussian's
# deviation is {glue:text}`spread` of the map's side; and, again, $\| \cdot \|^2$ is a mean.


# %%
def respond(output, block, pair):
    """Kernel, response and label of one block of one pair."""
    stride = STRIDES[block]
    size = -(-58 // stride) | 1  # 58 px, in cells, made odd
    box = batch.target_box[pair][None, None]
    kernel = ops.prroi_pool(output.target[block][[pair]], box, size, stride)[0]
    padded = functional.pad(output.search[block][[pair]], [size // 2] * 4)
    response = functional.conv2d(padded, kernel)[0, 0]
    cells = torch.arange(len(response)) + 0.5
    x, y = boxes.centre(batch.search_box[pair]) / stride
    distance = (cells - y)[:, None] ** 2 + (cells - x)[None] ** 2
    label = torch.exp(-distance / (2 * (0.15 * len(response)) ** 2))
    return kernel[0], response, label


two = PairBatch(*(field[:2] for field in batch))
pyramids = (Pyramid(*(maps[:2] for maps in each)) for each in (ours.target, ours.search))
output = AtomOutput(ours.iou[:2], *pyramids)
by_hand = 0.0
for block in range(4):
    maps = [respond(output, block, pair) for pair in range(2)]
    by_hand += torch.stack([((q / q.max() - g) ** 2).mean() for _, q, g in maps]).mean()
assert_close(by_hand, features.correlation_filter(output, output, two), rtol=1e-4, atol=1e-5)

# %% [markdown]
# The library makes the maps of all pairs at once, and in the Fourier domain, where sliding is
# multiplying: with kernels of 29 × 29 cells that is many times as fast.


# %%
@torch.no_grad()
def respond_all(output):
    """Responses and labels, block by block."""
    responses, labels = [], []
    for target, search, stride in zip(output.target, output.search, STRIDES, strict=True):
        kernels = correlation.target_kernels(target, batch.target_box, stride)
        responses.append(correlation.response(search, kernels))
        labels.append(
            correlation.label(batch.search_box, search, stride=stride, spread=features.SPREAD)
        )
    return responses, labels


responses, labels = respond_all(ours)
_, by_hand, _ = respond(ours, 3, 0)
assert_close(responses[3][0], by_hand, rtol=1e-3, atol=1e-3 * float(by_hand.max()))

# %% tags=["remove-cell"]
sizes = [correlation.kernel_size(stride) for stride in STRIDES]
glue(
    "kernels",
    ", ".join(f"{size} × {size}" for size in sizes[:3]) + f" and {sizes[3]} × {sizes[3]}",
    display=False,
)
glue("spread", features.SPREAD, display=False)
sigma = features.SPREAD * options.size
glue("sigma_px", sigma, display=False)
scaled = [q / q.amax((1, 2), keepdim=True) for q in responses]
by_block = torch.stack([(q - g).square().mean() for q, g in zip(scaled, labels, strict=True)])
glue("flat", float(scaled[0].mean()), display=False)
glue("flat_label", float(labels[0].mean()), display=False)
glue("block1_share", 100 * float(by_block[0] / by_block.sum()), display=False)
glue("sigma_targets", sigma * options.search_scale / options.size, display=False)


# %% mystnb={"figure": {"name": "fig:cf-maps", "caption": "One pair through the four blocks of the ImageNet student: the response divided by its maximum, and the label it is compared with. The ring is the true centre. Red is positive, blue negative."}} tags=["hide-input"]
def pixels(images, pair):
    return (255 * images[pair]).byte().permute(1, 2, 0).numpy()


def thin(values):
    """Fewer cells than the page could show anyway."""
    return values[:: max(1, len(values) // 72), :: max(1, len(values) // 72)]


pair = 0
figure = plt.figure(figsize=(style.WIDTH, 4.4))
grid = figure.add_gridspec(3, 4)
for column, (name, images, box) in enumerate(
    (("target", batch.target, batch.target_box), ("search", batch.search, batch.search_box))
):
    ax = figure.add_subplot(grid[0, 2 * column : 2 * column + 2])
    truth = {"ground_truth": box[pair].numpy()}
    tracking.show_pixels(ax, pixels(images, pair), truth, f"{name} patch")
for block in range(4):
    q, label = responses[block][pair], labels[block][pair]
    step = max(1, len(q) // 72)
    centre = boxes.centre(batch.search_box[pair]).numpy() / STRIDES[block] / step - 0.5
    for row, values, title in ((1, q / q.max(), f"block {block + 1}"), (2, label, "")):
        ax = figure.add_subplot(grid[row, block])
        filters.show_map(ax, thin(values), title, marks={"ground_truth": centre}, signed=True)
plt.show()

# %% [markdown]
# Nobody asked for a peak, and there often is one all the same. But look at block 1. Its features come out of a ReLU and are never
# negative, so every product adds, and the map is nearly the same everywhere: its mean is
# {glue:text}`flat:.2f` of its maximum, where the label's is {glue:text}`flat_label:.2f`. Of the loss
# of all pairs, {glue:text}`block1_share:.0f` % are this one block's.
#
# The label is **wide**: a deviation of {glue:text}`sigma_px:.0f` px, {glue:text}`sigma_targets:.2f`
# of the target's nominal side. It does not ask for a point. It asks that the map be high on the
# target and its near surroundings, and 0, not negative, far away.
#
# ## The gradient, by hand
#
# Write $\bar Q = Q / m$ with $m = \max Q$, reached in cell $k$, and $r = \bar Q - G$ for the error,
# $n$ cells in all. A change of $Q_j$ acts directly; a change of $Q_k$ also changes $m$, and with it
# every cell:
#
# $$ \frac{\partial \mathcal{L}}{\partial Q_j} = \frac{2}{n m}
#    \Big( r_j - \delta_{jk} \sum_{i} r_i \bar Q_i \Big) . $$ (eq:cf-gradient)
#
# Multiply by $Q_j$ and sum over $j$: the two parts cancel. **The gradient is at right angles to the
# map itself**, so no step along it makes the map louder, or quieter, to first order. From $Q$ the
# gradient goes on to the features: to those of the search patch by laying the kernel, weighted, on
# every cell (the transposed correlation), to the kernel by correlating the padded search features
# with it, and from the kernel to the target patch through the two matrices of the pooling,
# $K = W_y \varphi(x) W_x^\top$.

# %%
generator = torch.Generator().manual_seed(0)
channels, side, size, stride = 3, 12, 5, 16
x, z = (torch.randn(channels, side, side, generator=generator).double() for _ in range(2))
box = torch.tensor([61.0, 52, 66, 71]).double()  # px of the target patch
label = ops.gaussian_label(torch.tensor([7.2, 4.9]).double(), side, 0.15 * side)

(left, top), (right, bottom) = box[:2] / stride, (box[:2] + box[2:]) / stride
across, down = (ops.bin_weights(*edges, size, side) for edges in ((left, right), (top, bottom)))


def loss_of(x, z):
    kernel = down @ x @ across.T
    q = functional.conv2d(functional.pad(z, [size // 2] * 4)[None], kernel[None])[0, 0]
    return ((q / q.max() - label) ** 2).mean(), kernel, q


loss, kernel, q = loss_of(x, z)
m, k = q.max(), q.argmax()
error = q / m - label
slope = error.clone()
slope.view(-1)[k] -= (error * q / m).sum()
slope *= 2 / (q.numel() * m)

at_search = functional.conv_transpose2d(slope[None, None], kernel[None])[0]
at_search = at_search[:, size // 2 : -(size // 2), size // 2 : -(size // 2)]
padded = functional.pad(z, [size // 2] * 4)
at_kernel = functional.conv2d(padded[:, None], slope[None, None])[:, 0]
at_target = down.T @ at_kernel @ across

# %% [markdown]
# First against autograd, through the library's own operations; then against finite differences,
# which know nothing of calculus: nudge a number, and see what the loss does.

# %%
x, z = x.requires_grad_(), z.requires_grad_()
pooled = correlation.target_kernels(x[None], box[None], stride)
answer = correlation.response(z[None], pooled)[0]
automatic = ((answer / answer.max() - label) ** 2).mean()
assert_close(torch.autograd.grad(automatic, (x, z)), (at_target, at_search), rtol=1e-6, atol=1e-9)

x, z, h = x.detach(), z.detach(), 1e-6
for values, gradient in ((x, at_target), (z, at_search)):
    for place in ((0, 3, 4), (1, 6, 6), (2, 5, 7)):
        nudge = torch.zeros_like(values)
        nudge[place] = h
        ahead, behind = (
            loss_of(values + s * nudge, z)[0] if values is x else loss_of(x, values + s * nudge)[0]
            for s in (1, -1)
        )
        assert_close((ahead - behind) / (2 * h), gradient[place], rtol=1e-4, atol=1e-8)

along = float((slope * q).sum() / (slope.norm() * q.norm()))

# %% tags=["remove-cell"]
assert abs(along) < 1e-12
glue("along", abs(along), display=False)

# %% [markdown]
# All three agree, and the cosine between gradient and map is {glue:text}`along:.0e`.
#
# ## What it does
#
# The thesis names three effects, and argues for a fourth when it explains the division. To see
# them we train: the ImageNet student's backbone, with this loss alone, on synthetic films that
# share no picture with the pairs above, {glue:text}`steps` steps of {glue:text}`batch_size` pairs.
# That is next to nothing, and it is a live run of the loop that trains everything else here.

# %%
steps = 4 if smoke else 40
trained = weights.load(paths.WEIGHTS / "matom.safetensors")
distiller = Distiller({"student": trained}, None, {"student": ["correlation_filter"]})
stage = Stage(
    {"correlation_filter": 1.0},
    trained=("backbone",),
    epochs=1,
    batches=steps,
    lr=1e-3,
    schedule="cosine",
    warm_up=steps // 5,
)
loop = LoopOptions(batch_size=4)
small = PairOptions(size=160, search_scale=5 * 160 / 288, shift_jitter=1.5, scale_jitter=0.2)
source = Source("films", training_films(4 if smoke else 40, 0))
pairs = PairDataset([source], steps * loop.batch_size, 0, small)
with tempfile.TemporaryDirectory() as folder:
    fabric = launch("cpu", devices=1, nodes=1, precision="32-true")
    train(distiller, {"student": (stage,)}, pairs, Path(folder), fabric, loop)
after = look(trained.eval(), batch)
losses = [float(features.correlation_filter(each, each, batch)) for each in (ours, after)]

# %% tags=["remove-cell"]
glue("steps", steps, display=False)
glue("batch_size", loop.batch_size, display=False)
glue("loss_before", losses[0], display=False)
glue("loss_after", losses[1], display=False)

# %% [markdown]
# On the pairs above the loss goes from {glue:text}`loss_before:.3f` to {glue:text}`loss_after:.3f`.
#
# **First, the target becomes findable**: features of the target must match features of the target,
# in another frame, in another light. We count the pairs whose highest response lies inside the
# true box.
#
# **Second, what looks like the target is pushed down.** In every map we compare the highest
# response outside the box (and more than half a target away from it) with the highest inside.


# %%
def findings(responses):
    """By block: share of peaks inside the true box, and the best rival relative to the target."""
    rows = []
    for q, stride in zip(responses, STRIDES, strict=True):
        cells = (torch.arange(q.shape[-1]) + 0.5) * stride
        places = torch.stack(torch.meshgrid(cells, cells, indexing="xy"), -1)
        offset = (places - boxes.centre(batch.search_box)[:, None, None]).abs()
        offset = (offset / batch.search_box[:, None, None, 2:]).amax(-1)  # 0.5 on the box's edge
        there = (offset < 0.5).flatten(1).any(1)  # else the target is out of the patch
        inside = q.masked_fill(offset >= 0.5, -torch.inf).amax((1, 2))[there]
        outside = q.masked_fill(offset <= 1.0, -torch.inf).amax((1, 2))[there]
        hits = (inside == q.amax((1, 2))[there]).float().mean()
        rows.append((float(hits), float((outside / inside.clamp(min=1e-6)).median())))
    return np.array(rows)


later, _ = respond_all(after)
before_after = findings(responses), findings(later)

# %% tags=["hide-input"]
lines = ["| block | peak inside, before | after | best rival, before | after |"]
lines += ["|:--|--:|--:|--:|--:|"]
lines += [
    f"| {block + 1} | {100 * a[0]:.0f} % | {100 * b[0]:.0f} % | {a[1]:.2f} | {b[1]:.2f} |"
    for block, (a, b) in enumerate(zip(*before_after, strict=True))
]
glue("findings", Markdown("\n".join(lines)), display=False)
for when, found in zip(("before", "after"), before_after, strict=True):
    glue(f"hits_{when}", 100 * float(found[:, 0].mean()), display=False)
    glue(f"rivals_{when}", float(found[1:, 1].mean()), display=False)
glue("lower_rivals", int((before_after[1][:, 1] < before_after[0][:, 1]).sum()), display=False)

# %% [markdown]
# ````{table} Pairs of the synthetic benchmark before and after the short training. A rival of 1 is as high as the target; the median over the pairs.
# :name: tab:cf-findings
# ```{glue:md} findings
# :format: myst
# ```
# ````
#
# ImageNet's features have taken the first step already: over all blocks
# {glue:text}`hits_before:.0f` % of the peaks lie inside the box, and {glue:text}`hits_after:.0f` %
# after the training. The best rival, averaged over blocks 2 to 4, goes from
# {glue:text}`rivals_before:.2f` of the target's height to {glue:text}`rivals_after:.2f`; it is lower
# in {glue:text}`lower_rivals` of the four blocks. So short a training can move either number the
# wrong way. {numref}`fig:cf-before-after` shows a pair with look-alikes.

# %% mystnb={"figure": {"name": "fig:cf-before-after", "caption": "Block 4 of a search patch with look-alikes: the response of the ImageNet student, after the short training, and the label. The ring is the true centre."}} tags=["hide-input"]
figure, axes = plt.subplots(1, 4, figsize=(style.WIDTH, 1.9))
truth = {"ground_truth": batch.search_box[pair].numpy()}
tracking.show_pixels(axes[0], pixels(batch.search, pair), truth, "search")
centre = {"ground_truth": boxes.centre(batch.search_box[pair]).numpy() / STRIDES[3] - 0.5}
for ax, values, title in (
    (axes[1], responses[3][pair], "before"),
    (axes[2], later[3][pair], "after"),
    (axes[3], labels[3][pair], "label"),
):
    filters.show_map(ax, values / values.max(), title, marks=centre, signed=True)
plt.show()

# %% [markdown]
# **Third, the early blocks are addressed.** Fidelity looks at blocks 3 and 4 only and reaches the
# layers before them from behind. This loss has a term at every block. How much of the gradient in
# each block's weights comes from the block's own term, and how much from those behind it?


# %%
def gradients_by_block(net, batch):
    """Norm of each block's term (rows) in each block's weights (columns)."""
    output = AtomOutput(batch.proposal_iou, net.backbone(batch.target), net.backbone(batch.search))
    table = np.zeros((4, 4))
    for row, stride in enumerate(STRIDES):
        kernels = correlation.target_kernels(output.target[row], batch.target_box, stride)
        q = correlation.response(output.search[row], kernels)
        label = correlation.label(
            batch.search_box, output.search[row], stride=stride, spread=features.SPREAD
        )
        term = functional.mse_loss(q / q.amax((1, 2), keepdim=True), label)
        for column in range(row + 1):
            parameters = list(getattr(net.backbone, f"block{column + 1}").parameters())
            found = torch.autograd.grad(term, parameters, retain_graph=True)
            table[row, column] = torch.stack([each.norm() for each in found]).norm()
    return table


few = PairBatch(*(each[:2] for each in batch))
table = gradients_by_block(weights.load(paths.WEIGHTS / "matom.safetensors").train(), few)
own = table.diagonal() / table.sum(0)
glue("own_block1", 100 * own[0].item(), display=False)
glue("own_block2", 100 * own[1].item(), display=False)

# %% mystnb={"figure": {"name": "fig:cf-blocks", "caption": "How hard the term of each block pulls at the weights of each block (norm of the gradient, ImageNet student, training mode)."}} tags=["hide-input"]
figure, ax = plt.subplots(figsize=(style.WIDTH, 2.4))
bottom = np.zeros(4)
shades = (
    style.ROLES["thesis"],
    style.ROLES["ours"],
    style.ROLES["teacher"],
    style.ROLES["student"],
)
for row, shade in enumerate(shades):
    ax.bar(range(1, 5), table[row], 0.6, bottom=bottom, color=shade, label=f"of block {row + 1}")
    bottom += table[row]
ax.set(xlabel="weights of block", ylabel="gradient", xticks=range(1, 5))
figure.legend(title="term", loc="outside right upper")
plt.show()

# %% [markdown]
# In block 1, {glue:text}`own_block1:.0f` % of the sum of these norms are its own term's, in block 2
# {glue:text}`own_block2:.0f` %. So the thesis is right that the early blocks have an aim of their
# own. Whether colours and edges, which is what those blocks hold, *can* tell a target from its
# double is another question.
#
# **Fourth, the loss leaves the scale alone.** That is the division's purpose: features that are
# three times as large have the same loss, and by {eq}`eq:cf-gradient` nothing pulls at their size.

# %%
louder = AtomOutput(
    ours.iou, *(Pyramid(*(3 * maps for maps in pyramid)) for pyramid in (ours.target, ours.search))
)
assert_close(
    features.correlation_filter(louder, louder, batch),
    features.correlation_filter(ours, ours, batch),
    rtol=1e-4,
    atol=1e-5,
)

# %% [markdown]
# But fidelity, the loss next to it, cares about little else than scale. The two do not get into
# each other's way.
#
# ## One maximum each, or one for all?
#
# In {eq}`eq:cf-loss` each map is divided by its own maximum. The author's code divides by the
# maximum over the **whole batch**. Then only one pair, the loudest, can reach 1 at all; every other
# map is compared with a peak that it cannot have, and how loud a map is begins to matter: a pair can
# lower its loss by its scale alone.


# %%
def by_pair(output, batch, term):
    """The loss of each pair by itself."""
    alone = []
    for pair in range(len(batch.target)):
        pick = slice(pair, pair + 1)
        maps = (Pyramid(*(m[pick] for m in p)) for p in (output.target, output.search))
        one = AtomOutput(output.iou[pick], *maps)
        alone.append(term(one, one, PairBatch(*(field[pick] for field in batch))))
    return torch.stack(alone)


own = by_pair(ours, batch, features.correlation_filter)
assert_close(own.mean(), features.correlation_filter(ours, ours, batch), rtol=1e-4, atol=1e-5)
shared = features.correlation_filter_batch_maximum(ours, ours, batch)
peaks = torch.stack([q.amax((1, 2)) for q in responses])
reach = peaks / peaks.amax(1, keepdim=True)  # what a map's peak becomes

# %% tags=["remove-cell"]
glue("own_maximum", float(own.mean()), display=False)
glue("batch_maximum", float(shared), display=False)
glue("reach", float(reach[3].median()), display=False)
glue("lowest", float(reach.min()), display=False)
glue("thesis_weight", CFKD.stages[0].losses["correlation_filter"], display=False)
glue(
    "code_weight",
    CFKD_CODE.stages[0].losses["correlation_filter_batch_maximum"],
    display=False,
)

# %% mystnb={"figure": {"name": "fig:cf-reach", "caption": "How high the peak of each pair's map can be when all maps of a block are divided by the largest maximum in the batch. With a maximum each, all would be 1."}} tags=["hide-input"]
figure, ax = plt.subplots(figsize=(style.WIDTH, 2.2))
for block, values in enumerate(reach, 1):
    x = np.full(len(values), block) + np.linspace(-0.18, 0.18, len(values))
    ax.plot(x, values.sort().values, "o", color=style.ROLES["student"], markersize=4)
ax.axhline(1, color=style.ROLES["ground_truth"], linewidth=1)
ax.set(xlabel="block", ylabel="peak after division", xticks=range(1, 5), ylim=(0, 1.08))
plt.show()

# %% [markdown]
# The median pair's peak in block 4 becomes {glue:text}`reach:.2f`, the lowest in any block
# {glue:text}`lowest:.2f`, and the loss of the same features is {glue:text}`batch_maximum:.3f` in
# place of {glue:text}`own_maximum:.3f`. A pair's loss depends on the company it is in. Here are two
# more of the discrepancies: the thesis prints a weight of {glue:text}`thesis_weight:g` where the
# code has {glue:text}`code_weight:g`. Both versions are rows of this project's experiments, `cfkd`
# and `cfkd_code`.
#
# ## How wide a label?
#
# Suppose that the features under the box were free. Which kernel would the loss like best, and what
# map does it give? We let the kernel of one pair descend the loss, the search features held fixed,
# for labels of different width.


# %%
@torch.no_grad()
def fitted(block, spread, rounds=60):
    """The response before and after a kernel has descended the loss, the label, and the loss."""
    stride = STRIDES[block]
    kernel, response, _ = respond(ours, block, pair)
    search = ours.search[block][[pair]]
    label = correlation.label(batch.search_box[[pair]], search, stride=stride, spread=spread)[0]
    kernel = kernel.clone().requires_grad_()
    adam = torch.optim.Adam([kernel], lr=0.05 * float(kernel.detach().std()))
    for _ in range(rounds):
        with torch.enable_grad():
            q = functional.conv2d(search, kernel[None], padding=len(kernel[0]) // 2)[0, 0]
            loss = functional.mse_loss(q / q.max(), label)
            (kernel.grad,) = torch.autograd.grad(loss, kernel)
        adam.step()
    start = functional.mse_loss(response / response.max(), label)
    return response / response.max(), (q / q.max()).detach(), label, float(start), float(loss)


# %% tags=["hide-input"]
def draw_width(spread, block):
    """Response before and after the kernel was fitted to a label of this width."""
    before, after, label, start, end = fitted(block - 1, spread)
    figure, axes = plt.subplots(1, 3, figsize=(style.WIDTH, 2.4))
    where = boxes.centre(batch.search_box[pair]).numpy() / STRIDES[block - 1] - 0.5
    for ax, values, title in (
        (axes[0], label, "label"),
        (axes[1], before, f"pooled, loss {start:.3f}"),
        (axes[2], after, f"fitted, loss {end:.3f}"),
    ):
        filters.show_map(ax, values, title, marks={"ground_truth": where}, signed=True)
    return figure


explore.Explorer(
    draw_width,
    {
        "label width, of the map's side": [0.05, 0.15, 0.3]
        if smoke
        else [0.05, 0.1, 0.15, 0.22, 0.3],
        "block": [4] if smoke else [3, 4],
    },
    caption="The label, the response of the target's pooled features, and of a kernel that was "
    "fitted to the label. The thesis's code has 0.15. The ring is the true centre.",
)

# %% [markdown]
# A narrow label asks for a peak of its own width and zero elsewhere, which most of the map is: the
# loss is small from the start, and what is left to gain lies in silencing the surroundings. A wide
# label is content with a smooth hill, and forgives a double that stands near.
#
# ## What we saw, and what we did not
#
# - The loss is correlation, a division, a mean square. Its gradient, worked out by hand, agrees with
#   autograd and with finite differences, and is at right angles to the map: the scale is free.
# - After {glue:text}`steps` steps on other pictures the loss was {glue:text}`loss_after:.3f` in
#   place of {glue:text}`loss_before:.3f`, and the best rival lower in {glue:text}`lower_rivals` of
#   four blocks. This is a short run on synthetic pairs, from features that find most targets anyhow;
#   it shows a direction at best.
# - Block 1 makes {glue:text}`block1_share:.0f` % of the loss, and can hardly have a peak.
# - The author's code shares one maximum in the batch, which makes a pair's loss depend on its
#   company. The thesis's equation does not.
# - Correlation is not similarity. A cell with large features answers to any kernel; nothing in the
#   loss divides by their length.
# - We did not see a better tracker. The thesis's ablation credits the term with some points on
#   OTB-100.
#
# ## Exercises
#
# 1. Derive {eq}`eq:cf-gradient` for a shared maximum. Which pair does the second part act on?
#
# ```{dropdown} A solution
# With $m$ the maximum of all maps, reached in cell $k$ of pair $p$, the sum in the second part runs
# over the cells of **all** pairs, and acts on that one cell of pair $p$ alone. The gradient is
# still at right angles to the whole stack of maps, but no longer to each: a map can gain by its
# scale.
# ```
#
# 2. What does the loss do to a map without a positive value?
#
# ```{dropdown} A solution
# $\max Q$ is then the value nearest 0, and dividing by it turns the map upside down: the worst
# place becomes the peak. The original has no guard. The library divides by the largest magnitude
# instead, so that signs stay; see `_by_own_maximum` in `cfkd_core/losses/features.py`. With block 1
# after a ReLU it cannot happen; blocks 2 to 4 of the student are linear.
# ```
#
# 3. Divide each cell of the search features by its length over the channels before correlating, and
#    count the peaks inside the box again.
#
# ```{dropdown} A solution
# `functional.normalize(maps, dim=1)` for the search features (and the kernel) turns the product
# into a mean cosine. Where a bright, busy background won by its loudness, the target gains. It is
# no longer the thesis's loss.
# ```
