# %% [markdown]
# # The student: what MobileNetV2 saves
#
# ATOM looks at every patch through ResNet-18, and on one core of a processor that look takes most
# of a frame's time. The student has to see as much with far less work. This chapter is about the
# work alone: what a convolution costs, how MobileNetV2 {cite:p}`sandler2018mobilenetv2` splits it
# in two, what the split saves in multiplications, in bytes and in milliseconds (three different
# answers), and how that compares with the cost columns of the thesis {cite:p}`danier2020cfkd`.
# Whether the student *sees* as much is the question of later chapters.

# %% tags=["parameters"]
profile = "smoke"

# %%
from copy import deepcopy
from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
import torch
from IPython.display import Markdown
from myst_nb import glue
from skimage import data
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from cfkd_core import paths
from cfkd_core.benchmarks import cost
from cfkd_core.figures import architecture, style
from cfkd_core.models import anatomy, folding
from cfkd_core.models.atom import build_atom
from cfkd_core.models.backbones import BACKBONES, build_backbone, imagenet_backbone

style.use_style()
torch.manual_seed(0)
torch.set_grad_enabled(False)  # nothing is trained here
torch.set_num_threads(1)
runs = 3 if profile == "smoke" else 9
glue("runs", runs, display=False)
side = 288  # px of ATOM's patches
patch = torch.rand(1, 3, side, side)

# %% [markdown]
# ## One convolution
#
# A convolution lays a kernel of $S_K \times S_K$ cells on every place of a map with $D_F$
# channels, multiplies and adds, and does so once for each of its $D_G$ output channels. Written
# out, it is one matrix product: each row of the first matrix is a kernel, each column of the
# second is what the kernel sees at one place.

# %%
full = nn.Conv2d(8, 16, kernel_size=3, padding=1, bias=False)
maps = torch.randn(1, 8, 10, 10)
kernels = full.weight.flatten(1)  # outputs, inputs * 3 * 3
places = functional.unfold(maps, kernel_size=3, padding=1)[0]  # inputs * 3 * 3, places
assert_close((kernels @ places).reshape(1, 16, 10, 10), full(maps))

multiplications = kernels.shape[0] * kernels.shape[1] * places.shape[1]
(layer,) = cost.layer_costs(nn.Sequential(full), maps)
assert multiplications == layer.macs

# %% [markdown]
# So many multiplications, each followed by an addition, are called **MACs**
# (multiply-accumulates). With $S_F$ cells along each side of the map, their number is Equation 3.2
# of the thesis:
#
# $$ S_K^2 \; D_F \; S_F^2 \; D_G . $$ (eq:student-full)
#
# One thing to watch: the kernel is applied once for each cell of the *output*. With stride 1 and a
# padded border the output is as large as the input and the two counts agree. With stride 2 it has
# a quarter of the cells, and {eq}`eq:student-full`, which takes the input's side, counts four
# times too much. The thesis uses it for all layers; remember this when we come to its tables.

# %%
strided = nn.Conv2d(8, 16, kernel_size=3, stride=2, padding=1, bias=False)
(layer,) = cost.layer_costs(nn.Sequential(strided), maps)
assert layer.macs * 4 == 3 * 3 * 8 * 10**2 * 16

# %% [markdown]
# ## Filter first, combine later
#
# A convolution does two things at once: it *filters* every channel in space, and it *combines* the
# channels. MobileNet {cite:p}`howard2017mobilenets` does them one after the other. A **depthwise**
# convolution gives each channel one kernel of its own; a **pointwise** one (1 × 1) then mixes the
# channels at each place. By hand:

# %%
kernel = torch.randn(8, 3, 3)  # one for each channel
mixture = torch.randn(16, 8)  # outputs, inputs

filtered = torch.cat(
    [functional.conv2d(maps[:, [c]], kernel[None, [c]], padding=1) for c in range(8)], dim=1
)
combined = torch.einsum("dc,bchw->bdhw", mixture, filtered)

# %% [markdown]
# PyTorch calls the first half a convolution with as many groups as channels:

# %%
depthwise = nn.Conv2d(8, 8, kernel_size=3, padding=1, groups=8, bias=False)
pointwise = nn.Conv2d(8, 16, kernel_size=1, bias=False)
depthwise.weight.data[:, 0] = kernel
pointwise.weight.data[..., 0, 0] = mixture
separable = nn.Sequential(depthwise, pointwise)
assert_close(separable(maps), combined)

# %% [markdown]
# Nothing new has been computed: the pair is an ordinary convolution whose kernels are products,
# the mixture's number times the channel's kernel. What is given up is freedom. All outputs share
# one kernel for each input channel.

# %%
product = mixture[:, :, None, None] * kernel[None]
assert_close(functional.conv2d(maps, product, padding=1), combined, rtol=1e-4, atol=1e-5)

# %% [markdown]
# The bill of the pair (Equation 3.3), and what part of the full convolution's it is (Equation
# 3.4):
#
# $$ S_K^2 \, D_F \, S_F^2 + D_F \, S_F^2 \, D_G ,
# \qquad \frac{1}{D_G} + \frac{1}{S_K^2} . $$ (eq:student-separable)

# %%
macs = {
    name: sum(layer.macs for layer in cost.layer_costs(nn.Sequential(net), maps))
    for name, net in (("full", full), ("separable", separable))
}
share = macs["separable"] / macs["full"]
assert abs(share - (1 / 16 + 1 / 3**2)) < 1e-12

# %% [markdown]
# With many channels the share tends to $1/S_K^2$, a ninth for the usual 3 × 3 kernels.
#
# ## The inverted residual block
#
# MobileNetV2 builds with a block of three layers, drawn in {numref}`fig:student-block` below one
# of ResNet's {cite:p}`he2016resnet`. ResNet is equally wide everywhere. MobileNetV2 is narrow
# *between* blocks and wide *inside* them, which is why its block is called **inverted**: a
# pointwise layer widens $k$ channels to $tk$, the cheap depthwise layer filters there, and a
# second pointwise layer projects down to $d$. After that one there is no activation.

# %% tags=["hide-input"]
teacher, student = build_backbone("resnet18").eval(), build_backbone("mobilenet_v2").eval()
seen = {"teacher": teacher(patch), "student": student(patch)}
networks = {"teacher": teacher, "student": student}

# %% mystnb={"figure": {"name": "fig:student-block", "caption": "A residual block of the teacher and an inverted residual block of the student, both the second of their block 3, read from the modules as they ran. The thickness of a slab is its number of channels."}} tags=["hide-input"]
architecture.residual_blocks(
    {
        role: anatomy.steps(network.block3[1], seen[role].block3)
        for role, network in networks.items()
    }
)
plt.show()

# %% [markdown]
# The whole block by hand, with the weights of the real module:

# %%
block = student.block3[1]
(widen, norm1, _), (filter_, norm2, _), project, norm3 = block.conv
x = seen["student"].block3
wide = functional.relu6(norm1(functional.conv2d(x, widen.weight)))
wide = functional.relu6(
    norm2(functional.conv2d(wide, filter_.weight, padding=1, groups=wide.shape[1]))
)
assert_close(x + norm3(functional.conv2d(wide, project.weight)), block(x))

# %% [markdown]
# The shortcut (`x +`) needs an output of the input's shape; a block that halves the map or changes
# the number of channels has none. {numref}`fig:student-operations` shows one of each kind.

# %% mystnb={"figure": {"name": "fig:student-operations", "caption": "The operations of two inverted residual blocks of the student's block 3, with k input channels, expansion factor t, d output channels and stride s."}} tags=["hide-input"]
blocks = [
    (student.block3[1], seen["student"].block3),
    (student.block3[0], seen["student"].block2),
]
architecture.operations([(anatomy.units(*pair)[0], anatomy.steps(*pair)) for pair in blocks])
plt.show()

# %% [markdown]
# Why no activation at the end? A ReLU sets what is negative to 0. In a wide map the same
# information is likely to survive in some other channel; in a narrow one it is gone. So the narrow
# maps stay **linear**, and they do use their freedom. Here is the part of the values below zero,
# in the trunk trained on ImageNet that comes with this project, on one photograph:

# %%
trained = imagenet_backbone("mobilenet_v2")
photograph = torch.from_numpy(data.astronaut()[:side, :side]).permute(2, 0, 1)[None] / 255
pyramid = trained(photograph)
negative = [float((features < 0).float().mean()) for features in pyramid]
for name, part in zip(pyramid._fields, negative, strict=True):
    glue(f"negative_{name}", 100 * part, display=False)

# %% [markdown]
# | block 1 | block 2 | block 3 | block 4 |
# |--:|--:|--:|--:|
# | {glue:text}`negative_block1:.0f` % | {glue:text}`negative_block2:.0f` % | {glue:text}`negative_block3:.0f` % | {glue:text}`negative_block4:.0f` % |
#
# The teacher's maps all come out of a ReLU and are never negative. A loss that compares the two
# networks' features has to live with that.
#
# ## Two backbones, block by block
#
# The tracker reads features at four sizes, so both networks are cut into four blocks, at a half, a
# quarter, an eighth and a sixteenth of the patch, and everything behind block 4 is left out
# ({numref}`fig:student-backbones`).

# %% mystnb={"figure": {"name": "fig:student-backbones", "caption": "Teacher and student, read from the modules as they ran on a patch of 288 × 288 px. A number behind a comma is the unit's output channels, t its expansion, s its stride where that is not 1. Maps on one level have the same size, so their features can be compared place by place."}} tags=["hide-input"]
architecture.backbones(
    {
        role: [
            anatomy.units(getattr(network, name), before)
            for name, before in zip(seen[role]._fields, (patch, *seen[role]), strict=False)
        ]
        for role, network in networks.items()
    },
    {"teacher": "Teacher: ResNet-18", "student": "Student: MobileNetV2"},
)
plt.show()

# %% tags=["hide-input"]
longer = build_backbone("mobilenet_v2_c96")
glue("c96_parameters", cost.parameters(longer) / cost.parameters(student), display=False)
extra = [sum(layer.macs for layer in cost.layer_costs(net, patch)) for net in (longer, student)]
glue("c96_macs", 100 * (extra[0] / extra[1] - 1), display=False)

# %% [markdown]
# ```{note}
# Figure 3.5 of the thesis also lists three bottlenecks with 96 channels in the student's block 4.
# The author's code stops before them, and so does this book. The longer cut is here under the name
# `mobilenet_v2_c96`: {glue:text}`c96_parameters:.1f` times the parameters and
# {glue:text}`c96_macs:.0f` % more multiplications.
# ```
#
# ## Does the clock agree?
#
# Multiplications are counted easily. What we want is time. {numref}`fig:student-time` has both,
# block by block. All times on this page are those of one thread of the machine that built it, each
# the median of {glue:text}`runs` runs; what the thread spends waiting for other programs is left
# out.


# %%
def work_and_time(part, before):
    """MACs in billions, and milliseconds, of a part of a network."""
    macs = sum(layer.macs for layer in cost.layer_costs(part, before))
    return macs / 1e9, 1e3 * cost.latency(partial(part, before), runs=runs)


def bare(network):
    """The network without batch normalisation and activations: for a stopwatch only."""
    network = deepcopy(network)
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d | nn.ReLU | nn.ReLU6):
                setattr(parent, name, nn.Identity())
    return network


wholes = {name: build_backbone(name).eval() for name in BACKBONES}
wholes["bare student"] = bare(student)
seconds = {name: cost.latency(partial(net, patch), runs=runs) for name, net in wholes.items()}

normalised = (patch - teacher.mean) / teacher.std  # what both backbones do first
measured = {role: [] for role in networks}
for index, name in enumerate(seen["teacher"]._fields):
    for role, network in networks.items():
        before = (normalised, *seen[role])[index]
        measured[role].append(work_and_time(getattr(network, name), before))

# %% mystnb={"figure": {"name": "fig:student-time", "caption": "Work and time of each block, measured when this page was built."}} tags=["hide-input"]
architecture.by_block(
    {
        quantity: {role: [pair[index] for pair in pairs] for role, pairs in measured.items()}
        for index, quantity in enumerate(("billion MACs", "milliseconds"))
    }
)
plt.show()

work = {role: sum(macs for macs, _ in pairs) for role, pairs in measured.items()}
glue("macs_ratio", work["teacher"] / work["student"], display=False)
glue("time_ratio", seconds["resnet18"] / seconds["mobilenet_v2"], display=False)

# %% [markdown]
# The student makes {glue:text}`macs_ratio:.1f` times fewer multiplications and is
# {glue:text}`time_ratio:.1f` times faster. Where does the rest of the gain go? Take the layers
# apart. A processor multiplies only as fast as the numbers reach it. A full convolution uses each
# number that it has fetched hundreds of times; a depthwise one, a handful of times. The quotient,
# MACs for each byte of maps and weights, is the layer's **arithmetic intensity**. It can be
# counted as well:

# %%
took = {role: cost.layer_seconds(net, patch, runs=runs) for role, net in networks.items()}
layers = {"full convolution": [], "pointwise": [], "depthwise": []}
for role, network in networks.items():
    for layer, time in zip(cost.layer_costs(network, patch), took[role], strict=True):
        kind = "depthwise" if layer.groups > 1 else "full convolution"
        kind = "pointwise" if layer.kernel == 1 else kind
        layers[kind].append((layer.macs / layer.bytes, layer.macs / time, time))

# %% mystnb={"figure": {"name": "fig:student-throughput", "caption": "Each convolution of both networks, run by itself: how fast it multiplies, against the multiplications it has for each byte. The area of a mark is the layer's time."}} tags=["hide-input"]
architecture.throughput(layers)
plt.show()

speed = {
    kind: sum(rate * time for _, rate, time in points) / sum(p[2] for p in points)
    for kind, points in layers.items()
}
time = seconds["mobilenet_v2"]
glue("student_convolving", 100 * sum(took["student"]) / time, display=False)
glue("student_cheap", 100 * (1 - seconds["bare student"] / time), display=False)
glue("speed_full", speed["full convolution"] / 1e9, display=False)
glue("speed_depthwise", speed["depthwise"] / 1e9, display=False)

# %% [markdown]
# In {numref}`fig:student-throughput` the depthwise layers lie at the lower left: few
# multiplications a byte, and {glue:text}`speed_depthwise:.1f` billion a second, where the full
# convolutions reach {glue:text}`speed_full:.1f`. Between the convolutions stand layers that the
# count does not know at all: batch normalisation and ReLU6, on maps that are six times as wide
# inside a block as outside. They multiply next to nothing, but they read and write everything.
# Leaving them out saves {glue:text}`student_cheap:.0f` % of the student's time, and its
# convolutions, each run by itself again and again, take {glue:text}`student_convolving:.0f` % of
# it. The two need not add up: a layer on its own has its numbers at hand, while in the network the
# layers before it may have pushed them out of the fast memory.
#
# One pair of layers shows the same in isolation: the shape of the teacher's block 3, once full and
# once split.

# %%
width = teacher.channels[2]
pair = {
    "full": nn.Conv2d(width, width, 3, padding=1, bias=False),
    "separable": nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
        nn.Conv2d(width, width, 1, bias=False),
    ),
}
maps = seen["teacher"].block3
work = {n: sum(c.macs for c in cost.layer_costs(nn.Sequential(f), maps)) for n, f in pair.items()}
clock = {n: cost.latency(partial(f, maps), runs=3 * runs) for n, f in pair.items()}
glue("pair_macs", work["full"] / work["separable"], display=False)
glue("pair_time", clock["full"] / clock["separable"], display=False)

# %% [markdown]
# {eq}`eq:student-separable` promises a factor of {glue:text}`pair_macs:.1f`; the clock gives
# {glue:text}`pair_time:.1f`. The thesis met the same effect at full size on its graphics card,
# where teacher and student extract features at the same rate (its Table 4.1): fewer
# multiplications are of no use to a processor that was not short of them.
#
# ## The cost columns of the thesis
#
# Tables 4.1, 4.3 and 4.5 of the thesis give each network's size, operations and speed. They stand
# in `data/thesis` as printed. The same rows appear in several of them, so we read all three and
# keep one of each.

# %% tags=["hide-input"]
OURS = {  # the thesis's backbone and model -> our backbone and network
    ("ResNet-18", "ATOM"): ("resnet18", "atom"),
    ("ResNet-18-m", "student"): ("resnet18_m", "atom_m"),
    ("ResNet-18-s", "student"): ("resnet18_s", "atom_s"),
    ("ResNet-18-t", "student"): ("resnet18_t", "atom_t"),
    ("MobileNetV2", "mATOM"): ("mobilenet_v2", "matom"),
    ("ResNet-50", "DRNet"): ("resnet50", "drnet"),
    ("MobileNetV2", "mDRNet"): ("mobilenet_v2", "mdrnet"),
}
printed = pd.concat(
    pd.read_csv(paths.THESIS / f"table_4_{number}.csv").assign(table=f"4.{number}")
    for number in (1, 3, 5)
)
rows = printed.drop_duplicates(["backbone", "model"]).set_index(["backbone", "model"])
rows = rows.loc[list(OURS)].reset_index()
nets = {net: build_atom(net) for _, net in OURS.values()}


def table(name, headings, cells):
    """Shows a table in the page under `name`; numbers come as finished text."""
    lines = ["| " + " | ".join(headings) + " |", "|:--" + "|--:" * (len(headings) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    glue(name, Markdown("\n".join(lines)), display=False)


def unbroken(name):
    """A name that a narrow column does not break at its hyphens."""
    return name.replace("-", "\N{NON-BREAKING HYPHEN}")


# %% [markdown]
# ### Operations
#
# The thesis counts with its Equation 4.5, which is {eq}`eq:student-full` and one more operation
# for each output, for a bias:
#
# $$ \text{FLOPs} = S_K^2 \, D_F \, S_F^2 \, D_G + S_G^2 \, D_G . $$ (eq:student-flops)
#
# A multiplication with its addition counts as one here, and the side $S_F$ is the input's. We
# count every convolution of each backbone, up to block 4, in three ways: as the equation is
# written, with the output's side in its place, and the MACs that are really made. Depthwise layers
# are divided by their groups, which the equation does not mention but the thesis's number for
# MobileNetV2 needs.


# %%
def in_billions(layers, reading):
    return sum(getattr(layer, reading) for layer in layers) / 1e9


counts = {}
for backbone in dict.fromkeys(backbone for backbone, _ in OURS.values()):
    layers = cost.layer_costs(wholes[backbone], patch)
    counts[backbone] = {r: in_billions(layers, r) for r in ("eq_4_5", "eq_4_5_output", "macs")}
    counts[backbone]["first"] = layers[0].macs / 1e9

# %% tags=["hide-input"]
by_backbone = rows.drop_duplicates("backbone")
cells = []
for row in by_backbone.itertuples():
    count = counts[OURS[row.backbone, row.model][0]]
    found = [f"{count[r]:.4f}" for r in ("eq_4_5", "eq_4_5_output", "macs")]
    deviation = f"{100 * (count['eq_4_5'] / row.flops_b - 1):+.0f} %"
    cells.append([unbroken(row.backbone), f"{row.flops_b:g}", *found, deviation])
headings = ["backbone", "thesis", "Eq. 4.5 as written", "with the output's side", "MACs"]
table("student_flops", [*headings, "as written / thesis"], cells)

# %% [markdown]
# ````{table} Operations of the backbones in billions, for one patch of 288 × 288 px.
# :name: tab:student-flops
# ```{glue:md} student_flops
# :format: myst
# ```
# ````

# %% tags=["hide-input"]
guess = {name: count["eq_4_5"] - count["first"] for name, count in counts.items()}
for name in ("resnet18", "resnet18_m", "resnet50"):
    glue(f"guess_{name}", guess[name], display=False)
printed_flops = {OURS[r.backbone, r.model][0]: r.flops_b for r in by_backbone.itertuples()}
for name in ("resnet18", "resnet18_m", "resnet50", "mobilenet_v2"):
    glue(f"printed_{name}", float(printed_flops[name]), display=False)
at_320 = cost.layer_costs(build_backbone("mobilenet_v2"), torch.rand(1, 3, 320, 320))
student_count = counts["mobilenet_v2"]
overcount = 1 - student_count["eq_4_5_output"] / student_count["eq_4_5"]
glue("overcount", 100 * overcount, display=False)
glue("mdrnet_at_320", in_billions(at_320, "eq_4_5"), display=False)

box = torch.tensor([[100.0, 100, 80, 80]])
frame = {}
for name in ("atom", "matom"):
    net = nets[name]
    head = cost.by_part(
        cost.layer_costs(net.iou_head, net.backbone(patch), box, net.backbone(patch), box[None])
    )
    backbone = counts[net.backbone.name]["macs"]
    frame[name] = backbone + in_billions(head["search_conv3"] + head["search_conv4"], "macs")
glue("frame_ratio", frame["atom"] / frame["matom"], display=False)

# %% [markdown]
# {numref}`tab:student-flops` says:
#
# - **MobileNetV2's {glue:text}`printed_mobilenet_v2:.2f` is Equation 4.5 as written**, for the
#   backbone alone, although the text speaks of tracking one frame. The strided layers are counted
#   four times: {glue:text}`overcount:.0f` % of the number are multiplications that nobody makes.
# - **ResNet-18's {glue:text}`printed_resnet18:.2f` is not reproduced** by any reading. One rule
#   comes close: subtract what the first convolution really makes, which leaves
#   {glue:text}`guess_resnet18:.4f`. But by that rule ResNet-18-m would have
#   {glue:text}`guess_resnet18_m:.2f` instead of {glue:text}`printed_resnet18_m:.2f`, and ResNet-50
#   {glue:text}`guess_resnet50:.2f` instead of {glue:text}`printed_resnet50:.2f`. The printed
#   numbers of the ResNets do not follow one rule that we know of.
# - mDRNet is given mATOM's number. Its settings in the author's code use patches of 320 px; at
#   that size the same equation gives {glue:text}`mdrnet_at_320:.3f`.
#
# "More than ten times fewer" survives all this, just. In true MACs the backbones are a factor of
# {glue:text}`macs_ratio:.1f` apart. With the part of the IoU head that also runs once for each
# frame it is {glue:text}`frame_ratio:.1f`, because the head is a quarter as wide.
#
# ### Size
#
# Here the thesis and we differ by more than counting. The size of a network is four bytes for each
# of its parameters. That is not what the "Size" column holds. A checkpoint of the original code
# has two things besides: the layers behind block 4, which never run, and the two running means
# that the optimiser, Adam, keeps for each number it has trained. We put all three together and let
# `torch.save` write them.


# %%
def saved(net, trained):
    """Bytes of a checkpoint with the dead layers, and with Adam's means of `trained`."""
    return cost.checkpoint_bytes(nn.ModuleList([net, cost.dead_tail(net.backbone)]), trained)


# %% tags=["hide-input"]
MIB = 2**20
sizes, cells = {}, []
for row in rows.itertuples():
    net = nets[OURS[row.backbone, row.model][1]]
    sizes[row.backbone, row.model] = live = cost.megabytes(net)
    whole = live + cost.megabytes(cost.dead_tail(net.backbone))
    files = [saved(net, trained) / MIB for trained in (None, net.iou_head, net)]
    numbers = [f"{row.size_mb:g}", f"{live:.2f}", f"{whole:.1f}", *(f"{f:.1f}" for f in files)]
    label = row.model if row.model != "student" else row.backbone
    cells.append([unbroken(label), *numbers])
headings = ["network", "thesis, “MB”", "in use, MB", "with dead layers, MB"]
headings += ["checkpoint, MiB", "with Adam on the head, MiB", "with Adam on all, MiB"]
table("student_sizes", headings, cells)

atom, matom = sizes["ResNet-18", "ATOM"], sizes["MobileNetV2", "mATOM"]
drnet, mdrnet = sizes["ResNet-50", "DRNet"], sizes["MobileNetV2", "mDRNet"]
glue("size_ratio", atom / matom, display=False)
glue("size_saved", 100 * (1 - matom / atom), display=False)
glue("drnet_ratio", drnet / mdrnet, display=False)
by_model = rows.set_index("model").size_mb
for name in ("ATOM", "mATOM", "DRNet"):
    glue(f"printed_size_{name.lower()}", float(by_model[name]), display=False)
glue("printed_size_ratio", float(by_model["ATOM"] / by_model["mATOM"]), display=False)
glue("drnet_file", saved(nets["drnet"], None) / 1e6, display=False)

# %% [markdown]
# ````{table} Sizes: backbone and head together. MB are 10⁶ bytes, MiB are 2²⁰.
# :name: tab:student-sizes
# ```{glue:md} student_sizes
# :format: myst
# ```
# ````
#
# {numref}`tab:student-sizes` says:
#
# - ATOM's {glue:text}`printed_size_atom:.0f` is a checkpoint in MiB: all weights, and Adam's means
#   for the head, the only part its authors trained. ResNet-18-s and -t are checkpoints too, with
#   the means of everything that runs. ResNet-18-m is near.
# - mATOM's {glue:text}`printed_size_matom:.0f` lies at the checkpoint with Adam on the head alone,
#   and DRNet's {glue:text}`printed_size_drnet:.1f` near one without an optimiser
#   ({glue:text}`drnet_file:.1f` MB); neither is exact, and what was in those files is not known.
# - What a phone would have to store is the column "in use". There the student is
#   **{glue:text}`size_ratio:.1f` times smaller** than its teacher ({glue:text}`size_saved:.0f` %
#   less), and not {glue:text}`printed_size_ratio:.1f` times: the thesis claims less than it
#   achieved. For DRNet the factor is {glue:text}`drnet_ratio:.0f`.
#
# ### Speed
#
# Last the clock, for the backbones alone, as measured above. The thesis measured on
# one core of a 2.3 GHz Xeon; the numbers to compare are the ratios.

# %% tags=["hide-input"]
cells = []
reference = by_backbone.set_index("backbone").backbone_fps_cpu["ResNet-18"]
for row in by_backbone.itertuples():
    name = OURS[row.backbone, row.model][0]
    ratios = row.backbone_fps_cpu / reference, seconds["resnet18"] / seconds[name]
    fps = f"{row.backbone_fps_cpu}", f"{1 / seconds[name]:.0f}"
    fewer = counts["resnet18"]["macs"] / counts[name]["macs"]
    cells.append([unbroken(row.backbone), *fps, *(f"{ratio:.1f}" for ratio in (*ratios, fewer))])
thesis_order = by_backbone.sort_values("backbone_fps_cpu")
names = [OURS[pair][0] for pair in zip(thesis_order.backbone, thesis_order.model, strict=True)]
scores = rows.set_index(["backbone", "model"]).otb100_success_auc
glue("auc_mobilenet", float(scores["MobileNetV2", "mATOM"]), display=False)
glue("auc_resnet18_s", float(scores["ResNet-18-s", "student"]), display=False)
same = names == sorted(names, key=seconds.get, reverse=True)
glue("speed_order", "also" if same else "not quite", display=False)
headings = ["backbone", "thesis, FPS", "here, FPS", "thesis, speed-up"]
table("student_speed", [*headings, "here, speed-up", "fewer MACs, times"], cells)

# %% [markdown]
# ````{table} Patches a second through the backbone on one CPU thread, measured when this page was built. Speed-ups are against ResNet-18.
# :name: tab:student-speed
# ```{glue:md} student_speed
# :format: myst
# ```
# ````
#
# From slow to fast, the order here is {glue:text}`speed_order` the thesis's. In both, no network
# smaller than ResNet-18 gains what its multiplications promise: small layers keep a processor less
# busy, whatever their kind. ResNet-18-s makes fewer multiplications than MobileNetV2, all of them in full convolutions,
# and in the thesis it is the faster of the two. What speaks for MobileNetV2 is not speed: in the
# thesis's Table 4.3 it scores {glue:text}`auc_mobilenet:.1f` on OTB-100, and ResNet-18-s
# {glue:text}`auc_resnet18_s:.1f`.
#
# ## What we saw, and what we did not
#
# - A depthwise separable convolution is a full one whose kernels are products. It costs
#   $1/D_G + 1/S_K^2$ of the multiplications.
# - The student has {glue:text}`macs_ratio:.1f` times fewer MACs than the teacher, is
#   {glue:text}`size_ratio:.1f` times smaller, and {glue:text}`time_ratio:.1f` times faster on one
#   thread of this machine. The three factors answer three questions, and only the last is about
#   frames a second.
# - The thesis's {glue:text}`printed_mobilenet_v2:.2f` billion and most of its sizes are explained
#   to the digit: the input's side in the one, training checkpoints in the other. Its
#   {glue:text}`printed_resnet18:.2f` billion is not explained.
# - We did not see a tracker. Its frame rate also holds the online classifier and the box
#   refinement, and says nothing yet about whether the small network finds its target.
#
# ## Exercises
#
# **1.** By what share of the multiplications does a depthwise separable layer with a 5 × 5 kernel and
# 64 outputs undercut a full one? And which of its two halves costs more?
#
# ````{dropdown} Solution
# $1/64 + 1/25$, so about 5.6 % are left. Of these the pointwise half has $D_G = 64$ for each cell and
# channel, the depthwise half $S_K^2 = 25$: mixing channels costs more than filtering, all the more
# in wide layers. The next cell counts.
# ````

# %% tags=["hide-cell"]
halves = (
    nn.Conv2d(32, 32, 5, padding=2, groups=32, bias=False),
    nn.Conv2d(32, 64, 1, bias=False),
)
maps = torch.randn(1, 32, 20, 20)
whole = nn.Sequential(nn.Conv2d(32, 64, 5, padding=2, bias=False))
(full_layer,) = cost.layer_costs(whole, maps)
parts = [layer.macs for layer in cost.layer_costs(nn.Sequential(*halves), maps)]
print([f"{100 * part / full_layer.macs:.2f} %" for part in parts])

# %% [markdown]
# **2.** How do the student's multiplications grow with the side of the patch? Which part of the
# network does *not* grow?
#
# ````{dropdown} Solution
# With its square: every convolution is applied at each place, and there are four times as many
# places on twice the side. The weights do not grow. So a smaller patch is the cheapest way to make a
# tracker faster, and costs the finest detail. The next cell counts at three sides.
# ````

# %% tags=["hide-cell"]
for length in (144, 288, 576):
    layers = cost.layer_costs(student, torch.rand(1, 3, length, length))
    print(f"{length} px: {sum(layer.macs for layer in layers) / 1e9:.3f} billion MACs")

# %% [markdown]
# **3.** Batch normalisation in evaluation is a factor and a shift for each channel. Show that it can be
# folded into the convolution before it, so that a tracker need not run it at all.
#
# ````{dropdown} Solution
# With $y = \gamma (W x - \mu) / \sigma + \beta$ the folded layer has the weights $\gamma W / \sigma$
# and the bias $\beta - \gamma \mu / \sigma$. The library's trackers run networks folded in this way;
# the next cell checks that the features stay the same.
# ````

# %% tags=["hide-cell"]
folded = folding.fold(trained.eval())
for before, after in zip(trained(photograph), folded(photograph), strict=True):
    assert_close(before, after, atol=1e-3, rtol=1e-3)
print(sum(isinstance(module, nn.BatchNorm2d) for module in folded.modules()), "left")
