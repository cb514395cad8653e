# %% [markdown]
# # Correlation filters from scratch
#
# A video begins. In its first frame somebody draws a box around one thing: a face, a car, a cup.
# Where is it in the next frame, and in the one after? This chapter answers with the oldest idea
# that still works: slide a small pattern over the picture and look where it fits best. You will
# write that search in a few lines, replace the pattern by one that is *computed* to give a clean
# answer, find out what the computation silently assumes, and follow a target through a video with
# it. The last step, a pattern that is trained rather than computed, is the one that ATOM takes.
#
# You need to know PyTorch. You need not have seen a tracker.

# %% tags=["parameters"]
profile = "smoke"

# %%
import inspect

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown
from myst_nb import glue
from skimage import data
from torch.nn import functional
from torch.testing import assert_close

from cfkd_core import boxes, explore, ops, patches
from cfkd_core.datasets import synthetic
from cfkd_core.figures import filters, style, tracking
from cfkd_core.tracking import mosse, optimise
from cfkd_core.tracking.tracker import track

style.use_style()
torch.set_num_threads(1)  # the arrays are small: more threads would only wait for each other
smoke = profile == "smoke"

# %% [markdown]
# ## Looking for a pattern
#
# Our video is synthetic: photographs that move over other photographs, so the true box of every
# frame is known exactly. We cut two squares. The **target patch** holds the object, from the first
# frame. The **search patch** is larger and comes from a later frame, but from the *old* place: all
# that a tracker knows is where the object was.

# %%
sequence = next(each for each in synthetic.synthetic_sequences() if each.name == "syn_light_face")
first, box = sequence.frames[0], sequence.boxes[0]
side = float(np.sqrt(boxes.area(box)))
size, kernel_size = 96, 39  # of the search and the target patch, px
scale = side / kernel_size  # px of the frame for each px of a patch


def cut(frame, size):
    """A square of the frame around the place where the target was in the first one."""
    return patches.crop(sequence.frames[frame], boxes.centre(box), size * scale, size)


target, search = cut(0, kernel_size), cut(8, size)

# %% [markdown]
# A picture is turned into **features** before it is searched. Write $\varphi(x)$ for the features
# of a patch $x$: $C$ numbers at each cell. A deep tracker has a network for $\varphi$, and
# hundreds of channels. Here $\varphi$ is as plain as can be: one channel, the brightness, less its
# mean.


# %%
def features(patch):
    grey = torch.from_numpy(patch.pixels).float().mean(-1)
    return (grey - grey.mean())[None]  # channels, rows, columns


# %% [markdown]
# To compare the two, lay the target's features on the search features at every place where they
# fit, multiply cell by cell and add up. That is **cross-correlation**:


# %%
def slide(search, kernel):
    _, n, m = kernel.shape
    rows, columns = search.shape[1] - n + 1, search.shape[2] - m + 1
    scores = torch.empty(rows, columns)
    for y in range(rows):
        for x in range(columns):
            scores[y, x] = (search[:, y : y + n, x : x + m] * kernel).sum()
    return scores


scores = ops.cross_correlate(features(search)[None], features(target)[None])[0]
assert_close(slide(features(search), features(target)), scores, rtol=1e-4, atol=1.0)

# %% [markdown]
# The result is a **score map**: one number for each place where the target could be. It is smaller
# than the search patch, because the pattern has to fit. The library does the same as one
# convolution (in deep learning "convolution" *is* cross-correlation: nothing is flipped).
#
# {numref}`fig:siamese` draws this search as a network, as Figure 1.1 of the thesis does. Because
# both patches go through the same $\varphi$, such trackers are called **Siamese**; SiamFC
# {cite:p}`bertinetto2016siamfc` learns $\varphi$ so that this one product suffices.


# %% mystnb={"figure": {"name": "fig:siamese", "caption": "Cross-correlation as a search. The same features $\\varphi$ are taken of the target patch and of the search patch; $*$ slides the first over the second. The ring is where the target really is."}} tags=["hide-input"]
def draw_search(frame):
    search = cut(frame, size)
    pair = features(target), features(search)
    scores = ops.cross_correlate(pair[1][None], pair[0][None])[0]
    # the score of a place is written at the pattern's top left corner
    truth = boxes.centre(search.to_patch(sequence.boxes[frame])) - (kernel_size + 1) / 2 + 0.5
    return filters.siamese(target.pixels, search.pixels, pair, scores, truth)


draw_search(8)
plt.show()

# %% [markdown]
# Move through the video: the pattern stays the one from the first frame, the search patch stays
# where it is, and the peak follows the target until the target leaves the patch.

# %% tags=["hide-input"]
explore.Explorer(
    draw_search,
    {"frame": range(0, 13, 4) if smoke else range(0, 21, 2)},
    caption="The same search in other frames. The ring is where the target really is.",
)

# %% [markdown]
# The peak is right, but it is broad and has rivals: any place that is bright where the pattern is
# bright scores well. Brightness was never asked to be distinctive. So we ask.
#
# ## A pattern that gives the answer we want
#
# Say which score map we would have liked: 1 on the target, falling quickly to 0 around it. That is
# the **label** $g$, a narrow Gaussian. Then look for the weights $w$ whose correlation with the
# search patch comes closest to it. For $C$ channels, and $\star$ for correlation,
#
# $$ \min_{w} \Big\| \sum_{i=1}^{C} \varphi_i(x) \star w_i - g \Big\|^2 . $$ (eq:dcf)
#
# This is Equation 1.1 of the thesis {cite:p}`danier2020cfkd`. A pattern found in this way is a
# **discriminative correlation filter**: unlike the template it has seen the background, and has
# been told to give 0 there. MOSSE {cite:p}`bolme2010mosse` was the first tracker to do it, at
# hundreds of frames a second on the processors of its day.
#
# Why so fast? Least squares with $N$ unknowns takes of the order of $N^3$ steps, and a patch of
# $96 \times 96$ cells has nearly ten thousand unknowns. The trick is to let the patch **wrap
# around**: what leaves on the right comes in on the left. Then $\star$ is *circular* correlation,


# %%
def circular_correlation(sample, weights):
    """The product of the weights with every cyclic shift of the sample."""
    rows, columns = sample.shape
    shifts = [sample.roll((-y, -x), (0, 1)) for y in range(rows) for x in range(columns)]
    return torch.stack([(shift * weights).sum() for shift in shifts]).reshape(rows, columns)


# %% [markdown]
# and the discrete Fourier transform, written $\hat{\ }$, turns it into a product cell by cell. For
# one channel, with $\odot$ for that product, ${}^*$ for the complex conjugate and $N$ cells:
#
# 1. Correlation becomes a product: $\widehat{x \star w} = \hat x \odot \hat w^*$.
# 2. Lengths survive the transform (Parseval), so the problem falls apart into one small problem
#    for each frequency $k$: minimise $|\hat x_k \hat w_k^* - \hat g_k|^2 + \lambda |\hat w_k|^2$.
# 3. Each is a parabola in one unknown; setting its slope to zero gives
#
# $$ \hat w = \frac{\hat g^* \odot \hat x}{\hat x \odot \hat x^* + \lambda} . $$ (eq:closed)
#
# With $\sum_j \hat x_j \odot \hat x_j^*$ below the line for several channels, this is the thesis's
# Equation 1.2. The thesis leaves out $\lambda$; we keep it, because a frequency that the patch
# hardly contains would otherwise be divided by nearly nothing. Do we believe it? A small patch of
# random numbers can be solved by brute force, with every cyclic shift written out as a row of a
# matrix.

# %%
generator = torch.Generator().manual_seed(0)
x = torch.randn(8, 8, generator=generator, dtype=torch.float64)
g = ops.gaussian_label(torch.tensor([4.0, 4.0], dtype=torch.float64), 8, sigma=1.0)
penalty = 0.1

x_hat, g_hat = torch.fft.fft2(x), torch.fft.fft2(g)
w = torch.fft.ifft2(g_hat.conj() * x_hat / (x_hat * x_hat.conj() + penalty)).real

shifts = torch.stack([x.roll((-r, -c), (0, 1)).flatten() for r in range(8) for c in range(8)])
ridge = torch.cat([shifts, penalty**0.5 * torch.eye(64, dtype=torch.float64)])
goal = torch.cat([g.flatten(), torch.zeros(64, dtype=torch.float64)])
dense = torch.linalg.lstsq(ridge, goal[:, None]).solution.reshape(8, 8)
assert_close(w, dense)

# %% [markdown]
# The library's `mosse.train` keeps the two halves of the fraction apart, because a tracker wants
# to add to each later, and `mosse.respond` divides and correlates:

# %%
trained = mosse.train(x[None, None], g)
assert_close(mosse.respond(trained, x[None], penalty), circular_correlation(x, dense))

# %% [markdown]
# ### How far the closed form reaches
#
# {eq}`eq:closed` is often written with a sum over channels, and as often with a sum over several
# training patches, above and below the line. Are these still the least squares solution? At each
# frequency, $C$ unknown weights meet one equation for each patch. The exact answer solves a $C
# \times C$ system there; the closed form treats its matrix as if it were a number. We can measure
# what that costs, on colour patches of the target: one or three channels, one patch or several
# turned and stretched ones.


# %%
def mean_loss(weights_hat, spectra, goal_hat):
    """The mean over patches of the squared distance to the label."""
    reply = (spectra * weights_hat.conj()).sum(1)
    return float((reply - goal_hat).abs().square().sum((-2, -1)).mean()) / goal_hat.numel()


def closed_form(spectra, goal_hat, penalty):
    power = spectra.abs().square().sum(1).mean(0)
    return (goal_hat.conj() * spectra).mean(0) / (power + penalty)


def exact(spectra, goal_hat, penalty):
    """One linear system for each frequency, in as many unknowns as there are channels."""
    columns = spectra.permute(2, 3, 1, 0)  # rows, columns, channels, patches
    gram = columns @ columns.mH / len(spectra)
    right = (columns * goal_hat.conj()[..., None, None]).mean(-1)
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype)
    return torch.linalg.solve(gram + penalty * eye, right).permute(2, 0, 1)


# %% tags=["hide-input"]
def colour_views(count, size=32):
    """The target's patch in colour, turned and stretched a little, each of unit norm."""
    draw = np.random.default_rng(0)
    views = []
    for view in range(count):
        angle, zoom = (0, 1) if view == 0 else draw.uniform([-0.3, 0.8], [0.3, 1.2])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = turn * zoom * 2 * side / size
        corner = boxes.centre(box) - linear @ np.full(2, size / 2)
        pixels = torch.from_numpy(patches.warp(first, linear, corner, size)).double()
        views.append((pixels - pixels.mean((0, 1))).permute(2, 0, 1))
    views = torch.stack(views)
    return views / views.flatten(1).norm(dim=1)[:, None, None, None]


goal_hat = torch.fft.fft2(ops.gaussian_label(torch.tensor([16.0, 16.0]).double(), 32, 1.5))
rows = ["| channels | patches | closed form | exact | too much |", "|--:|--:|--:|--:|--:|"]
excess = {}
for channels, count in ((1, 1), (1, 8), (3, 1), (3, 8)):
    spectra = torch.fft.fft2(colour_views(count)[:, :channels])
    losses = [
        mean_loss(solve(spectra, goal_hat, 1e-3), spectra, goal_hat)
        for solve in (closed_form, exact)
    ]
    excess[channels, count] = 100 * (losses[0] / losses[1] - 1)
    cells = [f"{loss:.4f}" for loss in losses] + [f"{abs(excess[channels, count]):.1f} %"]
    rows.append(f"| {channels} | {count} | {' | '.join(cells)} |")
glue("channels", Markdown("\n".join(rows)), display=False)
glue("excess", float(excess[3, 8]), display=False)

# %% [markdown]
# ````{table} Mean squared distance to the label, closed form and exact solution.
# :name: tab:channels
# ```{glue:md} channels
# :format: myst
# ```
# ````
#
# With one channel the fraction is exact for any number of patches: a number is all there is at a
# frequency. With one patch it is exact for any number of channels. With several of both, which is
# what a tracker with deep features has, it is not: here it leaves {glue:text}`excess:.1f` % more
# error than need be ({numref}`tab:channels`). The thesis states its Equation 1.2 for one image,
# where it holds; trackers that average over frames use it as an approximation, or solve the small
# systems {cite:p}`galoogahi2013multi`.
#
# ## Two knobs
#
# Now on real pixels. `mosse.prepare` takes the logarithm of the brightness, removes the mean,
# multiplies by a **window** that fades to 0 at the border (we come to the reason soon), and scales
# to norm 1. The filter is trained on the first frame and answers in a later one. Two numbers
# decide how it looks: the width $\sigma$ of the label, and $\lambda$.

# %% tags=["hide-input"]
window = mosse.hann_window(size)
later = 4
seen = mosse.prepare(cut(0, size).pixels, window)
unseen = mosse.prepare(cut(later, size).pixels, window)
truth = boxes.centre(cut(later, size).to_patch(sequence.boxes[later])) - 0.5


def gaussian(sigma):
    return ops.gaussian_label(torch.full((2,), float(size // 2)), size, sigma)


def draw_filter(sigma, regularisation):
    trained = mosse.train(seen[None], gaussian(sigma))
    weights = torch.fft.irfft2(trained.numerator / (trained.denominator + regularisation))[0]
    reply = mosse.respond(trained, unseen, regularisation)
    figure, axes = plt.subplots(1, 3, figsize=(style.WIDTH, 2.3))
    filters.show_map(axes[0], gaussian(sigma), "label g")
    filters.show_map(axes[1], torch.fft.fftshift(weights), "filter w", signed=True)
    quality = f"response, PSR {mosse.peak_to_sidelobe(reply):.1f}"
    filters.show_map(axes[2], reply, quality, marks={"ground_truth": truth})
    return figure


explore.Explorer(
    draw_filter,
    {
        "label width σ, cells": [1.0, 2.0, 4.0] if smoke else [0.5, 1.0, 2.0, 4.0, 8.0],
        "regularisation λ": [1e-4, 1e-2, 1.0] if smoke else [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0],
    },
    caption="A filter trained on the first frame, and its answer in a later one. The ring is where "
    "the target really is.",
)

# %% [markdown]
# A narrow label wants a sharp peak: the filter lives on fine detail and is thrown off when the
# detail changes. A wide one gives a mound whose top is hard to find. A large $\lambda$ turns the
# filter into a scaled copy of the patch itself, which is the template we started from (look at
# {eq}`eq:closed`: the sum below the line no longer matters). A tiny one lets it shout at
# frequencies that are mostly noise.
#
# How clear is a peak? MOSSE's measure is the **peak to sidelobe ratio** (PSR): the height of the
# peak over the mean of the rest of the map, in standard deviations of the rest, where the rest
# leaves out a square around the peak. It will be our confidence.
#
# ## What the wrap-around costs
#
# The Fourier trick assumed that the patch wraps around. The world does not. {numref}`fig:wrap`
# shows what the filter was really trained on: the patch, repeated in all directions, cut out at
# every offset. Only the middle offset is a view that a camera could have taken. At all others a
# **seam** runs through the picture, and the filter learns the seam as eagerly as the target: it is
# the strongest edge there is, and it never moves.

# %% mystnb={"figure": {"name": "fig:wrap", "caption": "What the filter believes the world to be, without a window and with one. The frame is the patch it was given; everything around is a copy."}} tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(style.WIDTH, 2.9))
patch_pixels = cut(0, size).pixels
for ax, weights, title in zip(
    axes, (torch.ones_like(window), window), ("as it is", "under the window"), strict=True
):
    world = mosse.prepare(patch_pixels, weights)[0].tile(2, 2).roll((size // 2, size // 2), (0, 1))
    filters.show_map(ax, world, title, signed=True)
    corner = (size / 2 - 0.5, size / 2 - 0.5)
    ax.add_patch(
        plt.Rectangle(corner, size, size, fill=False, color=style.ROLES["ground_truth"], lw=2)
    )
plt.show()

# %% [markdown]
# The remedy of the classics is the window: a bell of cosines that fades the patch to 0 at its
# border, so that the copies meet without an edge. The price is that whatever stands near the
# border is faded too.
#
# Let us measure both. We paste a target on a still background, train a filter, move the target by
# $d$ cells while the search patch stays, and ask each filter where it went. This is repeated for
# several targets and backgrounds.

# %%
label = gaussian(mosse.MosseOptions.sigma)
regularisation = mosse.MosseOptions.regularisation
middle = (size - kernel_size) // 2


def scene(ground, pasted, moved):
    """The background with the target `moved` cells to the right of the middle."""
    wide = np.pad(ground, ((0, 0), (0, size), (0, 0)))
    rows, columns = (slice(at, at + kernel_size) for at in (middle, middle + moved))
    wide[rows, columns] = pasted
    return wide[:, :size]


def circular(window):
    """A way to train a filter with wrap-around; what it trains answers to a patch."""

    def fit(pixels):
        trained = mosse.train(mosse.prepare(pixels, window)[None], label)
        return lambda seen: mosse.respond(trained, mosse.prepare(seen, window), regularisation)

    return fit


def is_found(reply, moved, tolerance=3):
    row, column = divmod(int(reply.argmax()), size)
    return np.hypot(column - size // 2 - moved, row - size // 2) <= tolerance


# %% tags=["hide-input"]
def square(image, left, top, side, size):
    """A square of a photograph, in colour, resized."""
    image = image if image.ndim == 3 else np.repeat(image[..., None], 3, 2)
    cut_out = image[top : top + side, left : left + side]
    return cv2.resize(cut_out, (size, size), interpolation=cv2.INTER_AREA)


pasted = [
    square(data.astronaut(), 185, 60, 90, kernel_size),
    square(data.chelsea(), 280, 80, 80, kernel_size),
    square(data.coffee(), 150, 60, 200, kernel_size),
    square(data.camera(), 200, 80, 100, kernel_size),
]
grounds = [
    square(image, 0, 0, 2 * size, size)
    for image in (data.grass(), data.brick(), data.gravel(), data.coffee()[100:])
]
pairs = [(ground, target) for ground in grounds for target in pasted][:: 5 if smoke else 1]
moves = range(0, size // 2, 12 if smoke else 3)


def found_share(fit):
    """For each move, the share of the scenes in which the target was found."""
    found = []
    for ground, target in pairs:
        answer = fit(scene(ground, target, 0))
        found.append([is_found(answer(scene(ground, target, d)), d) for d in moves])
    return np.mean(found, 0)


def draw_shares(shares):
    """One line for each way to train; grey where the target begins to leave the patch."""
    _, axes = plt.subplots(figsize=(style.WIDTH, 2.8))
    for name, share in shares.items():
        axes.plot(moves, 100 * share, label=name)
    axes.axvspan(middle, moves[-1], color="0.5", alpha=0.15, lw=0)
    axes.text(middle + 0.5, 3, "partly outside")
    axes.set(xlabel="move of the target, cells", ylabel="found within 3 cells, %", ylim=(0, 105))
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3, handlelength=1)


# %% mystnb={"figure": {"name": "fig:boundary", "caption": "How often a moved target is found, by filters trained on one patch with wrap-around. Pasted photographs on still backgrounds."}} tags=["hide-input"]
ones = torch.ones_like(window)
shares = {
    "no window": found_share(circular(ones)),
    "window": found_share(circular(window)),
}
draw_shares(shares)
plt.show()

near = [i for i, d in enumerate(moves) if 0 < d <= middle]
glue("bare", float(100 * shares["no window"][near].mean()), display=False)
glue("windowed", float(100 * shares["window"][near].mean()), display=False)

# %% [markdown]
# As long as the target is wholly inside the patch and has moved at all, the filter without a
# window finds it in {glue:text}`bare:.0f` % of the cases: the seam stays where it is and says "no
# motion", which counts as found only up to a move of 3 cells. With the window it is
# {glue:text}`windowed:.0f` %, and the misses are those far from the middle, where the window has
# faded the target out ({numref}`fig:boundary`).
#
# ## A video
#
# A tracker is now a loop around three lines: answer in the patch at the last place, go to the
# peak, learn from what is there. Here is the library's, as it runs:

# %% tags=["remove-input"]
Markdown(f"```python\n{inspect.getsource(mosse.MosseTracker.update)}```")

# %% [markdown]
# Learning is a **running average** of both halves of the fraction: a rate of $\eta$ for the new
# frame, $1 - \eta$ for all before, so that old views fade. When the PSR falls below a threshold
# the tracker stays where it is and learns nothing; otherwise it would learn whatever has come in
# front of the target.

# %%
frames = list(sequence.frames)[: 24 if smoke else None]
truth = sequence.boxes[: len(frames)]
runs = {
    "learning": track(mosse.MosseTracker(), frames, box),
    "first frame only": track(mosse.MosseTracker(mosse.MosseOptions(rate=0.0)), frames, box),
}
errors = {
    name: np.linalg.norm(boxes.centre(run.boxes) - boxes.centre(truth), axis=1)
    for name, run in runs.items()
}

# %% tags=["hide-input"]
learning = runs["learning"]
explore.Clip(
    [
        tracking.film_frame(frame, {"ground_truth": real, "prediction": found}, None)
        for frame, real, found in zip(frames, truth, learning.boxes, strict=True)
    ],
    fps=12,
    caption="The MOSSE tracker (purple) on a synthetic video, with the true box (green).",
    labels=[
        "0: given",
        *(f"{t + 1}: PSR {score:.0f}" for t, score in enumerate(learning.scores[1:])),
    ],
)

# %% mystnb={"figure": {"name": "fig:track", "caption": "Distance from the true centre and PSR, frame by frame, on the synthetic video: a filter that learns on, and one that keeps what it learnt in the first frame."}} tags=["hide-input"]
figure, axes = plt.subplots(2, 1, figsize=(style.WIDTH, 4.2), sharex=True)
for name, role in (("learning", "prediction"), ("first frame only", "thesis")):
    axes[0].plot(errors[name], color=style.ROLES[role], label=name)
    axes[1].plot(runs[name].scores[1:], color=style.ROLES[role])
axes[1].axhline(mosse.MosseOptions.lost_below, color="black", lw=0.8, ls=":")
axes[1].annotate(
    "lost below", (0, mosse.MosseOptions.lost_below), (2, 2), textcoords="offset points"
)
axes[0].set(ylabel="centre error, px", ylim=(0, None))
axes[1].set(ylabel="PSR", xlabel="frame", ylim=(0, None))
axes[0].legend()
plt.show()

glue("error", float(errors["learning"].mean()), display=False)
glue("error_fixed", float(errors["first frame only"].mean()), display=False)
glue("fps", float(learning.fps), display=False)

# %% [markdown]
# The mean distance from the true centre is {glue:text}`error:.1f` px with learning and
# {glue:text}`error_fixed:.1f` px without ({numref}`fig:track`), at {glue:text}`fps:.0f` frames a
# second in plain PyTorch. One video is an illustration. {numref}`fig:all` is the same tracker
# on every film of the synthetic benchmark, named after what makes each difficult.


# %% mystnb={"figure": {"name": "fig:all", "caption": "Share of the frames in which MOSSE is within 20 px of the true centre, on the synthetic films."}} tags=["hide-input"]
def share_within(sequence, distance=20.0):
    """Of the frames in which the target is visible, the first left out."""
    found = boxes.centre(track(mosse.MosseTracker(), sequence.frames, sequence.boxes[0]).boxes)
    off = np.linalg.norm(found - boxes.centre(sequence.boxes), axis=1)
    return float((off <= distance)[1:][sequence.visible[1:]].mean())


films = synthetic.synthetic_sequences()[:: 7 if smoke else 1]
within = dict(sorted(((film.name, share_within(film)) for film in films), key=lambda item: item[1]))
names = [name.removeprefix("syn_").replace("_", " ") for name in within]
figure, axes = plt.subplots(figsize=(style.WIDTH, 0.8 + 0.19 * len(names)))
axes.hlines(names, 0, [100 * share for share in within.values()], color="0.5", lw=0.8)
axes.plot([100 * share for share in within.values()], names, "o", color=style.ROLES["prediction"])
axes.set(xlabel="frames within 20 px, %", xlim=(0, 103), ylim=(-0.6, len(names) - 0.4))
axes.tick_params(left=False)
plt.show()

# %% [markdown]
# It holds on where the look changes slowly. Most of the films at the bottom are those in which
# something hides the target, or a look-alike passes, or the target moves too fast or is too blurred
# to be recognised from one frame to the next. Once it is on the wrong thing it learns the wrong
# thing, and nothing calls it back.
#
# ## Train it instead
#
# The wrap-around bought a closed form, and we have been paying for it since. What if we gave it
# up? Let $f_\theta$ be an ordinary convolution, small, that slides over the patch without
# wrapping, and fit it to the label as one fits anything in PyTorch:
#
# $$ \min_{\theta} \| f_\theta(\varphi(x)) - g \|^2 + \lambda \| \theta \|^2 . $$ (eq:trained)
#
# This is Equation 1.3 of the thesis, with $\lambda$ again. Nothing says that $f_\theta$ has one
# layer: ATOM's has two, and its update is built on the solver below {cite:p}`danelljan2019atom`.
# With one layer the problem is still linear least squares, $\min \|A\theta - g\|^2 +
# \lambda\|\theta\|^2$, whose solution has $(A^\top A + \lambda) \theta = A^\top g$. The matrix $A$
# need never be written down: **conjugate gradient** only asks for its products with vectors.


# %%
def conjugate_gradient(operator, rhs, steps):
    solution, residual, direction = torch.zeros_like(rhs), rhs, rhs
    for _ in range(steps):
        product = operator(direction)
        step = (residual @ residual) / (direction @ product)
        solution = solution + step * direction
        smaller = residual - step * product
        direction = smaller + (smaller @ smaller) / (residual @ residual) * direction
        residual = smaller
    return solution


def trained(pixels, solve=optimise.conjugate_gradient, steps=60):
    """A small convolution fitted to the label; it answers to a patch."""
    border = (kernel_size // 2,) * 4
    sample = functional.pad(mosse.prepare(pixels, ones), border)[None]

    def transpose(reply):
        return ops.cross_correlate(sample, reply[None, None]).flatten()

    def operator(weights):
        reply = ops.cross_correlate(sample, weights.reshape(1, 1, kernel_size, kernel_size))[0]
        return transpose(reply) + regularisation * weights

    weights = solve(operator, transpose(label), steps).reshape(1, 1, kernel_size, kernel_size)

    def answer(seen):
        padded = functional.pad(mosse.prepare(seen, ones), border)[None]
        return ops.cross_correlate(padded, weights)[0]

    return answer


# %% [markdown]
# Our eight lines and the library's solver, which ATOM will use, agree after a few steps; and we
# can put the trained filter to the test of {numref}`fig:boundary`.

# %%
still = scene(*pairs[0], 0)
by_hand = trained(still, conjugate_gradient, steps=10)(still)
assert_close(by_hand, trained(still, steps=10)(still), rtol=1e-3, atol=1e-4)

# %% mystnb={"figure": {"name": "fig:trained", "caption": "The test of the figure before, with a convolution of the target's size that was trained without wrap-around or window."}} tags=["hide-input"]
shares["trained"] = found_share(trained)
draw_shares(shares)
plt.show()
glue("trained", float(100 * shares["trained"][near].mean()), display=False)

# %% [markdown]
# It finds {glue:text}`trained:.0f` % of the targets that are wholly inside, up to the edge of the
# patch. Nothing is faded, there is no seam to learn, and a pattern of the target's own size cannot
# lean on the background. What it costs is a solver in place of a division. {numref}`fig:border`
# shows the three answers to one scene.

# %% mystnb={"figure": {"name": "fig:border", "caption": "One target near the border, and the answers of the three filters. The ring is where the target really is."}} tags=["hide-input"]
ground, target_pixels = pairs[0]
moved = middle - 3
real = np.array([size // 2 + moved, size // 2], dtype=float)
fits = {
    "no window": circular(ones),
    "window": circular(window),
    "trained": trained,
}
figure, axes = plt.subplots(2, 2, figsize=(style.WIDTH, 5.6))
filters.show_map(
    axes[0, 0], scene(ground, target_pixels, moved), "search patch", marks={"ground_truth": real}
)
for ax, (name, fit) in zip(axes.flat[1:], fits.items(), strict=True):
    reply = fit(scene(ground, target_pixels, 0))(scene(ground, target_pixels, moved))
    filters.show_map(ax, reply, name, marks={"ground_truth": real})
plt.show()

# %% [markdown]
# ## What we saw, and what we did not
#
# - Cross-correlation is a search, and a score map is its answer.
# - A filter that is *solved for* answers more sharply than a template, because it has been told
# about the background. With wrap-around the solution is one division for each frequency: exact for
# one channel or one patch, an approximation for several of both.
# - The wrap-around has a price at the border. A window lowers it; a trained convolution does not
# pay it.
# - The pasted targets of our test never change their look, which flatters every filter. The
# synthetic video changes it, but it is one video. And the box never changed its size: finding the
# *extent* of the target is ATOM's other half.
#
# ## Exercises
#
# **1.** Take the `- grey.mean()` out of `features`. Where does the score map of
# {numref}`fig:siamese` peak now, and why?
#
# ````{dropdown} Solution
# It peaks near the brightest part of the search patch. Without negative numbers in the pattern
# every bright cell adds to the score, whatever the pattern is. A mean of zero makes the pattern
# indifferent to a uniform brightening, because the same amount is added and taken away.
# ````
#
# **2.** What does the filter of {eq}`eq:closed` become when $\lambda$ is very large? Check it
# against the library.
#
# ````{dropdown} Solution
# Below the line $\lambda$ is all that counts, so $\lambda \hat w = \hat g^* \odot \hat x$: the
# filter is the patch, correlated with the label and scaled. With a narrow label that is nearly the
# patch itself, moved so that its target lies at the origin. The template is the limit of a filter
# that has been told nothing. The next cell checks it.
# ````

# %% tags=["hide-cell"]
huge = 1e8
limit = mosse.train(seen[None], gaussian(2.0))
weights = torch.fft.irfft2(limit.numerator / (limit.denominator + huge))
blurred = torch.fft.irfft2(torch.fft.rfft2(gaussian(2.0)).conj() * torch.fft.rfft2(seen))
assert_close(huge * weights, blurred)

# %% [markdown]
# **3.** What do you expect of the running average at a rate of 1? Track the video at several rates
# and compare the mean error.
#
# ````{dropdown} Solution
# At a rate of 1 each filter knows only the frame before. It is always up to date and has no
# memory: a small error in the place is learnt as if it were the truth, and errors add up to a
# drift. At a rate of 0 nothing is ever learnt. The best lies between, and where depends on how
# fast the target changes. The next cell measures it.
# ````

# %% tags=["hide-cell"]
for rate in (0.0, 0.02, 0.125, 0.5, 1.0):
    run = track(mosse.MosseTracker(mosse.MosseOptions(rate=rate)), frames, box)
    off = np.linalg.norm(boxes.centre(run.boxes) - boxes.centre(truth), axis=1)
    print(f"rate {rate:5.3f}: mean error {off.mean():5.1f} px")

# %% [markdown]
# **4.** The window fades the search patch too. Train with the window but answer without it. Does
# {numref}`fig:boundary` get better or worse far from the middle?
#
# ````{dropdown} Solution
# The filter is unchanged, and a target near the border is no longer faded; but the seam of the
# search patch is back, and the filter, which has never met one, answers to it. The next cell draws
# both.
# ````


# %% tags=["hide-cell"]
def answered_without(pixels):
    trained = mosse.train(mosse.prepare(pixels, window)[None], label)
    return lambda seen: mosse.respond(trained, mosse.prepare(seen, ones), regularisation)


draw_shares(
    {
        "window in both": shares["window"],
        "in training only": found_share(answered_without),
    }
)
plt.show()
