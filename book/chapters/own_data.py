# %% [markdown]
# # On your own data
#
# You have a video, perhaps a folder of them, perhaps with boxes that you drew yourself. This chapter
# makes a small folder of that kind and takes it through everything: **track, look, evaluate, compare,
# train, track again**. The commands on this page ran while it was built; what stands below each is
# what it printed. Replace the folder by yours.

# %% tags=["parameters"]
profile = "smoke"

# %% tags=["hide-input"]
import os
import shlex
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from myst_nb import glue

from cfkd_core import __main__ as commands
from cfkd_core import boxes, explore
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.figures import style, tracking

style.use_style()
torch.set_num_threads(1)
smoke = profile == "smoke"
os.chdir(tempfile.mkdtemp())  # all that this page writes lies there


def cfkd(words):
    """Does what `python -m cfkd_core` does with these words, and shows the command."""
    print(f"$ python -m cfkd_core {words}")
    assert commands.main(shlex.split(words)) == 0


# %% [markdown]
# ## The folder
#
# A video is a file (.mp4, .avi, .mov, …) or a folder of images; for those that you want to
# *evaluate* on, a table of boxes lies beside it. Here the "videos" are two films of the synthetic
# benchmark, written as images. A line of the table is a box, left, top, width and height in pixels,
# counted from 0; an empty line or `nan` says that the target is not to be seen.

# %%
films = synthetic_sequences(["syn_clutter_cup", "syn_light_face"], 12 if smoke else 40)
for film in films:
    folder = Path("own", film.name.removeprefix("syn_"))
    folder.mkdir(parents=True)
    for number, frame in enumerate(film.frames):
        cv2.imwrite(str(folder / f"{number}.png"), frame[..., ::-1])  # OpenCV's order is BGR
    np.savetxt(f"{folder}.csv", film.boxes, fmt="%.1f", delimiter=",")

first = ",".join(f"{value:.0f}" for value in films[0].boxes[0])
print(*sorted(str(path) for path in Path("own").iterdir()), sep="\n")
print(Path("own/clutter_cup.csv").read_text().splitlines()[0])

# %% [markdown]
# ## Track
#
# One box, one command. It writes a film with the box drawn in, and a table.

# %%
cfkd(f"track own/clutter_cup --box {first} --output tracked --boxes boxes.csv")
found = pd.read_csv("boxes.csv")
found.head(3).round(2)

# %% [markdown]
# `status` says how far to trust a box: `normal`; `hard_negative`, where something similar is near;
# `uncertain`, where it is too similar; `lost`, where nothing in the patch looks like the target. The
# box of a lost frame is the last one that was believed. An application that must not follow the wrong
# thing should look at `status` and `score`, not at the box alone.

# %% tags=["hide-input"]
predicted = found[["x", "y", "w", "h"]].to_numpy(float)
explore.Clip(
    [
        tracking.film_frame(frame, {"student": box, "ground_truth": truth}, None)
        for frame, box, truth in zip(films[0].frames, predicted, films[0].boxes, strict=True)
    ],
    fps=12,
    labels=[f"{number}: {status}" for number, status in enumerate(found.status)],
    caption="The boxes of boxes.csv in orange, the true ones in green.",
    quality=70,
)

# %% [markdown]
# ## Evaluate
#
# `run` tracks every video that has a table and keeps the boxes; `score` reads them. A second `run`
# does only what is missing.

# %%
one, other = ("mosse" if smoke else "classifier"), "kcf"
cfkd(f"run --benchmark own --root own --trackers {one},{other} --results results")

# %%
cfkd("score --benchmark own --root own --results results --by-sequence --json scores.json")

# %% [markdown]
# Is the difference more than luck? `compare` draws the videos again and again and says where the
# difference lies in 95 % of the draws. Two videos can be drawn in three ways only, so here the interval
# knows nothing of any other video. Take twenty at least.

# %%
cfkd(f"compare {one} {other} --benchmark own --root own --results results")

# %% [markdown]
# Scores hide where a tracker fails. {numref}`fig:own-overlap` is what to look at first: the overlap
# along the video.

# %% mystnb={"figure": {"name": "fig:own-overlap", "caption": "Overlap of the tracked and the true box in each frame of one of the videos."}} tags=["hide-input"]
overlap = boxes.iou(predicted, films[0].boxes)
figure, axes = plt.subplots(figsize=(style.WIDTH, 2.2))
axes.plot(overlap, color=style.ROLES["student"])
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.set(xlabel="frame", ylabel="overlap", ylim=(0, 1.02), xlim=(0, len(overlap) - 1))
plt.show()

# %% tags=["remove-cell"]
glue("frames", len(overlap), display=False)
glue("good", int((overlap > 0.5).sum()), display=False)

# %% [markdown]
# In {glue:text}`good` of {glue:text}`frames` frames more than half of the two boxes is common ground.
#
# ## Train
#
# To train on your own videos, lay them out as one of the layouts that `data/README.md` lists. The
# simplest is OTB's: a folder a video, with `img/` and `groundtruth_rect.txt`. OTB counts pixels from
# 1; ours were counted from 0, which `:origin=0` says.

# %%
long = synthetic_sequences(["syn_clutter_cup", "syn_light_face"], 24)  # 20 frames are the least
for film in long:
    images = Path("train", film.name, "img")
    images.mkdir(parents=True)
    for number, frame in enumerate(film.frames, 1):
        cv2.imwrite(str(images / f"{number:04d}.jpg"), frame[..., ::-1])
    np.savetxt(images.parent / "groundtruth_rect.txt", film.boxes, fmt="%.2f", delimiter=",")

cfkd("train cfkd --smoke --data train:origin=0 synthetic:20@0.5 --dry-run")

# %% [markdown]
# That was the plan: which network, from which start, with which terms. Without `--dry-run` it is
# carried out. `--smoke` shrinks it to half a minute, to see that it runs: what comes out is **not** a
# tracker to be used. The recipe `mini` is what a laptop can do, `paper` the thesis's 25 hours on a GPU.

# %% tags=["remove-stderr"]
if not smoke:
    cfkd("train cfkd --smoke --data train:origin=0 synthetic:20@0.5 --out runs")
    cfkd(f"track own/clutter_cup --box {first} --tracker matom --weights runs/cfkd.safetensors")

# %% tags=["remove-cell"]
glue("trained", "was trained" if not smoke else "was not trained (profile smoke)", display=False)

# %% [markdown]
# In this build the network {glue:text}`trained`. Beside its weights lies a card that says what it was
# made of, and a log of every term. A run that was stopped goes on where it was when the same command
# is given again.
#
# ## From Python
#
# The same, in a program of yours:
#
# ```python
# import cfkd_core
#
# tracker = cfkd_core.load_tracker("classifier", seed=0)
# # a frame is RGB, uint8; a box is left, top, width, height
# tracker.init(frame, (61, 63, 63, 55))
# for frame in frames:
#     box, score, status = tracker.update(frame)
# ```
#
# Anything with `init` and `update` can be run and scored in the same way, a tracker of your own
# included: `ope.run([mine], load_benchmark("own", root), results, "own")`. The page {doc}`api` lists
# every name.
#
# ## What we saw, and what we did not
#
# - Boxes for a video, scores for a folder, weights from a folder: a command each, and files in
#   between that other tools can read.
# - We did not see a good tracker trained. That takes many videos; two are a test of the plumbing.
#
# ## Exercises
#
# 1. Your target leaves the picture in frames 30 to 50. What do you write into the table, and how is it
#    scored?
#
# ```{dropdown} A solution
# `nan,nan,nan,nan` in those lines. By OTB's rule, the default, they count as failures whatever the
# tracker says; by `--protocol lasot` as well, as its denominator is the whole video.
# ```
#
# 2. The tracker follows a face well until a second face comes near. Which number of `boxes.csv` would
#    have warned you?
#
# ```{dropdown} A solution
# `status`: it becomes `hard_negative` when a second peak has more than half the height of the first,
# and `uncertain` at more than four fifths; then nothing is learnt from the frame.
# ```
