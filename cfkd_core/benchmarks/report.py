"""What an evaluation found: curves and scores of one tracker on one benchmark."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from cfkd_core.benchmarks.protocols import measures
from cfkd_core.benchmarks.protocols.protocol import summary
from cfkd_core.errors import InputError
from cfkd_core.files import read_json, write_text


@dataclass(frozen=True)
class SequenceScore:
    """One tracker on one sequence.

    Attributes:
        frames: number of frames, the first included.
        attributes: the sequence's challenges, sorted.
        curves: values at the report's thresholds, by curve.
        scores: named numbers, no unit.
        fps: frames per second of the tracker's updates; None where no times were kept.
        weights: how much each value of a curve counts in the mean over sequences: one number a
            curve, or one a value. A curve that is not named here counts 1.
    """

    name: str
    frames: int
    attributes: tuple[str, ...]
    curves: dict[str, tuple[float, ...]]
    scores: dict[str, float]
    fps: float | None
    weights: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def weight(self, curve: str) -> Float[np.ndarray, "_"]:
        """The weight of each value of a curve."""
        given = np.array(self.weights.get(curve, (1.0,)))
        return np.broadcast_to(given, len(self.curves[curve]))


def mean_curve(sequences: Iterable[SequenceScore], name: str) -> Float[np.ndarray, "_"]:
    """Weighted mean over sequences of one curve; NaN where nothing has a weight."""
    sequences = tuple(sequences)
    values = np.array([each.curves[name] for each in sequences])
    weights = np.array([each.weight(name) for each in sequences])
    total = weights.sum(axis=0)
    return np.nansum(values * weights, axis=0) / np.where(total > 0, total, np.nan)


@dataclass(frozen=True)
class Report:
    """One tracker on one benchmark, by one protocol.

    Attributes:
        protocol: key of `PROTOCOLS`.
        source: the folder whose boxes were scored.
        card: what the run wrote down about the tracker (options, weights, seed); may be empty.
        thresholds: horizontal axis of each curve.
        scores: of the mean curve over sequences; NaN where the protocol leaves one undefined.
        missing: sequences without a complete result; the mean leaves them out.
        repetitions: how often each sequence was run; curves and scores are means over them.
        spread: standard deviation of each score between repetitions; empty where there is one.
        notes: a line each on how other people's files were read.
    """

    protocol: str
    benchmark: str
    tracker: str
    source: str
    card: dict[str, object]
    thresholds: dict[str, tuple[float, ...]]
    scores: dict[str, float]
    sequences: tuple[SequenceScore, ...]
    missing: tuple[str, ...] = ()
    repetitions: int = 1
    spread: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def curve(self, name: str) -> Float[np.ndarray, "_"]:
        """Mean over sequences of one curve, at `thresholds[name]`."""
        return mean_curve(self.sequences, name)

    @property
    def fps(self) -> float | None:
        """Frames per second over all updates; None where the times of a sequence are missing."""
        updates = [each.frames - 1 for each in self.sequences]
        speeds = [each.fps for each in self.sequences if each.fps is not None]
        if len(speeds) < len(updates):
            return None
        return sum(updates) / sum(n / fps for n, fps in zip(updates, speeds, strict=True))

    def by_sequence(self) -> pd.DataFrame:
        """One row a sequence: its scores, frames and frames per second."""
        rows = {
            each.name: {**each.scores, "frames": each.frames, "fps": each.fps}
            for each in self.sequences
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def by_attribute(self) -> pd.DataFrame:
        """One row an attribute: scores of the sequences that have it, and their number."""
        rows = {}
        for code in sorted({code for each in self.sequences for code in each.attributes}):
            having = [each for each in self.sequences if code in each.attributes]
            rows[code] = self._scores(having) | {"sequences": len(having)}
        return pd.DataFrame.from_dict(rows, orient="index")

    def _scores(self, sequences: list[SequenceScore]) -> dict[str, float]:
        """The report's scores on some of its sequences."""
        read = {name: measures(self.protocol)[name] for name in self.scores}
        curves = {each.curve: mean_curve(sequences, each.curve) for each in read.values()}
        return summary(read, curves)


def worst(first: Report, second: Report, count: int) -> pd.DataFrame:
    """The sequences on which two trackers differ most: a row each, the largest difference first.

    They are ordered by the first score that is known on some sequence of both: VOT's expected
    overlap is known on long benchmarks alone.

    Raises:
        InputError: if `count` is not positive.
    """
    if count < 1:
        raise InputError(f"{count} sequences: at least 1")
    others = {each.name: each for each in second.sequences}
    pairs = [(each, others[each.name]) for each in first.sequences if each.name in others]
    for name in first.scores:
        rows = {
            one.name: {
                f"{name}, {first.tracker}": one.scores[name],
                f"{name}, {second.tracker}": other.scores[name],
                "difference": one.scores[name] - other.scores[name],
            }
            for one, other in pairs
        }
        found = pd.DataFrame.from_dict(rows, orient="index").dropna()
        if len(found):
            break
    order = found["difference"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order[:count]]


def spread(repetitions: list[dict[str, float]]) -> dict[str, float]:
    """Standard deviation of each score between repetitions; empty for fewer than two."""
    if len(repetitions) < 2:
        return {}
    return {
        name: float(np.std([scores[name] for scores in repetitions], ddof=1))
        for name in repetitions[0]
    }


def table(reports: Iterable[Report]) -> pd.DataFrame:
    """One row a tracker: mean scores, frames per second, sequences scored of all.

    Where a tracker has repetitions, each score is followed by its spread.
    """
    reports = list(reports)
    repeated = any(report.spread for report in reports)
    rows = {}
    for report in reports:
        scored = len(report.sequences)
        count = f"{scored} of {scored + len(report.missing)}" if report.missing else str(scored)
        scores = _interleaved(report.scores, report.spread) if repeated else report.scores
        rows[report.tracker] = {**scores, "fps": report.fps, "sequences": count}
    return pd.DataFrame.from_dict(rows, orient="index")


def _interleaved(
    scores: Mapping[str, float], deviations: Mapping[str, float]
) -> Mapping[str, float | None]:
    pairs = ({name: scores[name], f"± {name}": deviations.get(name)} for name in scores)
    return {name: value for pair in pairs for name, value in pair.items()}


def sequences_csv(reports: Iterable[Report]) -> str:
    """A row a tracker and sequence: protocol, scores, frames and frames per second."""
    tables = [
        report.by_sequence()
        .rename_axis("sequence")
        .reset_index()
        .assign(benchmark=report.benchmark, protocol=report.protocol, tracker=report.tracker)
        for report in reports
    ]
    table = pd.concat(tables)
    first = ["benchmark", "protocol", "tracker", "sequence"]
    rest = [name for name in table.columns if name not in first]
    return table[first + rest].to_csv(index=False, float_format="%.6f")


def markdown(frame: pd.DataFrame, index: str = "tracker", decimals: int = 3) -> str:
    """`frame` as a Markdown table: scores to so many decimals, frames per second to one.

    Args:
        index: heading of the first column, which holds the rows' labels.
    """
    columns = [[index, *map(str, frame.index)]]
    columns += [
        [str(name), *(_cell(name, value, decimals) for value in frame[name])] for name in frame
    ]
    heading, *rows = ["| " + " | ".join(cells) + " |" for cells in zip(*columns, strict=True)]
    rule = "|---|" + "---:|" * len(frame.columns)
    return "\n".join([heading, rule, *rows]) + "\n"


def _cell(column: object, value: object, decimals: int) -> str:
    if pd.isna(value):
        return "–"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1f}" if column == "fps" else f"{value:.{decimals}f}"


def save_json(reports: Iterable[Report], path: Path) -> None:
    """Writes reports so that `load_json` gives back equal ones."""
    text = json.dumps([_plain(asdict(report)) for report in reports], indent=1, allow_nan=False)
    write_text(path, text + "\n")


def _plain(entry: object) -> object:
    """`entry` without NaN, which JSON does not have: null stands for it."""
    if isinstance(entry, dict):
        return {name: _plain(each) for name, each in entry.items()}
    if isinstance(entry, list | tuple):
        return [_plain(each) for each in entry]
    return None if isinstance(entry, float) and np.isnan(entry) else entry


def load_json(path: Path) -> list[Report]:
    """Reports that `save_json` wrote.

    Raises:
        InputError: if the file is missing or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such report; `python -m cfkd_core score --json` writes one")
    remedy = "score the results again"
    entries = read_json(path, remedy)
    try:
        return [_report(entry) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise InputError(f"{path}: not a report of this project; {remedy}") from None


def _report(entry: dict) -> Report:
    sequences = tuple(
        SequenceScore(
            **each
            | {
                "attributes": tuple(each["attributes"]),
                "curves": _tuples(each["curves"]),
                "scores": _numbers(each["scores"]),
                "weights": _tuples(each.get("weights", {})),
            }
        )
        for each in entry["sequences"]
    )
    changed = {
        "thresholds": _tuples(entry["thresholds"]),
        "scores": _numbers(entry["scores"]),
        "sequences": sequences,
        "missing": tuple(entry["missing"]),
        "spread": _numbers(entry.get("spread", {})),
        "notes": tuple(entry.get("notes", ())),
    }
    return Report(**entry | changed)


def _tuples(curves: dict[str, list[float | None]]) -> dict[str, tuple[float, ...]]:
    return {
        name: tuple(np.nan if value is None else float(value) for value in values)
        for name, values in curves.items()
    }


def _numbers(scores: dict[str, float | None]) -> dict[str, float]:
    return {name: np.nan if value is None else float(value) for name, value in scores.items()}
