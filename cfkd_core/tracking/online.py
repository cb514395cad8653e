"""What ATOM and DRNet share: a classifier that learns online says where, a fixed head how large.

Source: Danelljan et al., ATOM (CVPR 2019), and the thesis, section 3.1, in the details of the
author's code (The original, exactly, section 5). Where this departs: every random
number comes from one seeded generator.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core import boxes, ops
from cfkd_core.errors import InputError
from cfkd_core.models import whole_numbers
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.folding import fold
from cfkd_core.models.iou_head import SearchFeatures
from cfkd_core.models.pyramid import Pyramid
from cfkd_core.patches import Patch, cut, to_images
from cfkd_core.tracking import augment
from cfkd_core.tracking.augment import AugmentOptions, View
from cfkd_core.tracking.classifier import (
    Classifier,
    ClassifierOptions,
    FilterProblem,
    normalise,
)
from cfkd_core.tracking.localise import Localisation, LocaliseOptions, localise
from cfkd_core.tracking.memory import MemoryOptions, SampleMemory
from cfkd_core.tracking.runtime import RuntimeName, Sight, TorchRuntime, choose
from cfkd_core.tracking.tracker import Frame, Prediction, Status, check_frame


@dataclass(frozen=True)
class OnlineOptions:
    """What can be set, with ATOM's values. Source: The original, exactly, section 5.1."""

    size: int = 288  # side of every patch, px
    search_scale: float = 5.0  # side of the patch / sqrt(w h) of the target
    label_sigma: float = 0.25  # of the target's side
    train_every: int = 10  # frames
    leave: float = 0.3  # of the target's size: how far its centre may leave the frame
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    classifier: ClassifierOptions = field(default_factory=ClassifierOptions)
    memory: MemoryOptions = field(default_factory=MemoryOptions)
    localise: LocaliseOptions = field(default_factory=LocaliseOptions)


class Look(NamedTuple):
    """One search patch as the tracker sees it before it decides.

    Attributes:
        patch: around the last known place.
        features: the head's, of the same patch; None without a head.
        sample: block 4 in the classifier's channels.
        score_map: the classifier's response; the middle cell is no motion.
    """

    patch: Patch
    features: SearchFeatures | None
    sample: Float[Tensor, "d h w"]
    score_map: Float[Tensor, "h w"]

    def for_head(self) -> SearchFeatures:
        """The head's features, for whoever cannot do without.

        Raises:
            InputError: if there is no head.
        """
        if self.features is None:
            raise InputError("this network has no head, which could say how large the target is")
        return self.features


class OnlineTracker(ABC):
    """Tracks one target with a network that stays fixed and a classifier that learns.

    A network without a head (`net.iou_head is None`) tracks by the classifier alone: the box moves
    and keeps its size. A subclass says in `refined` what its kind of head does.

    Attributes:
        net: as it was given; what runs is a copy of it made for inference.
        runtime: what runs it on search patches.
        modulation: the head's view of the target.
        filter_problem: what the filter is fitted to after the first frame.

    Args:
        net: put in evaluation mode; runs where its parameters are.
        seed: of everything random, anew at every `init`; equal seeds give equal boxes.
        plain: from the second frame on runs `net` itself, in torch, and leaves out every other
            short cut: the slow reference, whose boxes are the same to 1e-3 px.
        runtime: what runs the network on search patches; see `runtime.choose`. The first frame is
            torch's in any case, as rounding would grow in the hundreds of steps that learn there.
    """

    filter_problem: type[FilterProblem] = FilterProblem

    def __init__(
        self,
        net: AtomNet,
        options: OnlineOptions,
        *,
        seed: int,
        name: str,
        plain: bool,
        runtime: RuntimeName,
    ) -> None:
        self.name = name
        self.net = net.eval()
        self.options = options
        self.seed = seed
        self.plain = plain
        self.device = next(net.parameters()).device
        self._folded = fold(net)
        self._running = net if plain else self._folded
        self.runtime = TorchRuntime(net) if plain else choose(runtime, self._folded, net)
        self._generator = torch.Generator()

    @property
    def card(self) -> dict:
        """What decides the answers: options, seed, hashes of the weights and of a graph in int8."""
        return {
            "seed": self.seed,
            "weights": whole_numbers.digest(self.net),
            "options": asdict(self.options),
            **self.runtime.card,
        }

    @property
    def box(self) -> Float[np.ndarray, "4"]:
        """The target's box after the last frame, px of the frame."""
        return boxes.from_centre(self._centre, self._extent)

    @torch.no_grad()
    def init(self, frame: Frame, box: Float[np.ndarray, "4"]) -> None:
        """Learns the target: 30 samples of it, projection and filter together."""
        check_frame(frame)
        box = boxes.check(box, frame.shape[1], frame.shape[0])
        self._generator.manual_seed(self.seed)
        self._centre, self._extent = boxes.centre(box), box[2:]
        self._updates = 0
        options = self.options
        patch = self._cut(frame)
        views = self._views(patch)
        side = patch.scale * patch.size
        changed = [
            augment.render(frame, self._centre, side, patch.size, view) for view in views[1:]
        ]
        # one at a time: the maps of thirty views would travel to the main memory and back
        images = [to_images([each], self.device) for each in [patch.pixels, *changed]]
        first = self._folded.backbone(images[0])
        others = (self.glance(self._folded.backbone(image)) for image in images[1:])
        sights = [self.glance(first), *others]
        plain = normalise(torch.cat([sight.block4 for sight in sights]))
        dropped = augment.drop_channels(plain[0], options.augment, self._generator)
        features = torch.cat([plain, dropped]).transpose(0, 1).contiguous()
        shifts = np.array([view.shift for view in [*views, *views[:1] * len(dropped)]])
        label = partial(self._labels, cells=features.shape[-1])
        labels = label(shifts)
        self.classifier = Classifier(features, labels, options.classifier, self._generator)
        samples = self.classifier.project(features)
        kernel = options.classifier.kernel
        self.memory = SampleMemory(samples, shifts, label, options.memory, kernel)
        if self._folded.iou_head is not None:
            centres = patch.size / 2 + shifts[: len(views)]
            sizes = np.broadcast_to(self._extent / patch.scale, centres.shape)
            targets = self._tensor(boxes.from_centre(centres, sizes))
            self.modulation = self._folded.iou_head.modulation(first, targets[:1])
            self.meet(views, sights, targets)

    @torch.no_grad()
    def update(self, frame: Frame) -> Prediction:
        """Finds the target: localise, refine, remember, learn."""
        check_frame(frame)
        look = self.look(frame)
        found = self.localise(look)
        if found.status != "lost":
            self._move_to(look.patch.middle + found.displacement * look.patch.scale, frame)
            self._refine(look)
            if found.status != "uncertain":
                self._remember(look, found.status)
        self._learn(found.status)
        return Prediction(self.box, found.score, found.status)

    @torch.no_grad()
    def look(self, frame: Frame) -> Look:
        """Crops around the last known place and runs network and classifier; changes nothing."""
        patch = self._cut(frame)
        block4, features = self.runtime.see(patch.pixels)
        sample = self.classifier.sample(block4[0])
        return Look(patch, features, sample, self.classifier.score(sample))

    def localise(self, look: Look) -> Localisation:
        """Reads the score map; changes nothing."""
        extent = self._extent / look.patch.scale
        return localise(look.score_map, extent, self.options.size, self.options.localise)

    def glance(self, pyramid: Pyramid) -> Sight:
        """What is kept of one view of the first frame; a head may want features of its own."""
        return Sight(pyramid.block4, None)

    def meet(  # noqa: B027
        self, views: list[View], sights: list[Sight], targets: Float[Tensor, "v 4"]
    ) -> None:
        """What a kind of head learns of the target in the first frame, besides `modulation`.

        Args:
            views: of the first frame, the plain one first.
            sights: what `glance` kept of each.
            targets: the box in each, px; of those that are turned, as if they were not.
        """

    @abstractmethod
    def refined(self, look: Look) -> Float[np.ndarray, "4"] | None:
        """The box that the head makes of the present one, patch px; None to leave it as it is."""

    @property
    def _side(self) -> float:
        """Side of the square that is looked at, px of the frame."""
        return self.options.search_scale * float(np.sqrt(self._extent.prod()))

    def _cut(self, frame: Frame) -> Patch:
        """The square that is looked at, in whole pixels.

        So boxes which differ by rounding alone see the same patch: cut exactly, one grey level here
        and there makes 1e-2 px of 1e-5 px within a frame. The map between frame and patch is exact.
        """
        side = max(round(self._side), 1)
        left, top = (self._centre - side / 2).round().astype(int).tolist()
        return cut(frame, (left, top), side, self.options.size)

    def _views(self, patch: Patch) -> list[View]:
        """What is learnt of the first frame: `patch`, where the target is not quite in the middle,
        and views of the same scale.
        """
        plain, *others = augment.views(patch.size, self.options.augment, self._generator)
        x, y = (self._centre - patch.middle) / patch.scale
        return [plain._replace(shift=(x, y)), *others]

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).float().to(self.device)

    def _labels(
        self, shifts: Float[np.ndarray, "n 2"], cells: int
    ) -> Float[Tensor, "n {cells} {cells}"]:
        """Gaussians at targets that are `shifts` (x, y) patch px off the middle."""
        options = self.options
        centres = self._tensor(shifts) * cells / options.size + cells / 2
        return ops.gaussian_label(
            centres, cells, options.label_sigma * cells / options.search_scale
        )

    def _move_to(self, centre: Float[np.ndarray, "2"], frame: Frame) -> None:
        reach = self.options.leave * self._extent
        edge = np.array([frame.shape[1], frame.shape[0]])
        self._centre = np.clip(centre, -reach, edge + reach)

    def _refine(self, look: Look) -> None:
        if self.net.iou_head is None:
            return
        found = self.refined(look)
        if found is not None:
            refined = look.patch.to_frame(found)
            self._centre, self._extent = boxes.centre(refined), refined[2:]

    def _remember(self, look: Look, status: Status) -> None:
        options, patch = self.options.memory, look.patch
        shift = (self._centre - patch.middle) / patch.scale
        hard = status == "hard_negative"
        rate = options.hard_negative_learning_rate if hard else options.learning_rate
        self.memory.insert(look.sample, shift, rate)

    def _learn(self, status: Status) -> None:
        self._updates += 1
        if status == "hard_negative" or self._updates % self.options.train_every == 0:
            memory = self.memory.all_slots() if self.plain else self.memory.filled_slots()
            self.classifier.update(*memory, self.filter_problem, plain=self.plain)
