"""Diagrams name the shapes of the networks that they are drawn from."""

import numpy as np
import torch
from matplotlib.figure import Figure

from cfkd_core.figures import pipelines
from cfkd_core.models import anatomy
from cfkd_core.models.atom import build_atom

PATCHES = {name: np.zeros((8, 8, 3), np.uint8) for name in ("target", "search")}


def flow(name: str, size: int = 64) -> anatomy.Flow:
    images, box = torch.rand(1, 3, size, size), torch.tensor([[20.0, 20, 16, 16]])
    net = build_atom(name).eval()
    return anatomy.flow(name, net, images, box, images, box[:, None].expand(1, 5, 4))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_flow_has_the_shapes_of_the_run():
    found = flow("matom")
    assert found.blocks == ((32, 32, 32), (24, 16, 16), (32, 8, 8), (64, 4, 4))
    assert found.vectors == (64, 64)
    assert found.levels == ((64, 8, 8), (64, 4, 4))
    assert found.answer == (5,)


def test_distillation_shows_both_networks_and_all_terms():
    shown = texts(pipelines.distillation(flow("atom_s"), flow("matom"), PATCHES))
    assert {"fidelity", "correlation filter", "teacher soft", "adaptive hard"} <= set(shown)
    assert shown.count("overlap of\n5 boxes") == 2
    assert {"16", "32", "64", "24"} <= set(shown)
    assert {"atom_s", "matom", "the true box"} <= set(shown)


def test_overview_shows_the_head_and_the_score_map():
    shown = texts(pipelines.overview(flow("matom"), PATCHES, (4, 4), "overlap"))
    assert {"64 + 64 numbers", "score map\n4 × 4", "overlap"} <= set(shown)
