"""What training together costs: little more than its parts."""

import time

import numpy as np
import pytest
import torch

from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.experiments.recipes import resolve
from cfkd_core.models.atom import build
from cfkd_core.training.distill import Distiller
from cfkd_core.training.loop import keep_memory

TABLE = (
    *("ablation_gt", "ablation_ts", "ablation_ts_ah", "ablation_ts_ah_fidelity"),
    *("cfkd", "cfkd_code"),
)
PAIRS = PairOptions(size=96, search_scale=2.5, shift_jitter=1.0)


@pytest.mark.slow
def test_six_students_cost_little_more_than_data_teacher_and_each_alone():
    """Table 4.2 in lockstep against the sum of its parts, timed in turns: below 1.15."""
    keep_memory()
    torch.manual_seed(0)
    losses = {name: resolve(name, "mini").stages[0].losses for name in TABLE}
    students = {name: build(resolve(name, "mini").architecture) for name in TABLE}
    teacher = build(resolve("atom", "mini").architecture)
    pairs = PairDataset([Source("films", training_films(3, seed=0))], 8, 0, PAIRS)
    batch = pairs.batch(list(range(8)))
    together = Distiller(students, teacher, losses)
    parts = {name: Distiller({name: net}, None, {name: []}) for name, net in students.items()}
    with torch.no_grad():
        theirs = teacher(batch.target, batch.target_box, batch.search, batch.proposals)

    def lockstep():
        found = together(pairs.batch(list(range(8))), losses)
        torch.stack([terms["total"] for terms in found.values()]).sum().backward()

    def data():
        pairs.batch(list(range(8)))

    @torch.no_grad()
    def teach():
        teacher(batch.target, batch.target_box, batch.search, batch.proposals)

    def student(name):
        distiller = parts[name]
        distiller.adapters = together.adapters
        ours = students[name](batch.target, batch.target_box, batch.search, batch.proposals)
        distiller._terms(name, losses[name], ours, theirs, batch)["total"].backward()

    tasks = {"lockstep": lockstep, "data": data, "teacher": teach}
    tasks |= {name: lambda name=name: student(name) for name in TABLE}
    seconds = {name: [] for name in tasks}
    for _ in range(6):
        for name, task in tasks.items():
            begin = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - begin)
    best = {name: np.min(values[1:]) for name, values in seconds.items()}
    assert best["lockstep"] < 1.15 * sum(best[name] for name in tasks if name != "lockstep")
