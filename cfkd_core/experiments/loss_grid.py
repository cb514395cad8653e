"""Short real runs over a grid of loss weights: what the book's four sliders of weights show.

Each cell is CFKD with other weights, shrunk to seconds; `record` trains them all into a file.
"""

import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import torch
from joblib import Parallel, delayed

from cfkd_core import __version__, paths, provenance
from cfkd_core.benchmarks.judgement import judge
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairBatch, PairDataset, Source
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.experiments.card import curves
from cfkd_core.experiments.definition import Experiment
from cfkd_core.experiments.measures import answer, backbone_gradients
from cfkd_core.experiments.rows import CFKD, EXPERIMENTS
from cfkd_core.experiments.run import RunOptions, build_distiller, launch
from cfkd_core.files import write_text
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.tensor_file import sha256
from cfkd_core.tracking.refine import RefineOptions
from cfkd_core.training import journal
from cfkd_core.training.loop import LoopOptions, train

FILE = paths.DATA / "results" / "loss_grid.json"

THESIS: Mapping[str, float] = CFKD.stages[0].losses
"""The weights that thesis section 4.1.1 prints, by term."""

TERMS = tuple(THESIS)

# The thesis's weights, and one beside each: off for the head's terms; for the backbone's, a weight
# at which their gradients start as large as those of the head's.
LEVELS: Mapping[str, tuple[float, ...]] = {
    "fidelity": (3e-4, 100.0),
    "correlation_filter": (0.1, 10.0),
    "teacher_soft": (0.0, 1.0),
    "adaptive_hard": (0.0, 0.1),
}

# The target keeps its 58 px, as in the mini recipe, and loses all but a rim of its surroundings.
_PAIRS = PairOptions(
    size=96, search_scale=5 * 96 / 288, scale_jitter=0.15, shift_jitter=0.7, flip=0.5
)

# Students that learn side by side, and pairs that a gradient is taken of: what a core does quickly.
_TOGETHER, _GRADIENT_PAIRS = 4, 4


@dataclass(frozen=True)
class GridOptions:
    """How a cell is trained and judged; small enough that the whole grid takes minutes."""

    steps: int = 12
    batch_size: int = 4
    lr: float = 2e-3
    films: int = 40  # synthetic, to learn from
    held_out: int = 12  # synthetic, of another seed, to judge on
    validation_pairs: int = 16
    pairs: PairOptions = _PAIRS
    points: int = 12  # of a curve


def cells() -> list[dict[str, float]]:
    """The weights of every cell, by term."""
    return [
        dict(zip(LEVELS, weights, strict=True)) for weights in itertools.product(*LEVELS.values())
    ]


def train_cells(
    weights: Sequence[Mapping[str, float]], options: GridOptions, seed: int
) -> list[dict]:
    """What became of a student under each set of weights, as JSON can hold it.

    All start from the same numbers, the ImageNet trunk with a random head, and see the same pairs.
    A term of weight 0 is computed and written down, and teaches nothing.

    Returns:
        For each: "weights", "seed", "curves" of the unweighted terms and the total, and
        "validation" after the last step: what `judge` says, and for each term "gradient_TERM",
        the norm of its unweighted gradient in the backbone.
    """
    experiments = [_experiment(index, each, options) for index, each in enumerate(weights)]
    distiller = build_distiller(experiments, RunOptions(seed=seed))
    source = Source("synthetic", training_films(options.films, 0))
    pairs = PairDataset([source], options.steps * options.batch_size, seed, options.pairs)
    validation = _Validation(cast(AtomNet, distiller.teacher), options)
    fabric = launch("cpu", devices=1, nodes=1, precision="32-true")
    loop = LoopOptions(options.batch_size, save_every=options.steps, validate_every=options.steps)
    stages = {each.name: each.stages for each in experiments}
    with tempfile.TemporaryDirectory() as folder:
        train(distiller, stages, pairs, Path(folder), fabric, loop, validate=validation)
        entries = [journal.read(Path(folder) / each.name) for each in experiments]
    return [
        {
            "weights": dict(each),
            "seed": seed,
            "curves": {name: curve for name, curve in curves(log, options.points).items()
                       if name in (*TERMS, "total")},
            "validation": {name.removeprefix("validation_"): float(f"{value:.4g}")
                           for name, value in log[-1].items() if name.startswith("validation_")},
        }
        for each, log in zip(weights, entries, strict=True)
    ]  # fmt: skip


def _experiment(index: int, weights: Mapping[str, float], options: GridOptions) -> Experiment:
    experiment = EXPERIMENTS["cfkd_imagenet"].with_stages(
        losses=dict(weights),
        epochs=1,
        batches=options.steps,
        lr=options.lr,
        schedule="cosine",
        warm_up=options.steps // 10,
    )
    return replace(
        experiment, name=f"cell{index}", batch_size=options.batch_size, pairs=options.pairs
    )


class _Validation:
    """Judges a student on films of another seed, and takes the gradient of each term apart."""

    def __init__(self, teacher: AtomNet, options: GridOptions) -> None:
        source = Source("held out", training_films(options.held_out, 1))
        plain = replace(options.pairs, grey=0.0, brightness=0.0)
        pairs = PairDataset([source], options.validation_pairs, 0, plain)
        self.batch = pairs.batch(list(range(len(pairs))))
        self.few = PairBatch(*(each[:_GRADIENT_PAIRS] for each in self.batch))
        with torch.no_grad():
            self.theirs = answer(teacher, self.few)

    def __call__(self, name: str, net: AtomNet) -> dict[str, float]:
        return judge(net, [self.batch], RefineOptions()) | {
            f"gradient_{name}": value
            for name, value in backbone_gradients(net, self.theirs, self.few, TERMS).items()
        }


def record(path: Path = FILE, options: GridOptions | None = None, jobs: int = 1) -> None:
    """Trains every cell of the grid, and two of them with another seed, into a file.

    It takes about a minute of a core. Another seed draws another head and other pairs: how far
    runs of the same weights lie apart is how much of a difference is chance.

    Args:
        jobs: processes.
    """
    options = options or GridOptions()
    content = _provenance(options)
    every = cells()
    groups = [every[first : first + _TOGETHER] for first in range(0, len(every), _TOGETHER)]
    again = [dict(THESIS) | {"fidelity": weight} for weight in LEVELS["fidelity"]]
    trained = Parallel(n_jobs=jobs)(
        delayed(train_cells)(group, options, seed)
        for seed, group in [*((0, group) for group in groups), (1, again)]
    )
    content["cells"] = [cell for group in trained for cell in group]
    write_text(path, json.dumps(content, indent=1) + "\n")


def _provenance(options: GridOptions) -> dict:
    return {
        "what": "students under a grid of weights of CFKD's four terms, a short run each; "
        "synthetic pairs, the teacher that ships",
        "command": 'python -c "from cfkd_core.experiments import loss_grid; loss_grid.record()"',
        "options": asdict(options),
        "teacher_sha256": sha256(paths.WEIGHTS / f"{CFKD.teacher}.safetensors"),
        "version": __version__,
        "commit": provenance.commit(),
        "torch": torch.__version__,
        "hardware": f"{provenance.processor()}, cpu",
    }


def read(path: Path = FILE) -> dict:
    """The recorded grid, as `record` wrote it."""
    return json.loads(path.read_text(encoding="utf-8"))
