"""Runs recorded with the project, and what they say about which of two trackers is better.

A record is a report in `data/results/<benchmark>/<tracker>_seed<K>.json`; a tracker may have
several seeds, or none yet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from cfkd_core import paths
from cfkd_core.benchmarks import bootstrap, ope
from cfkd_core.benchmarks.protocols import PROTOCOLS, Protocol
from cfkd_core.benchmarks.report import Report, SequenceScore, load_json, spread
from cfkd_core.benchmarks.scoring import average, make_report
from cfkd_core.datasets.readers import load_benchmark
from cfkd_core.tracking.load import CLASSIFIER, load_tracker, trained

FOLDER = paths.DATA / "results"
OTB, UAV = "otb_dev", "uav_dev"
"""Eleven sequences of OTB-100, three of UAV123, by OTB's protocol (data/results/README.md)."""

Outcome = Literal["held", "contradicted", "undecided", "not run"]


@cache
def runs(tracker: str, benchmark: str = OTB, folder: Path = FOLDER) -> Mapping[int, Report]:
    """The recorded runs of one tracker by seed, in ascending order."""
    files = (folder / benchmark).glob(f"{tracker}_seed*.json")
    by_seed = {int(file.stem.rpartition("_seed")[2]): file for file in files}
    return {seed: load_json(by_seed[seed])[0] for seed in sorted(by_seed)}


def pooled(
    tracker: str,
    benchmarks: Iterable[str] = (OTB, UAV),
    folder: Path = FOLDER,
    *,
    seeds: Iterable[int] | None = None,
) -> Report | None:
    """One report of what is recorded of a tracker: each sequence's mean over its seeds.

    `repetitions` and `spread` are those of the first benchmark's runs. None without a record.

    Args:
        seeds: which to take, of those there are; all if not given.
    """
    benchmarks = tuple(benchmarks)
    wanted = None if seeds is None else set(seeds)
    found = [
        [
            run
            for seed, run in runs(tracker, each, folder).items()
            if wanted is None or seed in wanted
        ]
        for each in benchmarks
    ]
    found = [reports for reports in found if reports]
    if not found:
        return None
    protocol = PROTOCOLS[found[0][0].protocol]
    whole = make_report(
        protocol,
        [each for reports in found for each in _means(protocol, reports)],
        benchmark="+".join(benchmarks),
        tracker=tracker,
        source="data/results",
    )
    return replace(
        whole,
        repetitions=len(found[0]),
        spread=spread([report.scores for report in found[0]]),
    )


def _means(protocol: Protocol, reports: Iterable[Report]) -> list[SequenceScore]:
    """Each sequence's mean over the runs that have it, in the order of their names."""
    by_name: dict[str, list[SequenceScore]] = {}
    for report in reports:
        for each in report.sequences:
            by_name.setdefault(each.name, []).append(each)
    return [average(protocol, by_name[name]) for name in sorted(by_name)]


class Evidence(NamedTuple):
    """What is known of some trackers, by name; None where nothing is.

    Attributes:
        otb: on sequences of OTB-100, as the thesis's tables 4.1 to 4.5 are.
        whole: on all sequences at hand, for the question which is better.
    """

    otb: dict[str, Report | None]
    whole: dict[str, Report | None]


def gather(trackers: Iterable[str], *, real: bool, results: Path = Path("results")) -> Evidence:
    """The recorded runs of these trackers; or runs on the whole of OTB-100, here and now.

    Args:
        real: run what ships on the files of OTB-100 that `CFKD_DATA` points to.
        results: folder for its boxes; what is complete there is kept.

    Raises:
        InputError: if `real` and the files are not there.
    """
    names = tuple(dict.fromkeys(trackers))
    if not real:
        otb = {name: pooled(name, (OTB,)) for name in names}
        return Evidence(otb, {name: pooled(name) for name in names})
    sequences = load_benchmark("otb")
    shipped = [load_tracker(name) for name in names if name in (*trained(), CLASSIFIER)]
    ope.run(shipped, sequences, results, "otb")
    found = {each.tracker: each for each in ope.score("otb", sequences, results)}
    reports = {name: found.get(name) for name in names}
    return Evidence(reports, reports)


@dataclass(frozen=True)
class Ordering:
    """Whether one tracker scores higher than another, as far as the sequences at hand can tell.

    Attributes:
        difference: first less second, in the score's own unit; NaN where one was not run.
        low, high: ends of its 95 % interval over resampled sequences.
        sequences: that both have.
    """

    first: str
    second: str
    outcome: Outcome
    difference: float
    low: float
    high: float
    sequences: int


def ordering(
    names: tuple[str, str], reports: tuple[Report | None, Report | None], score: str
) -> Ordering:
    """Whether the first scores higher: held if the whole interval lies above 0, contradicted if
    below, else undecided, as it is on a single sequence.

    The interval says how far other sequences of the same kind would move the difference. It does
    not know that each network was trained once: another training would move it, too.
    """
    first, second = reports
    if first is None or second is None:
        unknown = float("nan")
        return Ordering(*names, "not run", unknown, unknown, unknown, 0)
    found = bootstrap.compare(first, second).loc[score]
    outcome: Outcome = "undecided"
    if found["low"] > 0:
        outcome = "held"
    elif found["high"] < 0:
        outcome = "contradicted"
    common = {each.name for each in first.sequences} & {each.name for each in second.sequences}
    difference, low, high = (float(found[key]) for key in ("difference", "low", "high"))
    return Ordering(*names, outcome, difference, low, high, len(common))
