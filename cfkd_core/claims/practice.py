"""Claims on how networks are trained and trackers measured, decided by recipes and protocols."""

from collections.abc import Sequence as Numbers
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch.nn import functional

from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.clocks import ConstantClock
from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.realtime import FPS, RealTime
from cfkd_core.benchmarks.vot import RESTART
from cfkd_core.claims.finding import Finding, decided
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.sequence import Frame, Sequence
from cfkd_core.experiments.rows import EXPERIMENTS
from cfkd_core.ops import prroi_pool
from cfkd_core.tracking.tracker import Prediction


def loss_weights(printed: Numbers[float]) -> Finding:
    """The weights of the four terms, against those of the author's code."""
    names = ("fidelity", "correlation_filter_batch_maximum", "teacher_soft", "adaptive_hard")
    weights = EXPERIMENTS["cfkd_code"].stages[0].losses
    code = [weights[name] for name in names]
    words = ", ".join(f"{weight:g}" for weight in code)
    return decided(code == list(printed), f"the author's code has {words}")


def learning_rates(printed: Numbers[float], every: int) -> Finding:
    """The rate of each part of the schedule that the author's code has."""
    stage = EXPERIMENTS["cfkd"].stages[0]
    found = {
        epoch + 1: stage.rate(epoch * stage.batches) for epoch in range(0, stage.epochs, every)
    }
    words = ", ".join(f"{rate:.0e} from epoch {epoch}" for epoch, rate in found.items())
    rates = [*found.values()]
    return decided(len(rates) == len(printed) and np.allclose(rates, printed), words)


def pairs_seen(batches: int, batch: int, epochs: int) -> Finding:
    """Epochs, batches and their size in the author's recipe for CFKD."""
    cfkd = EXPERIMENTS["cfkd"]
    stage = cfkd.stages[0]
    return decided(
        (stage.batches, cfkd.batch_size, stage.epochs) == (batches, batch, epochs),
        f"{stage.epochs} epochs of {stage.batches} batches of {cfkd.batch_size} pairs",
    )


def no_augmentation() -> Finding:
    """Whether the author's code leaves colours alone."""
    options = PairOptions()
    return decided(
        options.grey == options.brightness == 0,
        f"{100 * options.grey:g} % of the pairs are made grey, and brightness varies by "
        f"{100 * options.brightness:g} %",
    )


def plain_pooling_refines() -> Finding:
    """Whether ordinary RoI pooling, put in place of the precise one, feels where a box lies.

    Source: Girshick, Fast R-CNN (ICCV 2015), section 2.1: edges rounded to cells, then maxima.
    """
    maps = torch.rand(1, 2, 12, 12, generator=torch.Generator().manual_seed(0))
    moved = []
    for pool in (_ordinary_pool, partial(prroi_pool, size=3, stride=1)):
        here, there = (pool(maps, torch.tensor([[[2.2, 2.1, x, 5.6]]])) for x in (6.0, 6.1))
        moved.append(float((there - here).abs().max()))
    return decided(
        moved[0] > 0,
        f"a box made a tenth of a cell wider changes what ordinary pooling gives by {moved[0]:g}, "
        f"and what precise pooling gives by up to {moved[1]:.3f}: without a slope no box climbs",
    )


def _ordinary_pool(
    maps: Float[torch.Tensor, "1 c h w"], box: Float[torch.Tensor, "1 1 4"]
) -> Float[torch.Tensor, "1 c 3 3"]:
    x, y, w, h = box[0, 0].tolist()
    left, right, top, bottom = (round(edge) for edge in (x, x + w, y, y + h))
    return functional.adaptive_max_pool2d(maps[:, :, top : bottom + 1, left : right + 1], 3)


def auc_is_an_integral() -> Finding:
    """Eq. 4.2 against what the toolkit computes, for a tracker that is always right."""
    box = np.tile([10.0, 10, 20, 30], (9, 1))
    protocol = PROTOCOLS["otb"]
    curves = protocol.curves(box, box, np.ones(len(box), dtype=bool))
    found = protocol.scores(curves)["success_auc"]
    return decided(
        abs(found - 1) < 1e-9,
        f"the integral of a perfect success plot is 1, the toolkit's mean of 21 values {found:.4f}",
    )


def normalised_precision_ignores_scale() -> Finding:
    """Eq. 4.4: the error does not change with the resolution of the video."""
    truth = np.array([[40.0, 30, 20, 10], [60.0, 50, 24, 18]])
    boxes = truth + np.array([3.0, -2, 1, 1])
    errors = [
        (metrics.centre_error(k * boxes, k * truth), metrics.norm_error(k * boxes, k * truth))
        for k in (1.0, 2.0)
    ]
    steady = np.allclose(errors[0][1], errors[1][1])
    doubled = errors[1][0][0] / errors[0][0][0]
    return decided(
        steady, f"at twice the resolution the error in px is {doubled:.2f} times, in sides 1.00"
    )


def restart_after(frames: int) -> Finding:
    """After how many frames VOT's rule starts a lost tracker again."""
    return decided(frames == RESTART, f"{RESTART} frames after the failure")


class _Still:
    """A tracker that never moves its box."""

    name = "still"

    def __init__(self) -> None:
        self.card: dict = {}

    def init(self, frame: Frame, box: Float[np.ndarray, "4"]) -> None:
        """Remembers the box."""
        self._box = box

    def update(self, frame: Frame) -> Prediction:
        """The box, again."""
        return Prediction(self._box, 1.0, "normal")


def slow_trackers_lose_frames(fps_teacher: float, fps_student: float) -> Finding:
    """What VOT's real-time rule shows a tracker of the printed speeds, of 200 frames."""
    length = 200
    film = Sequence(
        "film",
        [np.zeros((40, 60, 3), np.uint8)] * length,
        np.tile([20.0, 10, 12, 12], (length, 1)),
        np.ones(length, dtype=bool),
    )
    seen = []
    for fps in (fps_teacher, fps_student):
        runner = RealTime(clock=ConstantClock(1 / fps))
        followed = runner.run(_Still(), film, lambda: None)
        seen.append(int(np.isfinite(followed.seconds).sum()))
    return decided(
        seen[0] < 0.75 * length and seen[1] == length,
        f"of {length} frames that arrive at {FPS:g} a second, the tracker of {fps_teacher:g} sees "
        f"{seen[0]} and that of {fps_student:g} sees {seen[1]}",
    )


CHECKS = (
    loss_weights,
    learning_rates,
    pairs_seen,
    no_augmentation,
    plain_pooling_refines,
    auc_is_an_integral,
    normalised_precision_ignores_scale,
    restart_after,
    slow_trackers_lose_frames,
)
