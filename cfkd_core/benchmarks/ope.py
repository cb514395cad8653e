"""One-pass evaluation in two halves that share only files.

`run` tracks and writes boxes; `score` reads boxes and never tracks. A new metric needs no new run.

The files of one tracker on one benchmark lie in `<results>/<benchmark>/<tracker>/`:
`<sequence>.txt` has a box x,y,w,h a line, counted as the benchmark counts its pixels (OTB from 1);
`<sequence>_time.txt` has the seconds of each frame; `tracker.json` is the tracker's card.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from cfkd_core.benchmarks.protocols import PROTOCOLS, Protocol
from cfkd_core.benchmarks.report import Report, SequenceScore
from cfkd_core.datasets.readers import read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.files import write_text
from cfkd_core.tracking.tracker import Tracker, Trajectory, track

CARD = "tracker.json"


@dataclass(frozen=True)
class Outcome:
    """What became of one tracker on one sequence.

    Attributes:
        fps: of this run, or of the earlier one that was kept; None if it failed.
        kept: whether the files of an earlier run were there already.
        error: what stopped the tracker, None where nothing did.
    """

    tracker: str
    sequence: str
    fps: float | None
    kept: bool = False
    error: Exception | None = None


def run(
    trackers: Iterable[Tracker],
    sequences: list[Sequence],
    results: Path,
    benchmark: str,
    *,
    force: bool = False,
) -> list[Outcome]:
    """Tracks every sequence with every tracker and writes what `score` reads.

    A sequence whose files are complete is kept, if the tracker's card is the same as then. Files
    appear whole or not at all, so a run that was stopped goes on where it was. A sequence on which
    a tracker fails is an `Outcome` with an error, and the rest is run.

    Args:
        force: track anew, and replace the files; those of another configuration are deleted.

    Raises:
        InputError: before anything is tracked, if the files there come from another configuration
            of a tracker, or from sequences of another length.
    """
    trackers = list(trackers)
    twice = [name for name, n in Counter(tracker.name for tracker in trackers).items() if n > 1]
    if twice:
        raise InputError(
            f"tracker {twice[0]} is named twice; their files would overwrite each other"
        )
    folders = {tracker.name: results / benchmark / tracker.name for tracker in trackers}
    if not force:
        for tracker in trackers:
            _check_reusable(folders[tracker.name], tracker, sequences)
    outcomes = []
    for tracker in trackers:
        folder = folders[tracker.name]
        _open_folder(folder, tracker)
        total = sum(len(sequence) for sequence in sequences)
        # disable=None: no bar where standard error is not a terminal
        with tqdm(total=total, desc=tracker.name, unit="frame", disable=None) as bar:
            for sequence in sequences:
                bar.set_postfix_str(sequence.name)
                if force:
                    _path(folder, sequence).unlink(missing_ok=True)
                outcomes.append(_run_sequence(tracker, sequence, folder, bar))
    return outcomes


def _path(folder: Path, sequence: Sequence) -> Path:
    # not with_suffix: OTB has sequences like Jogging.1
    return folder / f"{sequence.name}.txt"


def _card(tracker: Tracker) -> dict[str, object]:
    """What decides a tracker's answers, as JSON gives it back: tuples are lists then."""
    card = {"tracker": tracker.name, **tracker.card}
    return json.loads(json.dumps(card, sort_keys=True))


def _check_reusable(folder: Path, tracker: Tracker, sequences: list[Sequence]) -> None:
    """Refuses a folder with results of another configuration, or of other videos."""
    if _has_results(folder) and read_card(folder) != _card(tracker):
        changed = _differences(read_card(folder), _card(tracker))
        raise InputError(
            f"{folder}: results of another configuration of {tracker.name} ({changed}); "
            "--force replaces them, another --results keeps both"
        )
    for sequence in sequences:
        _check_same_video(folder, sequence)


def _open_folder(folder: Path, tracker: Tracker) -> None:
    """Makes `folder` one of this configuration; what another one has left there is deleted."""
    if _has_results(folder) and read_card(folder) != _card(tracker):
        for path in folder.glob("*.txt"):
            path.unlink()
    write_text(folder / CARD, json.dumps(_card(tracker), indent=1, sort_keys=True) + "\n")


def _has_results(folder: Path) -> bool:
    return any(folder.glob("*.txt"))


def _differences(old: dict[str, object], new: dict[str, object]) -> str:
    if not old:
        return f"no {CARD}"
    keys = [key for key in sorted(old | new) if old.get(key) != new.get(key)]
    return ", ".join(f"{key}: {old.get(key)} then, {new.get(key)} now" for key in keys)


def _check_same_video(folder: Path, sequence: Sequence) -> None:
    """Refuses stored boxes of a video of another length or with another first box."""
    path = _path(folder, sequence)
    stored = _stored(path, sequence)
    if len(stored) not in (0, len(sequence)):
        reason = f"{len(stored)} boxes for a sequence of {len(sequence)} frames"
    elif len(stored) and not np.allclose(stored[0], sequence.boxes[0], atol=1e-3):
        reason = "starts from another box than this sequence"
    else:
        return
    raise InputError(f"{path}: {reason}; --force replaces it, another --results keeps both")


def _run_sequence(tracker: Tracker, sequence: Sequence, folder: Path, bar: tqdm) -> Outcome:
    if _path(folder, sequence).is_file():
        bar.update(len(sequence))
        return Outcome(tracker.name, sequence.name, _fps(folder, sequence.name), kept=True)
    start = bar.n
    try:
        trajectory = track(
            tracker, sequence.frames, sequence.boxes[0], watch=lambda *_: bar.update()
        )
    # any failure of one tracker on one sequence must leave the others their turn
    except Exception as error:
        bar.update(start + len(sequence) - bar.n)
        return Outcome(tracker.name, sequence.name, None, error=error)
    _write_trajectory(folder, sequence, trajectory)
    return Outcome(tracker.name, sequence.name, trajectory.fps)


def _write_trajectory(folder: Path, sequence: Sequence, trajectory: Trajectory) -> None:
    published = sequence.to_published(trajectory.boxes)
    rows = [",".join(f"{number:.4f}" for number in row) for row in published]
    times = [f"{seconds:.9f}" for seconds in trajectory.seconds]
    # boxes last: they are what tells a later run that the sequence is done
    write_text(folder / f"{sequence.name}_time.txt", "\n".join(times) + "\n")
    write_text(_path(folder, sequence), "\n".join(rows) + "\n")


def read_card(folder: Path) -> dict[str, object]:
    """The card that `run` left in a tracker's folder; empty if there is none."""
    path = folder / CARD
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{path}: not JSON; delete the folder and run again") from None


def score(
    benchmark: str,
    sequences: list[Sequence],
    results: Path,
    *,
    protocol: str = "otb",
    trackers: Iterable[str] = (),
    partial: bool = False,
) -> list[Report]:
    """Scores the boxes that lie in `results`, the best tracker first.

    Args:
        trackers: names of folders to score; all of them if none is named.
        partial: score a tracker on the sequences it has, and name the missing ones in its report.

    Raises:
        InputError: if there are no results, a file cannot be read, or (unless `partial`) a
            sequence is missing or has another number of boxes than frames.
    """
    folders = _tracker_folders(results / benchmark, trackers)
    reports = [
        _score_tracker(folder, benchmark, sequences, PROTOCOLS[protocol], partial)
        for folder in folders
    ]
    return sorted(reports, key=lambda report: -next(iter(report.scores.values())))


def _tracker_folders(folder: Path, names: Iterable[str]) -> list[Path]:
    found = sorted({path.parent for path in folder.glob("*/*.txt")})
    if not found:
        raise InputError(f"{folder}: no results; `python -m cfkd_core run` writes them there")
    wanted = [folder / name for name in names] or found
    for path in wanted:
        if path not in found:
            have = ", ".join(each.name for each in found)
            raise InputError(f"{path}: no results of this tracker; there are {have}")
    return wanted


def _score_tracker(
    folder: Path, benchmark: str, sequences: list[Sequence], protocol: Protocol, partial: bool
) -> Report:
    stored = {each.name: _stored(_path(folder, each), each) for each in sequences}
    missing = tuple(each.name for each in sequences if len(stored[each.name]) != len(each))
    if (missing and not partial) or len(missing) == len(sequences):
        named = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise InputError(
            f"{folder}: {len(missing)} of {len(sequences)} sequences missing or incomplete "
            f"({named}); run it to the end, or score what is there with --partial"
        )
    scored = tuple(
        _score_sequence(folder, sequence, stored[sequence.name], protocol)
        for sequence in sequences
        if sequence.name not in missing
    )
    curves = {
        name: np.mean([each.curves[name] for each in scored], axis=0)
        for name in protocol.thresholds
    }
    return Report(
        protocol=protocol.name,
        benchmark=benchmark,
        tracker=folder.name,
        source=str(folder),
        card=read_card(folder),
        thresholds={name: tuple(grid.tolist()) for name, grid in protocol.thresholds.items()},
        scores=protocol.scores(curves),
        sequences=scored,
        missing=missing,
    )


def _stored(path: Path, sequence: Sequence) -> Float[np.ndarray, "n 4"]:
    """The boxes in a result file, 0-based; no rows where there is no file."""
    if not path.is_file():
        return np.empty((0, 4))
    return sequence.from_published(read_rows(path, 4))


def _score_sequence(
    folder: Path, sequence: Sequence, boxes: Float[np.ndarray, "t 4"], protocol: Protocol
) -> SequenceScore:
    curves = protocol.curves(boxes, sequence.boxes, sequence.visible)
    return SequenceScore(
        name=sequence.name,
        frames=len(sequence),
        attributes=tuple(sorted(sequence.attributes)),
        curves={name: tuple(values.tolist()) for name, values in curves.items()},
        scores=protocol.scores(curves),
        fps=_fps(folder, sequence.name),
    )


def _fps(folder: Path, sequence: str) -> float | None:
    """Frames per second of the updates, the first frame left out; None without a time file."""
    path = folder / f"{sequence}_time.txt"
    seconds = read_rows(path, 1)[1:] if path.is_file() else np.empty(0)
    return float(len(seconds) / seconds.sum()) if seconds.sum() > 0 else None
