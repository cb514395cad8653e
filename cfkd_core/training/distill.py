"""Students, and the teacher that they learn from."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.losses import LOSSES
from cfkd_core.models.atom import AtomNet, AtomOutput, DrnetOutput, Output
from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.folding import channels_last
from cfkd_core.models.iou_head import ProposalHead
from cfkd_core.models.pyramid import Pyramid
from cfkd_core.training.adapters import ADAPTERS, build_adapters
from cfkd_core.training.pool import NOTHING, Known
from cfkd_core.training.timer import StepTimer

Weights = Mapping[str, float]
Features = tuple[Pyramid, Pyramid]


class Distiller(nn.Module):
    """Several students in front of one teacher: the same pairs, one pass of the teacher.

    The teacher is frozen for good: no gradient, and BatchNorm with the statistics it came with,
    whatever `train` is told. So is every part of a student that `learn` does not name.

    Args:
        students: by name.
        teacher: None for networks that learn from the annotation alone.
        terms: names of all terms that a student will ever be given; those with weights of their
            own are made here, from torch's global generator.

    Differs: the author's code leaves the teacher in training mode, so that its statistics drift
        (The original, exactly, section 0, item 6); and the frozen part of a student too.
    """

    def __init__(
        self,
        students: Mapping[str, AtomNet],
        teacher: AtomNet | None,
        terms: Mapping[str, Iterable[str]],
    ) -> None:
        super().__init__()
        self.students = nn.ModuleDict(students)
        self.teacher = teacher
        self.adapters = nn.ModuleDict(
            {
                name: build_adapters(set(terms[name]) & ADAPTERS.keys(), net, teacher)
                for name, net in students.items()
                if set(terms[name]) & ADAPTERS.keys()
            }
        )
        self.timer = StepTimer()
        if teacher is not None:
            teacher.requires_grad_(False)
        # a third faster on a CPU, and what tensor cores want
        channels_last(self)
        self.train()

    @property
    def nets(self) -> dict[str, AtomNet]:
        """The students; a `ModuleDict` does not know what its modules are."""
        return cast("dict[str, AtomNet]", dict(self.students.items()))

    def train(self, mode: bool = True) -> "Distiller":
        """Sets the mode of what learns; all else stays in evaluation mode."""
        super().train(mode)
        if self.teacher is not None:
            self.teacher.eval()
        for net in self.nets.values():
            for part in (net.backbone, net.head_as(ProposalHead)):
                part.train(mode and any(p.requires_grad for p in part.parameters()))
        return self

    def learn(self, name: str, parts: Iterable[str]) -> Iterator[nn.Parameter]:
        """Lets these parts of one student learn and no other; gives what an optimiser needs."""
        net = self.nets[name]
        net.backbone.requires_grad_("backbone" in parts)
        net.head_as(ProposalHead).requires_grad_("head" in parts)
        self.train(self.training)
        modules = [net, self.adapters[name]] if name in self.adapters else [net]
        return (p for module in modules for p in module.parameters() if p.requires_grad)

    def forward(
        self, batch: PairBatch, losses: Mapping[str, Weights], known: Known = NOTHING
    ) -> dict[str, dict[str, Float[Tensor, ""]]]:
        """Every term of every student named, unweighted, and their weighted sum as "total".

        The networks run in whatever precision the caller has set; the terms in float32.

        Args:
            losses: student -> term -> weight.
            known: what need not be computed.
        """
        nets = self.nets
        features = {id(nets[name].backbone): pyramids for name, pyramids in known.features.items()}
        with torch.no_grad(), self.timer("teacher"):
            theirs = self._taught(batch, features, known)
        found = {}
        for name, weights in losses.items():
            with self.timer("students"):
                ours = _run(nets[name], batch, features)
            with self.timer("losses"):
                # a term without a teacher ignores this argument
                found[name] = self._terms(name, weights, ours, theirs or ours, batch)
        return found

    def _taught(
        self, batch: PairBatch, features: dict[int, Features], known: Known
    ) -> Output | None:
        """The teacher's answer; None without one."""
        if self.teacher is None:
            return None
        if known.teacher is None:
            return _run(self.teacher, batch, features)
        modulation, search = known.teacher
        head = self.teacher.head_as(ProposalHead)
        answers = head.predict(search, modulation, batch.proposals)
        kind = DrnetOutput if isinstance(head, BoxHead) else AtomOutput
        nothing = Pyramid(*(answers.new_zeros(len(answers), 0, 0, 0) for _ in range(4)))
        return kind(answers, nothing, nothing)

    def _terms(
        self, name: str, weights: Weights, student: Output, teacher: Output, batch: PairBatch
    ) -> dict[str, Float[Tensor, ""]]:
        with torch.autocast(batch.search.device.type, enabled=False):
            terms = {
                term: self._term(name, term)(_float(student), _float(teacher), batch)
                for term in weights
            }
            total = torch.stack([weight * terms[term] for term, weight in weights.items()]).sum()
        return terms | {"total": total}

    def _term(self, student: str, term: str):
        return LOSSES[term] if term in LOSSES else self.adapters.get_submodule(f"{student}.{term}")


def _run(net: AtomNet, batch: PairBatch, features: dict[int, Features]) -> Output:
    """The network's answer; a frozen backbone that several networks share runs once a batch."""
    backbone = net.backbone
    key = id(backbone)
    if key not in features:
        learns = any(p.requires_grad for p in backbone.parameters())
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            features[key] = tuple(
                backbone(images.contiguous(memory_format=torch.channels_last))
                for images in (batch.target, batch.search)
            )
    target, search = features[key]
    return net.judge(target, batch.target_box, search, batch.proposals)


def _float(output: Output) -> Output:
    answers, *pyramids = output
    return type(output)(answers.float(), *(Pyramid(*map(Tensor.float, p)) for p in pyramids))
