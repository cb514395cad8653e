"""Terms with weights of their own: modules beside the student, which leave with the training."""

from collections.abc import Callable
from functools import partial

from torch import nn

from cfkd_core.errors import InputError
from cfkd_core.losses.rivals import ProjectedFidelity
from cfkd_core.models.atom import AtomNet

ADAPTERS: dict[str, Callable[..., ProjectedFidelity]] = {
    "projected_fidelity": partial(ProjectedFidelity, trained=True),
    "projected_fidelity_untrained": partial(ProjectedFidelity, trained=False),
}


def build_adapters(names: set[str], student: AtomNet, teacher: AtomNet | None) -> nn.ModuleDict:
    """The adapters of `names`, made for the channels of these two networks.

    Raises:
        InputError: if there is no teacher.
    """
    if teacher is None:
        raise InputError(f"{', '.join(sorted(names))}: compares with a teacher, and there is none")
    ours, theirs = (net.backbone.channels[2:] for net in (student, teacher))
    return nn.ModuleDict({name: ADAPTERS[name](ours, theirs) for name in sorted(names)})
