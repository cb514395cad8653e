# %% [markdown]
# # Many machines
#
# The thesis trained on a cluster's graphics cards for days. What would that take today, on how many
# processors, and how is it started? This page has the commands, and the hours, memory and disk that
# the full data sets need, computed from runs that were really made: the cards of the weights that
# ship say how long a pair took, the recorded runs on OTB how long a frame did.

# %% tags=["parameters"]
profile = "smoke"

# %%
import resource

from IPython.display import Markdown
from myst_nb import glue

import cfkd_core
from cfkd_core import paths
from cfkd_core.benchmarks import report
from cfkd_core.experiments import estimate
from cfkd_core.experiments.recipes import resolve
from cfkd_core.models.tensor_file import read_card

# %% [markdown]
# ## What was measured
#
# One process with one thread, on a processor of 2.3 GHz without a graphics card. Memory is this
# notebook's own, with the tracker loaded: what a worker has.

# %%
records = {
    name: report.load_json(paths.DATA / "results" / "otb_dev" / f"{name}_seed0.json")[0]
    for name in ("classifier", "matom", "atom")
}
speed = {name: record.fps for name, record in records.items()}
paces = {
    name: estimate.pace(read_card(paths.WEIGHTS / f"{name}.safetensors"))
    for name in ("matom", "atom", "cfkd")
}
cfkd_core.load_tracker("matom")
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # GB

# %% tags=["remove-cell"]
for name, value in speed.items():
    glue(f"fps_{name}", float(value), display=False)
for name, value in paces.items():
    glue(f"pair_{name}", float(1000 * value.seconds), display=False)
glue("pixels", paces["matom"].size, display=False)
glue("memory", float(memory), display=False)

# %% [markdown]
# On eleven videos of OTB `matom` had {glue:text}`fps_matom:.1f` FPS, `classifier`, which has no head but
# other options, {glue:text}`fps_classifier:.1f`, and `atom` {glue:text}`fps_atom:.1f`. A pair of
# {glue:text}`pixels` px cost {glue:text}`pair_matom:.0f` ms when `matom`'s head was trained on features
# that were kept, {glue:text}`pair_atom:.0f` ms for `atom`, and {glue:text}`pair_cfkd:,.0f` ms for all the
# rows of the tables at once, backbones included. A process took {glue:text}`memory:.1f` GB.
#
# ## Evaluation
#
# Sequences are independent, so eight processes are eight times as fast as one until there are more
# processes than sequences. On one machine `--jobs` says how many; on several, a dask cluster takes
# them. Every worker needs this package and the data at the same path; results come back to the machine
# that asked. A worker that dies costs the sequence that it had; the same command goes on with the rest.
#
# ```bash
# dask scheduler --port 8786  # on one machine
# dask worker tcp://host:8786 --nworkers 16 --nthreads 1  # on each of the others
# cfkd run --benchmark lasot --root /data/lasot --trackers matom,atom \
#     --scheduler tcp://host:8786
# ```
#
# The boxes are those of one process, to the last digit: a tracker has one thread and a seed of its own
# for each sequence, wherever it runs.

# %% tags=["remove-cell"]
workers = 16
lines = ["| benchmark | frames | matom, 1 core, h | 16 cores, h | atom, 16 cores, h | disk, GB |"]
lines += ["|---|---:|---:|---:|---:|---:|"]
for benchmark, extent in estimate.EVALUATED.items():
    alone, many, teacher = (
        estimate.evaluation(benchmark, speed[name], processes=count, memory_gb=memory)
        for name, count in (("matom", 1), ("matom", workers), ("atom", workers))
    )
    lines.append(
        f"| {benchmark} | {extent.frames:,} | {alone.hours:.1f} | {many.hours:.2f} "
        f"| {teacher.hours:.2f} | {alone.disk_gb:.0f} |"
    )
glue("evaluation", Markdown("\n".join(lines)), display=False)
glue("together", float(many.memory_gb), display=False)

# %% [markdown]
# ````{table} One pass over each benchmark, at the measured speed.
# :name: tab:evaluation-cost
# ```{glue:md} evaluation
# :format: myst
# ```
# ````
#
# Sixteen processes take {glue:text}`together:.0f` GB of memory.
#
# ## Training
#
# `--devices` processes on each of `--nodes` machines divide every batch. The gradient, and the
# statistics of BatchNorm, are those of the whole batch, so that two processes train what one would
# have trained. torchrun starts them; it must be told the same numbers:
#
# ```bash
# torchrun --nproc_per_node 2 -m cfkd_core train cfkd \
#     --devices 2 --accelerator cpu --out runs/two
# torchrun --nnodes 4 --nproc_per_node 8 \
#     --rdzv_backend c10d --rdzv_endpoint host:29500 \
#     -m cfkd_core train cfkd,wang,liu --nodes 4 --devices 8 \
#     --recipe paper --data /data/got10k /data/coco
# ```
#
# Rows named together share every pair and one pass of the teacher, so a whole table is one sweep. If a
# machine goes, so does the run; the same command goes on from the last snapshot. The folder `--out` must
# be seen by all.

# %% tags=["remove-cell"]
lines = ["| what | recipe | pairs | 1 core, h | 64 cores, h | memory of 64, GB | disk, GB |"]
lines += ["|---|---|---:|---:|---:|---:|---:|"]
for name, title in (("atom", "the teacher"), ("cfkd", "the tables' rows, in lockstep")):
    for recipe in ("mini", "paper"):
        experiment = resolve(name, recipe)
        pairs = sum(stage.steps for stage in experiment.stages) * experiment.batch_size
        alone, many = (
            estimate.training(experiment, paces[name], processes=count, memory_gb=memory)
            for count in (1, 64)
        )
        disk = many.disk_gb if recipe == "paper" else 0
        lines.append(
            f"| {title} | {recipe} | {pairs:,} | {alone.hours:,.1f} | {many.hours:,.2f} "
            f"| {many.memory_gb:,.0f} | {disk:,.0f} |"
        )
glue("training", Markdown("\n".join(lines)), display=False)

# %% [markdown]
# ````{table} Training on processor cores alone, from the measured time of a pair, which grows as the area of its patches; of several processes a tenth of the time is taken for waiting. Synthetic films need no disk, the thesis's four data sets do.
# :name: tab:training-cost
# ```{glue:md} training
# :format: myst
# ```
# ````
#
# What this does not say: how fast a graphics card is. The same arithmetic holds once a short run on one
# has left a card with its hours. Nor is reading the disk in it: on four data sets of JPEGs it takes about
# one core for each training core on small patches (`--workers`). Only two processes on one machine are
# tested with every change; four machines are not.
