# %% [markdown]
# # Siamese trackers in one page
#
# The filter of the chapter before is made anew for every video. Must it be? A network that has seen
# enough things move could know, once and for all, *when two patches show the same thing*. Then
# tracking needs no learning: take the features of the target in the first frame, take those of the
# present frame, and see where they agree. Such trackers are called **Siamese**, because both
# patches go through the same network. They are fast, they are one half of the thesis's introduction
# {cite:p}`danier2020cfkd`, and they are what ATOM {cite:p}`danelljan2019atom` was built to beat. On
# this page we build one, see how far it comes, and ask what a filter that learns has to add.

# %% tags=["parameters"]
profile = "smoke"

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown
from myst_nb import glue
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

import cfkd_core
from cfkd_core import boxes, explore, ops, patches
from cfkd_core.benchmarks import cost, report
from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.scoring import score_one_pass
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.figures import chain, filters, style, tracking
from cfkd_core.models import anatomy
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.models.pyramid import STRIDES
from cfkd_core.tracking.siamese import SiameseTracker
from cfkd_core.tracking.tracker import track

style.use_style()
torch.set_num_threads(1)
torch.manual_seed(0)
torch.set_grad_enabled(False)  # nothing is trained on this page
smoke = profile == "smoke"

# %% [markdown]
# ## A network that keeps places
#
# {numref}`fig:lenet` is LeNet-5 {cite:p}`lecun1998lenet`, the ancestor of all the networks in this
# book and Figure 2.1 of the thesis. It reads digits. Convolutions turn the picture into maps,
# pooling halves the maps, and three layers at the end see everything at once and name the digit.
# The diagram is drawn from the modules as they ran:

# %%
maps = nn.Sequential(
    *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
    *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
)
names = nn.Sequential(
    nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)
)
digit = torch.rand(1, 1, 32, 32)
layers = anatomy.layers(nn.Sequential(maps, names), digit)

# %% mystnb={"figure": {"name": "fig:lenet", "caption": "LeNet-5: the number of maps and their size below, what makes the next ones above. The orange part knows where nothing is. As in later networks each map sees all maps before it; the original left out some of these connections."}} tags=["hide-input"]
chain.chain(layers, ["teacher"] * 4 + ["student"] * 3)
plt.show()

# %% [markdown]
# The two colours are two kinds of knowledge. In the blue part a picture that moves gives maps that
# move: all places are treated alike. Move the input by as many px as one cell stands for, and
# inside the border the maps are the same, one cell further.

# %%
picture = torch.rand(1, 1, 64, 64)
moved = picture.roll(4, 3)  # two poolings: a cell stands for 4 px
assert_close(maps(moved)[..., 1:], maps(picture)[..., :-1])

# %% [markdown]
# The orange part throws the place away, and it takes only inputs of one size. A tracker wants the
# place. So it leaves the orange part out: the network is **fully convolutional**, takes a patch of
# any size, and says *what* is *where*.
#
# ## Laying one on the other
#
# Our network $\varphi$ is MobileNetV2's trunk as ImageNet left it; nobody has taught it to track.
# Two patches of one film: the **target** $x$, 128 px wide and twice as wide as the cup in it, from
# the first frame; and the **search patch** $z$, at the same scale, from a later one. Of block 3 the
# tracker keeps the cells that the cup covers, makes every cell's vector of channels one unit long,
# and lays them on the search features at every place:
#
# $$ s(u) = \frac{1}{n} \sum_{v} \big\langle \varphi(x)_v , \varphi(z)_{u + v} \big\rangle , $$ (eq:siamese)
#
# the sum over the $n$ cells $v$ of the target. Each term is the cosine of an angle, so $s = 1$
# means: the same. By hand:

# %%
length = 24 if smoke else None  # frames; None for all of them
(film,) = synthetic_sequences(["syn_clutter_cup"], length)
trunk = imagenet_backbone("mobilenet_v2")
tracker = SiameseTracker(trunk)
tracker.init(film.frames[0], film.boxes[0])
found = tracker.look(film.frames[1])

side = tracker.template.shape[-1]
places = range(found.features.shape[-1] - side + 1)
by_hand = torch.tensor(
    [
        [(found.features[:, y : y + side, x : x + side] * tracker.template).sum() for x in places]
        for y in places
    ]
)
assert_close(by_hand / side**2, found.scores)
assert_close(ops.cross_correlate(found.features[None], tracker.template[None])[0], by_hand)

# %% [markdown]
# This is cross-correlation, as in {cite:t}`bertinetto2016siamfc`, whose SiamFC is Figure 1.1 of the
# thesis. Training comes in only once, long before: SiamFC shows its network a million pairs and
# asks for a high score where the pair shows the same thing. {numref}`fig:siamese-search` is the
# search with everything in it computed.


# %% mystnb={"figure": {"name": "fig:siamese-search", "caption": "A Siamese search on deep features. Both patches go through the same trunk; of each the first channel of block 3 is shown. On the right the score of every place; the ring is where the target really is."}} tags=["hide-input"]
def step_to(frame):
    """What the tracker sees in a frame of the film if it was right in the frame before."""
    tracker.box = film.boxes[frame - 1].copy()
    return tracker.look(film.frames[frame])


def true_place(found, frame):
    """(x, y) of the target in cells of the score map."""
    off = boxes.centre(found.patch.to_patch(film.boxes[frame]))
    stride = STRIDES[tracker.options.block - 1]
    return (off - found.patch.size / 2) / stride + (found.scores.shape[-1] - 1) / 2


frame = len(film) // 2
found = step_to(frame)
target_size = tracker.options.target_size
first = patches.crop(
    film.frames[0], boxes.centre(film.boxes[0]), found.patch.scale * target_size, target_size
)
edge = target_size // 4  # what the template leaves out
filters.siamese(
    first.pixels[edge:-edge, edge:-edge],
    found.patch.pixels,
    (tracker.template, found.features),
    found.scores,
    true_place(found, frame),
)
plt.show()

# %% [markdown]
# The peak is there. The film shows the cup among cups; what looks like the target is a peak as well,
# as far as this trunk can see a likeness.
#
# ## The tracker
#
# What is left is bookkeeping. The score map has a cell for each 8 px, so it is interpolated; a bell
# around the last place is mixed in, because things rarely jump; the box moves to the best place
# and keeps its size. `cfkd_core.tracking.siamese` has it. Compared with ATOM one thing is missing,
# and it is the thing: *nothing is learnt*. After the first frame the template never changes.
#
# How far does that carry? {numref}`tab:siamese` compares it with the library's `classifier`: the
# same trunk with the same weights, but on top of it ATOM's small filter, which learns in the first
# frame and goes on learning. Both track {glue:text}`compared` films of the synthetic benchmark.

# %% tags=["hide-input"]
wanted = ["syn_clutter_cup", "syn_fast_coin", "syn_light_face", "syn_bend_cat", "syn_scale_cup"]
films = synthetic_sequences(wanted[: 2 if smoke else None], length)
trackers = {
    "siamese": SiameseTracker(trunk),
    "classifier": cfkd_core.load_tracker("classifier", seed=0),
}
reports = {
    name: score_one_pass(
        PROTOCOLS["otb"],
        films,
        {each.name: (track(one, each.frames, each.boxes[0]).boxes,) for each in films},
        benchmark="synthetic",
        tracker=name,
    )
    for name, one in trackers.items()
}
scores = report.table(reports.values()).drop(columns=["fps", "sequences"])
scores.columns = [name.replace("_", " ") for name in scores]
glue("siamese_table", Markdown(report.markdown(scores)), display=False)
glue("compared", len(films), display=False)
for name, each in reports.items():
    glue(f"{name}_precision", float(each.scores["precision_at_20"]), display=False)

# %% [markdown]
# ````{table} Synthetic benchmark: a matcher and a learner on the same features. OTB's scores.
# :name: tab:siamese
# ```{glue:md} siamese_table
# :format: myst
# ```
# ````

# %% mystnb={"figure": {"name": "fig:siamese-films", "caption": "Share of the frames within 20 px of the true centre, film by film: the matcher and the learner."}} tags=["hide-input"]
pairs = {
    one.name.removeprefix("syn_").replace("_", " "): [
        100 * each.scores["precision_at_20"] for each in (one, other)
    ]
    for one, other in zip(
        reports["siamese"].sequences, reports["classifier"].sequences, strict=True
    )
}
pairs = dict(sorted(pairs.items(), key=lambda item: item[1][1] - item[1][0]))
figure, ax = plt.subplots(figsize=(style.WIDTH, 1.2 + 0.22 * len(pairs)))
ax.hlines(list(pairs), *np.array(list(pairs.values())).T, color="0.5", lw=0.8)
for index, (name, role, mark) in enumerate(
    (("siamese", "prediction", "s"), ("classifier", "student", "o"))
):
    ax.plot(
        [pair[index] for pair in pairs.values()],
        list(pairs),
        mark,
        color=style.ROLES[role],
        label=name,
    )
ax.set(xlabel="frames within 20 px, %", xlim=(-2, 103), ylim=(-0.6, len(pairs) - 0.4))
ax.tick_params(left=False)
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
plt.show()
behind = sum(one < other for one, other in pairs.values())
ahead = sum(one > other for one, other in pairs.values())
glue("behind", behind, display=False)
glue("ahead", ahead, display=False)

# %% [markdown]
# Within 20 px the matcher is right in {glue:text}`siamese_precision:.2f` of the frames, the learner
# in {glue:text}`classifier_precision:.2f`. Of {glue:text}`compared` films the matcher is behind on
# {glue:text}`behind` and ahead on {glue:text}`ahead`.
#
# ## What a filter that learns has to add
#
# Two things go wrong with a template. It grows old: the target turns, the light changes, and the
# picture of the first frame is a picture of something else. And it has never been told about the
# *rest* of the frame: a second cup may match as well as the first, because nobody said that it is
# not meant. A **discriminative** tracker is told. ATOM's filter sees thirty views of the first
# frame with everything around the target labelled 0, and whenever a rival rises it learns at once
# that this, too, is background. {numref}`fig:siamese-maps` lets both look at one frame.
#
# To put a number on it: by what part of its height over the map's median does the highest peak
# beat the highest score outside its surroundings?

# %% tags=["hide-input"]
learner = cfkd_core.load_tracker("classifier", seed=0)
learner.init(film.frames[0], film.boxes[0])


def margin(scores, around):
    """How far the peak is above its best rival, in shares of its height over the median."""
    scores = np.asarray(scores)
    row, column = np.unravel_index(scores.argmax(), scores.shape)
    rows, columns = np.indices(scores.shape)
    outside = np.maximum(abs(rows - row), abs(columns - column)) > around
    return (scores.max() - scores[outside].max()) / (scores.max() - np.median(scores))


margins = {"siamese": [], "classifier": []}
kept = {}
for t in range(1, len(film)):
    matched, seen = step_to(t), learner.look(film.frames[t])
    # a little more than half of the target's side, in cells of each map
    margins["siamese"].append(margin(matched.scores, side * 0.55))
    cells = learner.options.size / learner.options.search_scale / STRIDES[3]
    margins["classifier"].append(margin(seen.score_map, cells * 0.55))
    kept[t] = (matched, seen)
    learner.update(film.frames[t])
clearer = max(margins, key=lambda name: np.median(margins[name]))
glue("clearer", {"siamese": "matcher", "classifier": "learner"}[clearer], display=False)
glue("looked", len(kept), display=False)
for name, values in margins.items():
    glue(f"margin_{name}", 100 * float(np.median(values)), display=False)
    glue(f"margin_{name}_shown", 100 * float(values[frame - 1]), display=False)


# %% tags=["hide-input"]
def draw_maps(t):
    """The search patch of a frame and what each tracker makes of it."""
    matched, seen = kept[t]
    figure, axes = plt.subplots(1, 3, figsize=(style.WIDTH, 2.4))
    inside = matched.patch.to_patch(film.boxes[t])
    tracking.show_pixels(axes[0], matched.patch.pixels, {"ground_truth": inside}, f"frame {t}")
    place = true_place(matched, t)
    filters.show_map(axes[1], matched.scores, "matched", marks={"ground_truth": place})
    true = seen.patch.to_patch(film.boxes[t])
    cell = boxes.centre(true) / STRIDES[3]
    filters.show_map(axes[2], seen.score_map, "learnt", marks={"ground_truth": cell})
    return figure


# %% mystnb={"figure": {"name": "fig:siamese-maps", "caption": "One frame: the search patch, the matcher's scores, and those of the filter that learnt. The patches of the two differ a little in size; the ring is where the target really is."}} tags=["hide-input"]
draw_maps(frame)
plt.show()

# %% tags=["hide-input"]
explore.Explorer(
    draw_maps,
    {"frame": list(range(1, len(film), 6 if smoke else 9))},
    caption="Scores of the matcher and of the learner through the film of cups. The ring is where "
    "the target really is.",
)

# %% [markdown]
# In the median frame the matcher's peak stands {glue:text}`margin_siamese:.0f` % of its height above
# the next, the learner's {glue:text}`margin_classifier:.0f` %; in the frame of
# {numref}`fig:siamese-maps` it is {glue:text}`margin_siamese_shown:.0f` % and
# {glue:text}`margin_classifier_shown:.0f` %. (The matcher was put on the true place before each
# frame.) On this film the clearer peak is that of the {glue:text}`clearer`. The thesis
# says that Siamese trackers, which learn nothing online, are sensitive to distractors, and names a
# survey for it; one film, {glue:text}`looked` frames and two ways to read one trunk do not decide
# that, either way. Note that the two maps differ in more than learning: the matcher reads block 3,
# in cells of 8 px, the learner block 4, in cells of 16.
#
# ## A network for the background
#
# ATOM was not the first to learn while it tracks with a deep network. {numref}`fig:mdnet` is MDNet
# {cite:p}`nam2016mdnet`, Figure 1.2 of the thesis. The blue part is trained on many videos at once
# and then kept; for training each video has a last layer of its own, so that what one video calls
# target may be background in another. To track, these are thrown away, a fresh one is put in
# their place, and the orange part is trained on the video at hand. It looks at one candidate box at
# a time, hundreds a frame, and says *target* or *background*.

# %% tags=["hide-input"]
mdnet = nn.Sequential(
    *(nn.Conv2d(3, 96, 7, 2), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2)),
    *(nn.Conv2d(96, 256, 5, 2), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2)),
    *(nn.Conv2d(256, 512, 3), nn.ReLU(), nn.Flatten()),
    *(nn.Linear(512 * 9, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 2)),
)
candidate = torch.rand(1, 3, 107, 107)
layers = anatomy.layers(mdnet, candidate)
online = sum(
    p.numel() for module in mdnet if isinstance(module, nn.Linear) for p in module.parameters()
)
glue("mdnet_online", online / 1e6, display=False)
small = sum(
    parameter.numel() for parameter in (learner.classifier.projection, learner.classifier.filter)
)
glue("atom_online", small, display=False)

# %% mystnb={"figure": {"name": "fig:mdnet", "caption": "MDNet, drawn from modules of its sizes: shared layers in blue, layers that learn in each video in orange. In training the last layer has one copy for each video."}} tags=["hide-input"]
chain.chain(
    layers, ["teacher"] * 5 + ["student"] * 3, copies=["video 1", "video 2", "…", "video K"]
)
plt.show()

# %% [markdown]
# {glue:text}`mdnet_online:.1f` million numbers learn in each video. The thesis calls these layers a
# neural form of the correlation filter. In ATOM's filter {glue:text}`atom_online` numbers learn, in
# a convolution, so that one pass judges all places of the patch, as in a matcher.
#
# ## What it costs
#
# The thesis holds that two passes through the backbone, target and search patch, force Siamese
# trackers to small backbones. We count the multiplications up to block 3, where our matcher stops,
# and up to block 4, where the classifier reads.

# %%
patch = torch.rand(1, 3, tracker.options.search_size, tracker.options.search_size)
target = torch.rand(1, 3, tracker.options.target_size, tracker.options.target_size)
wide = torch.rand(1, 3, learner.options.size, learner.options.size)
to_block3 = nn.Sequential(trunk.block1, trunk.block2, trunk.block3)
to_block4 = nn.Sequential(to_block3, trunk.block4)
macs = {
    name: sum(layer.macs for layer in cost.layer_costs(net, pixels)) / 1e6
    for name, net, pixels in (
        ("target", to_block3, target),
        ("search", to_block3, patch),
        ("learner", to_block4, wide),
    )
}
for name, value in macs.items():
    glue(f"macs_{name}", value, display=False)

# %% [markdown]
# The target costs {glue:text}`macs_target:.0f` million MACs, **once a video**; each frame costs
# {glue:text}`macs_search:.0f` million, and {glue:text}`macs_learner:.0f` million for the learner's
# larger patch and deeper block. Two passes a frame are only needed by a tracker that renews its
# template, and SiamFC does not. The thesis's argument holds for those that do. SiamRPN++
# {cite:p}`li2019siamrpnpp` gives another reason for the small backbones: the padding of deep ones
# tells them where the border is, and a matcher trained with the target always in the middle learns
# to prefer the middle.
#
# ## What we saw, and what we did not
#
# - A convolutional network moves its maps with the picture; that is what makes matching by
#   cross-correlation possible.
# - Matching on features that were never trained for tracking goes further than one might think:
#   within 20 px in {glue:text}`siamese_precision:.2f` of the frames of {glue:text}`compared` short
#   films, where the learner has {glue:text}`classifier_precision:.2f`.
# - The argument for learning is that a template grows old and has not been told of its surroundings.
#   Among the cups of our film the clearer peak was that of the {glue:text}`clearer`: an argument is
#   not a measurement, and films as short as ours are kind to a template.
# - We did not see a *trained* Siamese tracker. SiamFC and its successors, trained on millions of
#   pairs, are far better matchers than an ImageNet trunk; {numref}`tab:siamese` compares two ways
#   to use the same features, not two families of trackers.
#
# ## Exercises
#
# **1.** Leave out the normalisation in {eq}`eq:siamese`: correlate the raw features. In how many frames
# is the peak still near the truth?
#
# ````{dropdown} Solution
# Raw products are large where the *features* are large, whatever their direction, so a cell that
# shouts can beat a cell that agrees. Whether that happens depends on the picture. The next cell
# counts, for either, the frames whose peak is within two cells of the truth.
# ````


# %% tags=["hide-cell"]
def block3(pixels):
    """Features as they come out of the trunk."""
    return trunk(patches.to_images([pixels], trunk.mean.device)).block3[0]


def is_near(scores, found, t):
    """Whether the peak is within two cells of the truth."""
    y, x = divmod(int(scores.argmax()), scores.shape[-1])
    return bool(np.hypot(*(true_place(found, t) - [x, y])) <= 2)


template = block3(first.pixels)[:, 4:-4, 4:-4]
frames = range(1, len(film), 4)
near = {"cosine": 0, "raw": 0}
for t in frames:
    found, _ = kept[t]
    raw = ops.cross_correlate(block3(found.patch.pixels)[None], template[None])[0]
    near["cosine"] += is_near(found.scores, found, t)
    near["raw"] += is_near(raw, found, t)
print(near, "of", len(frames))

# %% [markdown]
# **2.** A fully convolutional network takes a patch of any size, and the thesis says that a Siamese
# tracker therefore needs no crop around the last place. Search the whole frame. What is gained,
# what is lost?
#
# ````{dropdown} Solution
# A target that jumped is found wherever it went. But every look-alike of the whole frame is a
# rival now, and the scale must still be right, so the frame has to be resized by the last known
# size of the target. SiamFC crops, too. The next cell compares both on the film of cups.
# ````

# %% tags=["hide-cell"]
stride = STRIDES[tracker.options.block - 1]
hits = {"crop": 0, "whole frame": 0}
for t in frames:
    found, _ = kept[t]
    hits["crop"] += is_near(found.scores, found, t)
    pixels = torch.from_numpy(film.frames[t]).permute(2, 0, 1)[None] / 255
    resized = functional.interpolate(pixels, scale_factor=1 / found.patch.scale, mode="bilinear")
    whole = functional.normalize(trunk(resized).block3[0], dim=0)
    scores = ops.cross_correlate(whole[None], tracker.template[None])[0]
    y, x = divmod(int(scores.argmax()), scores.shape[-1])
    centre = (np.array([x, y]) + side / 2) * stride * found.patch.scale
    off = np.linalg.norm(centre - boxes.centre(film.boxes[t])) / found.patch.scale / stride
    hits["whole frame"] += bool(off <= 2)
print(hits, "of", len(frames))

# %% [markdown]
# **3.** Why is the template cut out of the *middle* of the target patch's features, and not computed
# from a patch that shows the target alone?
#
# ````{dropdown} Solution
# The trunk pads each map with zeros at its border. Cells near the border have seen those zeros, and
# a cell in the middle of the search patch never has: the two would differ though they show the same
# thing. With the surroundings in the patch, the cells that are kept have seen real pixels only: laid
# on its own place in the first frame this template scores exactly 1.
# ````
