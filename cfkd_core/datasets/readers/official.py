"""The names of a benchmark's sequences, as its authors list them."""

import functools
import json

from cfkd_core.datasets.readers.otb import read_attributes
from cfkd_core.paths import DATA

TRACKINGNET_TEST = 511
"""Sequences of TrackingNet's test chunk; nobody publishes their names apart from the data."""


def names(benchmark: str) -> frozenset[str]:
    """Of `otb`, `lasot`, `vot2018`, `vot2019`, `got10k`, `got10k-val`, `uav123` or `davis`.

    Source: LaSOT, VOT: the lists in their toolkits; GOT-10k numbers its 180 and 180; UAV123: see
    `uav_spans`; DAVIS: ImageSets/2017/val.txt.
    """
    if benchmark == "otb":
        return frozenset(read_attributes())
    if benchmark in _GOT10K:
        return frozenset(f"GOT-10k_{_GOT10K[benchmark]}_{number:06d}" for number in range(1, 181))
    return frozenset(_lists()[benchmark])


_GOT10K = {"got10k": "Test", "got10k-val": "Val"}


def uav_spans() -> dict[str, tuple[str, int, int]]:
    """Sequence of UAV123 -> its folder of images, first and last frame number.

    Source: configSeqs.m of UAV123, which many toolkits repeat; together 112,578 frames, as the
    paper has it (Mueller, Smith, Ghanem, A Benchmark and Simulator for UAV Tracking, ECCV 2016).
    """
    return {
        name: (folder, first, last) for name, (folder, first, last) in _lists()["uav123"].items()
    }


@functools.cache
def _lists() -> dict:
    return json.loads((DATA / "benchmark_sequences.json").read_text(encoding="utf-8"))
