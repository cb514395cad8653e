# %% [markdown]
# # Your own video
#
# Take a film of something that moves, say where it is in the first frame, and watch whether mATOM
# finds it again. In JupyterLab (`make lab`) every step below is yours: the file, the box, the
# tracker. On this page the same cells have been run once, on a film that the project renders itself.

# %% tags=["parameters"]
profile = "smoke"

# %%
import tempfile
from pathlib import Path

import cv2
import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display
from myst_nb import glue

import cfkd_core
from cfkd_core import explore
from cfkd_core.datasets import film, footage, video
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.figures import style

style.use_style()
smoke = profile == "smoke"
folder = Path(tempfile.mkdtemp(prefix="cfkd-"))  # another one if the results should stay

# %% [markdown]
# ## Choose the film
#
# Press the button and pick a file: anything that a phone records will do. It is copied to the machine
# on which the notebook runs. Or write its path into the next cell, which is quicker for large files
# and also takes a folder of images.

# %% tags=["remove-output"]
picker = widgets.FileUpload(accept="video/*", description="Choose a video")
display(picker)

# %%
path = None  # or Path("/home/you/film.mp4")
if path is None and picker.value:
    path = folder / Path(picker.value[0].name).name
    path.write_bytes(picker.value[0].content)
if path is None:
    path = folder / "cup.mp4"
    (sample,) = synthetic_sequences(["syn_clutter_cup"], 24 if smoke else None)
    film.write_film(sample, path)

frames = cfkd_core.open_frames(path)
first = next(iter(frames))

# %% [markdown]
# ## Draw the box
#
# Drag the mouse over the target: tight around it, with little of what is behind. The four numbers
# below are left, top, width and height in pixels; they can be typed as well. On this page, too, you
# can draw, and take the numbers to a command line.

# %%
begin = (226, 39, 49, 62) if path.name == "cup.mp4" else np.array(first.shape[1::-1] * 2) / 3
drawing = explore.Drawing(
    first, begin, caption="The first frame. Draw a box around the target with the mouse."
)
drawing

# %% [markdown]
# ## Watch
#
# `classifier` keeps the size of the box and is hard to shake off; `matom` also sizes the box. The
# picture changes while the tracker runs; what you see is what it knew at that moment, for a tracker
# never looks ahead. A score near zero means that it no longer believes what it says.

# %%
tracker = cfkd_core.load_tracker("classifier", seed=0)
followed = footage.open_footage(path, None, drawing.text, limit=2000)

# %% tags=["remove-output"]
screen = display(Image(data=b"", format="jpeg"), display_id=True)
kept, marked = [], []


def watch(frame, prediction):
    label = f"{tracker.name} {prediction.score:.2f}"
    shown = video.draw_box(frame, prediction.box, label=label)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))
    screen.update(Image(data=jpeg.tobytes(), format="jpeg"))
    marked.append(shown)
    kept.append(prediction)


trajectory = cfkd_core.track(tracker, followed.frames, followed.box, watch)

# %% tags=["remove-cell"]
glue("frames", len(trajectory.boxes), display=False)
glue("fps", float(trajectory.fps), display=False)
glue("first", float(trajectory.seconds[0]), display=False)
glue("lost", trajectory.statuses.count("lost"), display=False)

# %%
every = max(1, len(marked) // 40)  # a page has room for some forty pictures
explore.Clip(
    marked[::every],
    fps=followed.fps / every,
    caption="The film with the tracker's box and its score.",
)

# %% [markdown]
# {glue:text}`frames` frames at {glue:text}`fps:.1f` a second on one core of the machine that made this
# page, after {glue:text}`first:.2f` s in which the tracker learnt the target;
# {glue:text}`lost` of them were called lost.
#
# How sure was it? {numref}`fig:own-scores` is the score of each frame. Where it falls, the target has
# turned, or something like it has come near; look at the clip at that place.

# %% mystnb={"figure": {"name": "fig:own-scores", "caption": "The classifier's score in each frame; 1 in the first, where the box was given."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(style.WIDTH, 1.8))
axes.plot(trajectory.scores, color=style.ROLES["student"])
axes.set(xlabel="frame", ylabel="score", ylim=(0, None))
plt.show()

# %% [markdown]
# ## Keep it
#
# Boxes as a table, and the film with the boxes drawn in. The table has the columns that `score` reads:
# correct it by hand where it is wrong, put it beside the film, and you have a benchmark of your own
# (`run --benchmark own`), or something to train on (`train matom --start matom --data ...`).

# %%
trajectory.to_csv(folder / "boxes.csv")
with video.write_video(folder / "tracked.mp4", followed.fps) as write:
    for picture in marked:
        write(picture)

# %% tags=["remove-output"]
print(f"in {folder}: {', '.join(sorted(file.name for file in folder.iterdir()))}")

# %% [markdown]
# What we did not see: a film in which the target leaves the picture for long. Nothing here looks for it
# again everywhere; the tracker waits at the place where it lost it.
#
# ## Exercises
#
# 1. Draw the box twice as large as the target. What does the score do, and why does the tracker now
#    follow the table?
#
# ````{dropdown} Solution
# Most of the box is background, and the classifier learns what is in the box. The table does not move
# as the cup does, so the peak lies between the two; the score is lower from the second frame on,
# because no place matches both.
# ````
#
# 2. Do the same on the command line, without a notebook.
#
# ````{dropdown} Solution
# `cfkd track film.mp4 --box 226,39,49,62 --output tracked.mp4 --boxes boxes.csv`; for a webcam
# `cfkd track --camera 0`. The page *Every command* has the options.
# ````
