# %% [markdown]
# # Knowledge and temperature
#
# A large network has been trained, and a small one is to do its work. The obvious way is to train
# the small one on the same labels. **Knowledge distillation** {cite:p}`hinton2015distilling` is the
# less obvious one: train it on what the large network *says*. Why should that be better? The label
# is the truth, and the teacher's answer at most an echo of it.
#
# This page looks for what is in the echo that is not in the label: in the entropy of an answer, in
# the temperature that makes it audible, and in an experiment in which a student recognises a digit
# that it has never seen. Then we ask what is left of all this for a tracker, whose networks do not
# name classes.

# %% tags=["parameters"]
profile = "smoke"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown
from myst_nb import glue
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

import cfkd_core
from cfkd_core import boxes, explore, paths
from cfkd_core.datasets import glyphs
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.figures import filters, style, temperature

style.use_style()
torch.set_num_threads(1)
torch.manual_seed(0)
smoke = profile == "smoke"

# %% [markdown]
# ## A toy, and a teacher
#
# Our pictures are digits of {glue:text}`side` x {glue:text}`side` px, strokes of six typefaces,
# turned, stretched, blurred and covered with noise ({numref}`fig:glyphs`). The teacher is a small
# convolutional network that has seen {glue:text}`teacher_count` of them.

# %%
train = glyphs.draw(1500 if smoke else 6000, seed=0)
test = glyphs.draw(500 if smoke else 2000, seed=1)


def build_teacher():
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 9, 64), nn.ReLU(), nn.Linear(64, 10)),
    )


def accuracy(logits, digits):
    return 100 * float((logits.argmax(-1) == digits).float().mean())


teacher = build_teacher()
adam = torch.optim.Adam(teacher.parameters(), 3e-3)
for _ in range(6):
    for batch in torch.randperm(len(train.digits)).split(64):
        loss = functional.cross_entropy(teacher(train.images[batch]), train.digits[batch])
        adam.zero_grad()
        loss.backward()
        adam.step()
teacher.requires_grad_(False).eval()
said = teacher(test.images)
glue("side", glyphs.SIDE, display=False)
glue("teacher_count", len(train.digits), display=False)
glue("teacher_right", accuracy(said, test.digits), display=False)

# %% mystnb={"figure": {"name": "fig:glyphs", "caption": "Test pictures of each digit."}} tags=["hide-input"]
figure, axes = plt.subplots(3, 10, figsize=(style.WIDTH, 1.9))
for digit, column in enumerate(axes.T):
    for ax, picture in zip(column, test.images[test.digits == digit], strict=False):
        filters.show_map(ax, picture[0])
plt.show()

# %% [markdown]
# It names {glue:text}`teacher_right:.1f` % of {glue:text}`test_count` new ones rightly. That is what
# the label would ask of it. But look at *how* it answers. Its last layer gives ten numbers, the
# **logits** $z_i$, and the softmax makes probabilities $p_i$ of them:

# %% tags=["remove-cell"]
glue("test_count", len(test.digits), display=False)
right = said.argmax(-1) == test.digits
second = functional.softmax(said, -1).topk(2).values[:, 1]
example = int(torch.where(right & (second < 0.2), second, 0).argmax())
shown_digit = int(test.digits[example])
runner_up = int(said[example].topk(2).indices[1])
glue("example", str(shown_digit), display=False)
glue("runner_up", str(runner_up), display=False)
glue("runner_up_share", 100 * float(second[example]), display=False)

# %% mystnb={"figure": {"name": "fig:answer", "caption": "One picture, its label, and the teacher's answer."}} tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(style.WIDTH, 1.9), width_ratios=(1, 1.5, 1.5))
filters.show_map(axes[0], test.images[example, 0])
one_hot = functional.one_hot(test.digits[example], 10).double().numpy()
temperature.targets(axes[1], one_hot, list("0123456789"), "label")
answer = functional.softmax(said[example].double(), -1).numpy()
temperature.targets(axes[2], answer, list("0123456789"), "teacher")
plt.show()

# %% [markdown]
# The label of {numref}`fig:answer` says {glue:text}`example`, and nothing else. The teacher says
# {glue:text}`example`, too, and adds that *this one* looks a little like a {glue:text}`runner_up`
# ({glue:text}`runner_up_share:.0f` %). How much more is that? The measure is **entropy**, Equation
# 1.4 of the thesis {cite:p}`danier2020cfkd`:
#
# $$ H(p) = \sum_i p_i \log \frac{1}{p_i} . $$ (eq:entropy)
#
# A label has no entropy at all: one $p_i$ is 1 and its logarithm 0. Ten equal shares have the most,
# $\log 10$. By hand, and by PyTorch; we count in bits.


# %%
def entropy(shares):
    terms = torch.where(shares > 0, shares * torch.log2(1 / shares), 0.0)
    return terms.sum(-1)


soft = functional.softmax(said, -1)
reference = torch.distributions.Categorical(probs=soft).entropy() / np.log(2)
assert_close(entropy(soft), reference, atol=1e-4, rtol=1e-3)
assert float(entropy(functional.one_hot(test.digits, 10).float()).max()) == 0
assert_close(entropy(torch.full((10,), 0.1)), torch.tensor(10.0).log2())
glue("entropy_1", float(entropy(soft).mean()), display=False)
glue("entropy_most", float(np.log2(10)), display=False)

# %% [markdown]
# The teacher's answers have {glue:text}`entropy_1:.2f` bits in the mean, of
# {glue:text}`entropy_most:.2f`. One thing to watch: entropy measures how *undecided* an answer is,
# and an untrained network is very undecided. What makes the bits worth having is that they go
# where the pictures resemble each other.
#
# ## Temperature
#
# A good teacher is sure, and a sure teacher's answer is nearly a label again. What it thinks of the
# other nine is there, but in the fifth decimal, where no loss will notice. So divide the logits by a
# **temperature** $T$ first; this is the thesis's Equation 1.5:
#
# $$ p_i = \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)} . $$ (eq:temperature)


# %%
def soften(logits, t):
    powers = torch.exp((logits - logits.max(-1, keepdim=True).values) / t)
    return powers / powers.sum(-1, keepdim=True)


for t in (0.5, 1.0, 8.0):
    assert_close(soften(said, t), functional.softmax(said / t, -1))

# %% [markdown]
# (The maximum is taken out first so that no power overflows; it cancels.) The order of the shares
# never changes, whatever $T$ is, but their ratios do: $p_i / p_j = \exp((z_i - z_j) / T)$.
# {numref}`fig:exponentials` is the thesis's Figure 1.3. At $T = 1$ the exponential of $-80$ and of
# $-100$ cannot be told apart from nothing, nor from each other. At high temperature both can be
# seen, and so can the difference.

# %% mystnb={"figure": {"name": "fig:exponentials", "caption": "The exponential at four temperatures, and its far end drawn again on a scale of its own."}} tags=["hide-input"]
temperature.exponentials([1.0, 10.0, 30.0, 100.0], (-100.0, -80.0))
plt.show()

# %% mystnb={"figure": {"name": "fig:soft", "caption": "The teacher's answer to the picture above at four temperatures, with its entropy."}} tags=["hide-input"]
figure, axes = plt.subplots(1, 4, figsize=(style.WIDTH, 2.0), sharey=True)
for ax, t in zip(axes, (0.5, 1.0, 4.0, 16.0), strict=True):
    shares = soften(said[example], t)
    title = f"$T={t:g}$\n{float(entropy(shares)):.2f} bits"
    temperature.targets(ax, shares.numpy().astype(float), list("0123456789"), title)
    ax.tick_params(labelsize=7)
plt.show()

# %% [markdown]
# At a temperature near 0 the answer is a label again; at a very high one all shares are equal and
# say nothing. Between lies what we want ({numref}`fig:soft`).
#
# ### What a very high temperature really asks
#
# The student, with logits $s_i$, is softened in the same way, and its loss is the cross-entropy with
# the teacher's shares. What pulls at a logit? For a moderate $T$ the difference of the shares; for
# a high one, with $\exp(x/T) \approx 1 + x/T$ and $n$ classes,
#
# $$ \frac{\partial L}{\partial s_i} = \frac{1}{T} \big( q_i - p_i \big)
#    \approx \frac{1}{n T^2} \big( (s_i - \bar s) - (z_i - \bar z) \big) . $$ (eq:limit)
#
# That is the gradient of a **squared distance of logits**, each less its mean. So a very hot
# softmax is a regression: it asks the student to give the teacher's numbers. The factor $1/T^2$ is
# why distillation losses are multiplied by $T^2$. Autograd agrees:

# %%
student_logits = torch.randn(10, dtype=torch.float64, requires_grad=True)
teacher_logits = said[example].double()
t = 1e3
student_shares = functional.log_softmax(student_logits / t, -1)
loss = -(functional.softmax(teacher_logits / t, -1) * student_shares).sum()
(pull,) = torch.autograd.grad(loss, student_logits)
centred = student_logits - student_logits.mean() - (teacher_logits - teacher_logits.mean())
assert_close(pull * t**2, centred.detach() / 10, atol=0.02, rtol=0.05)

# %% [markdown]
# ## A digit that the student never sees
#
# Now distil. The student has one hidden layer of {glue:text}`hidden` neurons and gets
# {glue:text}`few` pictures, too few to learn from labels alone. And we make it harder, with an
# experiment of {cite:t}`hinton2015distilling`: from one set **every 3 is taken out**. A student
# that learns from labels cannot name a 3, ever: nothing gives that output a reason to rise. A
# student of the teacher's shares meets the 3 in the *other* digits: as the small share of 3 in each
# 8, each 5, each 2.
#
# Several students, each with its own start, are trained side by side as one batch of matrices.

# %%
hidden, few = 32, 150 if smoke else 300
seeds, steps = (3, 200) if smoke else (5, 300)


def train_students(images, targets, t):
    """Weights of students that were trained on shares at temperature `t`, one for each seed."""
    generator = torch.Generator().manual_seed(1)
    sizes = ((images[0].numel(), hidden), (hidden, 10))
    weights = []
    for inputs, outputs in sizes:
        start = torch.randn(seeds, inputs, outputs, generator=generator) * (2 / inputs) ** 0.5
        weights += [start.requires_grad_(), torch.zeros(seeds, 1, outputs, requires_grad=True)]
    adam = torch.optim.Adam(weights, 3e-3)
    for _ in range(steps):
        logits = answer_of(weights, images)
        shares = functional.log_softmax(logits / t, -1)
        loss = -(t**2) * (targets * shares).sum(-1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return [each.detach() for each in weights]


def answer_of(weights, images):
    """Logits of each student: seeds, pictures, digits."""
    w1, b1, w2, b2 = weights
    flat = images.flatten(1).expand(seeds, -1, -1)
    return torch.baddbmm(b2, torch.baddbmm(b1, flat, w1).relu(), w2)


glue("hidden", hidden, display=False)
glue("few", few, display=False)
glue("seeds", seeds, display=False)

# %% [markdown]
# Training on labels is the same function: the label is a distribution, too, at $T = 1$.

# %%
small = glyphs.Glyphs(train.images[:few], train.digits[:few])
kept = small.digits != 3
without = glyphs.Glyphs(small.images[kept], small.digits[kept])
temperatures = [1.0, 4.0, 16.0] if smoke else [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
threes = test.digits == 3


def results(weights):
    """Per cent right of all digits, and of the 3s, for each seed."""
    found = answer_of(weights, test.images).argmax(-1) == test.digits
    return 100 * found.float().mean(1).numpy(), 100 * found[:, threes].float().mean(1).numpy()


learnt = {}
for name, given in (("all digits", small), ("without 3", without)):
    one_hot = functional.one_hot(given.digits, 10).float()
    learnt[name, "labels"] = results(train_students(given.images, one_hot, 1.0))
    logits = teacher(given.images)
    for t in temperatures:
        students = train_students(given.images, soften(logits, t), t)
        learnt[name, t] = results(students)

# %% tags=["hide-input"]
rows = ["| taught by | all digits, right | without 3, right | of the 3s |", "|:--|--:|--:|--:|"]
for key in ("labels", *temperatures):
    whole, lacking = learnt["all digits", key][0], learnt["without 3", key]
    cells = [f"{each.mean():.1f} ± {each.std():.1f}" for each in (whole, *lacking)]
    word = key if key == "labels" else f"teacher, T = {key:g}"
    rows.append(f"| {word} | {' | '.join(cells)} |")
glue("learnt", Markdown("\n".join(rows)), display=False)
taught = np.array([learnt["all digits", t][0] for t in temperatures]).astype(float)
unseen = np.array([learnt["without 3", t][1] for t in temperatures]).astype(float)
best = temperatures[int(taught.mean(1).argmax())]
best_unseen = temperatures[int(unseen.mean(1).argmax())]
glue("labels_right", float(learnt["all digits", "labels"][0].mean()), display=False)
glue("best_right", float(learnt["all digits", best][0].mean()), display=False)
glue("best_t", f"{best:g}", display=False)
gain = learnt["all digits", best][0] - learnt["all digits", "labels"][0]
glue("temperature_count", len(temperatures), display=False)
printed = [float(learnt["all digits", each][0].mean().round(1)) for each in (best, "labels")]
glue("gain", printed[0] - printed[1], display=False)
glue("gain_spread", float(gain.std()), display=False)
glue("labels_three", float(learnt["without 3", "labels"][1].mean()), display=False)
glue("one_three", float(learnt["without 3", 1.0][1].mean()), display=False)
glue("best_three", float(unseen.mean(1).max()), display=False)
glue("best_three_t", f"{best_unseen:g}", display=False)

# %% [markdown]
# ````{table} Students of few pictures: per cent of the test pictures named rightly, mean and standard deviation over seeds.
# :name: tab:learnt
# ```{glue:md} learnt
# :format: myst
# ```
# ````
#
# {numref}`tab:learnt` has two answers. With all digits, labels teach {glue:text}`labels_right:.1f` %,
# and the teacher at its best temperature ($T$ = {glue:text}`best_t`) {glue:text}`best_right:.1f` %,
# from the same pictures: {glue:text}`gain:+.1f` points, with a standard deviation of
# {glue:text}`gain_spread:.1f` between seeds. And without a single 3, the labels' students name
# {glue:text}`labels_three:.0f` % of the 3s; the teacher's name {glue:text}`one_three:.0f` % at
# $T = 1$ and {glue:text}`best_three:.0f` % at $T$ = {glue:text}`best_three_t`. The 3 was in the
# echo, and the temperature made it audible.
#
# Move the temperature: what one picture's target becomes, and what students make of such targets.


# %% tags=["hide-input"]
def draw_temperature(t):
    """A soft target, and what students learn from such."""
    figure = plt.figure(figsize=(style.WIDTH, 4.2))
    grid = figure.add_gridspec(2, 2, height_ratios=(2, 3), width_ratios=(1, 3))
    filters.show_map(figure.add_subplot(grid[0, 0]), test.images[example, 0])
    shares = soften(said[example], t)
    title = f"target at T = {t:g}: {float(entropy(shares)):.2f} bits"
    bars = figure.add_subplot(grid[0, 1])
    temperature.targets(bars, shares.numpy().astype(float), list("0123456789"), title)
    lines = figure.add_subplot(grid[1, :])
    runs = {"all digits, taught all": taught, "3s, taught none": unseen}
    temperature.learnt(lines, temperatures, runs, chosen=t)
    return figure


explore.Explorer(
    draw_temperature,
    {"temperature": temperatures},
    caption="Above, the teacher's answer to one picture, softened. Below, how many test pictures "
    "students of such answers name rightly; bands are standard deviations over seeds.",
)

# %% [markdown]
# ## And a tracker?
#
# The teacher of this book does not name classes. Its head looks at a box and says one number, how
# well it overlaps the target, on the scale $2 \cdot \mathrm{IoU} - 1$. The loss that passes this on,
# the thesis's Equation 3.8, is a smooth distance between the student's number and the teacher's.
# It has no softmax and **no temperature**. Why not? Put one in: divide both numbers by $T$. The
# smooth L1 distance is half a square for differences up to 1, and

# %%
ours, theirs = torch.rand(2, 1000).mul(2).sub(1).double()
near = (ours - theirs).abs() < 1
for t in (1.0, 2.0, 8.0):
    plain = functional.smooth_l1_loss(ours[near], theirs[near])
    softened = functional.smooth_l1_loss(ours[near] / t, theirs[near] / t)
    assert_close(softened * t**2, plain)

# %% [markdown]
# nothing has happened but a factor of $1/T^2$, which the term's weight can have as well. A
# temperature matters where shares *compete*: the softmax takes from one what it gives to another,
# and $T$ says how unequal the competition is. A single number has nobody to compete with. In the
# language of {eq}`eq:limit` the regression *is* distillation, at the hot end: the student is asked
# for the teacher's very numbers.
#
# What, then, can this teacher say that the label does not? The label of a regression is soft
# already: a box that overlaps a little has a little, not 0. What remains is the teacher's judgement
# of the *picture*: where it cannot be sure, its numbers hedge. {numref}`fig:judged` asks the
# teacher and the student that ship with this project about boxes around the target of one film.

# %% tags=["hide-input"]
(film,) = synthetic_sequences(["syn_light_face"], 12)
generator = torch.Generator().manual_seed(0)
said_of_boxes = {}
for role, name in (("teacher", "atom"), ("student", "matom")):
    tracker = cfkd_core.load_tracker(name, seed=0)
    tracker.init(film.frames[0], film.boxes[0])
    look = tracker.look(film.frames[8])
    if not said_of_boxes:
        goal = torch.from_numpy(look.patch.to_patch(film.boxes[8])).float()
        spread = torch.linspace(0.02, 0.6, 60)[:, None]
        off = spread * torch.randn(60, 4, generator=generator) * goal[2:].repeat(2)
        proposals = goal + off
        proposals[:, 2:] = proposals[:, 2:].clamp(min=8)
        truth = 2 * boxes.iou(proposals, goal) - 1
    head = tracker.net.iou_head
    with torch.no_grad():
        said_of_boxes[role] = head.predict(look.features, tracker.modulation, proposals[None])[0]
for role, values in said_of_boxes.items():
    matrix = np.corrcoef(values.numpy(), truth.numpy())
    glue(f"{role}_correlation", float(matrix[0, 1]), display=False)
    glue(f"{role}_off", float((values - truth).abs().mean()), display=False)

# %% mystnb={"figure": {"name": "fig:judged", "caption": "Sixty boxes around the target of one frame: their label, and what the teacher and the student that ship say of them. Both were trained for minutes, not days."}} tags=["hide-input"]
figure, ax = plt.subplots(figsize=(style.WIDTH, 3.0))
temperature.judged(
    ax,
    truth.numpy().astype(float),
    {role: v.numpy().astype(float) for role, v in said_of_boxes.items()},
)
plt.show()
printed = pd.read_csv(paths.THESIS / "table_4_2.csv").set_index("losses").success_auc
glue("printed_gt", float(printed["GT"]), display=False)
glue("printed_ts", float(printed["TS"]), display=False)

# %% [markdown]
# On this frame the teacher's answers correlate with the labels at {glue:text}`teacher_correlation:.2f`,
# the student's at {glue:text}`student_correlation:.2f`; they are off by
# {glue:text}`teacher_off:.2f` and {glue:text}`student_off:.2f` in the mean. So what a student gains
# by listening to such a teacher cannot be taken for granted, and one should not expect a
# classifier's miracle. In the thesis it gains: on OTB-100 a student of the labels alone has a
# success of {glue:text}`printed_gt:.1f`, one of the teacher's numbers alone
# {glue:text}`printed_ts:.1f` (Table 4.2, rows GT and TS). Where the teacher is *worse* than the
# student, listening harms; the thesis's third term, which asks the label unless the student is
# ahead of its teacher, is there for that.
#
# ## What we saw, and what we did not
#
# - A label has no entropy; a teacher's answer has some, and it goes where pictures resemble each
#   other.
# - A temperature changes no order and all ratios. It decides how much of the loss the unlikely
#   classes get. Very hot, the softmax is a regression of logits.
# - On the toy a digit can be learnt from its likeness to others, which no label can teach. With all
#   digits at hand the teacher's answers are worth {glue:text}`gain:+.1f` points over the labels at
#   the best of {glue:text}`temperature_count` temperatures (chosen on the test pictures, which
#   flatters); the explorer shows the others.
# - The thesis says of {cite:t}`hinton2015distilling` that its small networks became better than
#   their teacher. In that paper they come close to it and stay behind; our students, too, stay
#   behind their teacher's {glue:text}`teacher_right:.1f` %.
# - A regression has no temperature because nothing competes. Whether distillation helps a tracker
#   we have not seen: that takes training, and later chapters.
#
# ## Exercises
#
# **1.** Show that the order of the shares does not depend on $T$, and that the entropy of
# {eq}`eq:temperature` never falls when $T$ rises.
#
# ````{dropdown} Solution
# $\exp$ rises and $T > 0$, so larger logits have larger shares. With $\beta = 1/T$ the derivative
# of the entropy in $\beta$ is $-\beta$ times the variance of the logits under $p$, which is not
# positive; and $\beta$ falls when $T$ rises. The next cell checks the derivative.
# ````

# %% tags=["hide-cell"]
beta = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
z = said[example].double()
p = functional.softmax(beta * z, -1)
(slope,) = torch.autograd.grad(-(p * p.log()).sum(), beta)
variance = (p * z**2).sum() - (p * z).sum() ** 2
assert_close(slope, (-beta * variance).detach())

# %% [markdown]
# **2.** Take another digit out instead of the 3. Which one suffers most, and what has that to do with
# the digits that are left?
#
# ````{dropdown} Solution
# One that resembles no other, because it appears in nobody's echo. The next cell trains students
# at one temperature without each digit in turn.
# ````

# %% tags=["hide-cell"]
for digit in (1, 8) if smoke else range(10):
    kept = small.digits != digit
    targets = soften(teacher(small.images[kept]), best_unseen)
    answers = answer_of(train_students(small.images[kept], targets, best_unseen), test.images)
    share = (answers.argmax(-1) == digit)[:, test.digits == digit].float().mean()
    print(f"without {digit}: {100 * float(share):3.0f} % of the {digit}s")

# %% [markdown]
# **3.** Teach with an *untrained* teacher. Its answers have more entropy than those of the trained
# one. What do the students learn?
#
# ````{dropdown} Solution
# To imitate a random function of the picture, faithfully. Entropy counts how much an answer leaves
# open, not how much it says about digits. The next cell measures both.
# ````

# %% tags=["hide-cell"]
torch.manual_seed(2)
blank = build_teacher().requires_grad_(False)
targets = soften(blank(small.images), 4.0)
right, _ = results(train_students(small.images, targets, 4.0))
print(f"entropy {float(entropy(targets).mean()):.2f} bits, {right.mean():.0f} % right")
