"""Raw results that others have published, read into the form in which ours are scored.

A folder or a zip of one file a sequence, of one tracker or several: text, or OTB's `.mat`; with a
folder a sequence for VOT and GOT-10k. An archive is read in memory, never unpacked, and only as far
as its members stay within the sizes that a benchmark's results can have.
"""

import gzip
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool
from scipy.io import loadmat

from cfkd_core.benchmarks.names import Match, SequenceNames
from cfkd_core.benchmarks.vot import VOT_TAGS, VotAnnotation, VotRun, parse_run
from cfkd_core.datasets.readers.rows import LARGEST, read_row
from cfkd_core.errors import InputError

Boxes = Float[np.ndarray, "t 4"]

# Of one file, of all files, and their number. LaSOT's longest video has 0.5 MB of boxes, the 280
# of its test set have 20 MB; a VOT challenge has 900 files for 15 repetitions.
MOST_BYTES = 2**24
MOST_BYTES_IN_ALL = 2**29
MOST_FILES = 20_000

PATIENCE = 60
"""Seconds for one MATLAB file, most of them for starting the process that reads it."""
# Files of numbers that are no boxes, as PyTracking, GOT-10k's toolkit and this project leave them.
_OTHERS = ("_time", "_scores", "_confidence")

# Folders of VOT's experiments, whose files hold codes.
_EXPERIMENTS = frozenset({"baseline", "realtime", "unsupervised", "longterm"})

_REPETITION = re.compile(r"(.+)_(\d{3})")
_REPETITION_FOLDER = re.compile(r"repetition_(\d{3})")


class Found(NamedTuple):
    """What lies in a source of results.

    Attributes:
        trackers: tracker -> sequence -> its repetitions, as published.
        unmatched: tracker -> files beside its own that belong to no sequence.
    """

    trackers: dict[str, dict[str, tuple[Boxes, ...]]]
    unmatched: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Place:
    """What the path of a file says.

    Attributes:
        folder: of the tracker.
        tracker: behind the sequence in the file's name; may be empty.
    """

    folder: PurePosixPath
    tracker: str
    sequence: str
    repetition: int


def read_one_pass(source: Path, names: Iterable[str] = ()) -> dict[str, tuple[Boxes, ...]]:
    """Sequence -> the boxes of its repetitions, of a tracker that was run from start to end.

    The file's name is the sequence's: `Basketball.txt`, `Basketball_KCF.mat`, or in GOT-10k's
    layout `GOT-10k_Val_000001/GOT-10k_Val_000001_001.txt` for the first repetition. Files of times
    and hidden files are passed over.

    Args:
        names: the benchmark's sequences, which are sought in the files' names; files of none are
            passed over. Without them what all files end with is the tracker's name.

    Returns:
        Boxes x, y, w, h as published: the first pixel is 0 or 1, as the benchmark has it.

    Raises:
        InputError: if there is no result or that of several trackers, two files are of one
            sequence, a file is no result, or an archive is not to be trusted.
    """
    found = read_trackers(source, names).trackers
    if len(found) > 1:
        raise InputError(
            f"{source}: results of several trackers ({', '.join(sorted(found)[:5])}); "
            "name the folder of one, or read them with read_trackers"
        )
    return next(iter(found.values()))


def read_trackers(source: Path, names: Iterable[str] = (), wanted: Iterable[str] = ()) -> Found:
    """The results of every tracker in a folder, an archive, or a single file.

    Trackers lie in folders of their own, or share one and stand behind the sequence in the files'
    names, as OTB's toolkit keeps them: `Basketball_KCF.mat`, `Basketball_SAMF.mat`.

    Args:
        names: as in `read_one_pass`.
        wanted: trackers to read; all if none is named.

    Raises:
        InputError: if there is no result, or none of a tracker that is wanted, two files are of
            one sequence, a file is no result, or an archive is not to be trusted.
    """
    wanted = tuple(wanted)
    files = [
        (path, content)
        for path, content in _files(source, {".txt", ".mat"})
        if not _EXPERIMENTS & set(path.parts)
    ]
    matcher = _matcher([path for path, _ in files], names)
    placed = [(_place(path, matcher), path, content) for path, content in files]
    unmatched = [path for place, path, _ in placed if place is None]
    if len(unmatched) == len(placed):
        strange = f"; {_some(unmatched)} match none" if unmatched else ""
        raise InputError(
            f"{source}: no results; expected one .txt or .mat file a sequence, named after "
            f"it{strange}"
        )
    labels = _labels(source, {(place.folder, place.tracker) for place, *_ in placed if place})
    for name in wanted:
        if name not in labels.values():
            have = ", ".join(sorted(labels.values()))
            raise InputError(f"{source}: no results of tracker {name}; there are {have}")
    chosen = {key: label for key, label in labels.items() if not wanted or label in wanted}
    read: dict[_Place, tuple[PurePosixPath, Boxes]] = {}
    for place, path, content in placed:
        if place is None or (place.folder, place.tracker) not in chosen:
            continue
        if place in read:
            raise InputError(
                f"{source}: {read[place][0]} and {path} are both of sequence {place.sequence}; "
                "keep one of them"
            )
        read[place] = path, _parse(content, path, f"{source}: {path}")
    return _by_tracker({place: boxes for place, (_, boxes) in read.items()}, chosen, unmatched)


Matcher = Callable[[str], Match | None]
"""The stem of a file's name -> sequence and tracker."""


def _matcher(paths: list[PurePosixPath], names: Iterable[str]) -> Matcher:
    """Seeks the benchmark's names; without any, takes off what the names of all `.mat` end with."""
    known = tuple(names)
    if known:
        return SequenceNames(known).match
    mats = [path.stem for path in paths if path.suffix.lower() == ".mat"]
    # a single one has all its parts in common with itself
    backwards = [stem.split("_")[:0:-1] for stem in mats] if len(mats) > 1 else []
    alike = takewhile(lambda parts: len(set(parts)) == 1, zip(*backwards, strict=False))
    tracker = "_".join([parts[0] for parts in alike][::-1])

    def cut(stem: str) -> Match:
        if stem not in mats:
            return Match(stem, "")
        if tracker:
            return Match(stem.removesuffix(f"_{tracker}"), tracker)
        before, found, after = stem.rpartition("_")
        return Match(before, after) if found else Match(stem, "")

    return cut


def _place(path: PurePosixPath, matcher: Matcher) -> _Place | None:
    """Tracker, sequence and repetition of a file; None if it is of no sequence."""
    folder, stem, repetition = path.parent, path.stem, 1
    numbered = _REPETITION.fullmatch(stem)
    if numbered and folder.name == numbered[1]:
        folder, stem, repetition = folder.parent, numbered[1], int(numbered[2])
    elif in_folder := _REPETITION_FOLDER.fullmatch(folder.name):
        folder, repetition = folder.parent, int(in_folder[1])
    match = matcher(stem)
    return match and _Place(folder, match.rest, match.sequence, repetition)


Labels = Mapping[tuple[PurePosixPath, str], str]
"""Folder, and tracker in the files' names -> what the tracker is called."""


def _labels(source: Path, keys: Iterable[tuple[PurePosixPath, str]]) -> Labels:
    """The shortest names that tell the trackers apart."""
    keys = sorted(keys)
    short = [rest or folder.name or source.stem for folder, rest in keys]
    long = [str(folder / rest) if rest else str(folder) for folder, rest in keys]
    return dict(zip(keys, short if len(set(short)) == len(keys) else long, strict=True))


def _by_tracker(
    read: Mapping[_Place, Boxes], labels: Labels, unmatched: list[PurePosixPath]
) -> Found:
    trackers: dict[str, dict[str, tuple[Boxes, ...]]] = {label: {} for label in labels.values()}
    for place in sorted(read, key=lambda each: (each.sequence, each.repetition)):
        found = trackers[labels[place.folder, place.tracker]]
        found[place.sequence] = (*found.get(place.sequence, ()), read[place])
    beside = {
        label: tuple(str(path) for path in unmatched if path.parent == folder)
        for (folder, _), label in labels.items()
    }
    return Found(trackers, beside)


def _some(paths: list[PurePosixPath], count: int = 3) -> str:
    more = f" and {len(paths) - count} more" if len(paths) > count else ""
    return ", ".join(str(path) for path in paths[:count]) + more


def read_restarts(source: Path, experiment: str = "baseline") -> dict[str, list[VotRun]]:
    """Sequence -> its repetitions, of a tracker that VOT restarted when it failed.

    The layout is `<experiment>/<sequence>/<sequence>_001.txt`, below any other folder.

    Args:
        experiment: `baseline`, or `realtime` for the runs against the clock.

    Raises:
        InputError: if there is no such run or those of several trackers, a file is not one, or an
            archive is not to be trusted.
    """
    found = read_restarts_of_all(source, experiment)
    if len(found) > 1:
        raise InputError(
            f"{source}: runs of several trackers ({', '.join(sorted(found)[:5])}); name the "
            "folder of one"
        )
    return next(iter(found.values()))


def read_restarts_of_all(
    source: Path, experiment: str = "baseline"
) -> dict[str, dict[str, list[VotRun]]]:
    """Tracker -> what `read_restarts` gives, in a folder or archive of one or several."""
    found: dict[str, dict[str, list[VotRun]]] = {}
    for path, content in _files(source, {".txt"}):
        folders = path.parts[:-2]
        if folders and experiment not in folders:
            continue
        if _REPETITION.fullmatch(path.stem):
            place = f"{source}: {path}"
            above = folders[: folders.index(experiment)] if folders else ()
            runs = found.setdefault(above[-1] if above else source.stem, {})
            runs.setdefault(_sequence(path), []).append(parse_run(_text(content, place), place))
    if not found:
        raise InputError(
            f"{source}: no results of VOT's {experiment} experiment; expected "
            f"{experiment}/<sequence>/<sequence>_001.txt"
        )
    return found


def read_vot_annotation(path: Path) -> dict[str, VotAnnotation]:
    """Sequence -> annotation, from the one file of a VOT challenge that PySOT's users pass around.

    Raises:
        InputError: if the file is missing or is something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such annotation; it is the VOT20xx.json of PySOT's data sets")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            entries = json.loads(file.read(MOST_BYTES))
        return {name: _vot_annotation(name, entry) for name, entry in entries.items()}
    except _NO_ANNOTATION:
        raise InputError(f"{path}: not a VOT annotation in PySOT's JSON; copy it again") from None


# What a damaged gzip, text that is no JSON, and JSON of something else raise.
_NO_ANNOTATION = (
    *(OSError, EOFError, zlib.error),
    *(ValueError, RecursionError),
    *(TypeError, KeyError, AttributeError, OverflowError),
)


def _vot_annotation(name: str, entry: Mapping) -> VotAnnotation:
    """An entry of the file as an annotation.

    Raises:
        ValueError: if regions, size or tags are not those of one video.
    """
    regions = np.array(entry["gt_rect"], dtype=float)
    # a tag that nobody assessed is an empty list
    tags = {tag: np.array(entry[tag], dtype=bool) for tag in VOT_TAGS if entry.get(tag)}
    size = int(entry["width"]), int(entry["height"])
    lengths = {len(regions), *(len(frames) for frames in tags.values())}
    if regions.ndim != 2 or regions.shape[1] not in (4, 8) or len(lengths) > 1 or min(size) < 1:
        raise ValueError(f"{name}: regions of {regions.shape}, tags of {lengths}, size {size}")
    if (np.abs(regions) > LARGEST).any() or any(frames.ndim != 1 for frames in tags.values()):
        raise ValueError(f"{name}: regions must be finite, tags one a frame")
    return VotAnnotation(name, regions, size, tags)


def _sequence(path: PurePosixPath) -> str:
    """The sequence of a file: its name, without the repetition where the folder is called so."""
    repetition = _REPETITION.fullmatch(path.stem)
    if repetition and path.parent.name == repetition[1]:
        return repetition[1]
    return path.stem


def _files(source: Path, suffixes: set[str]) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path below `source`, and content, of each file of results in a folder or an archive."""
    if source.is_dir():
        found = _in_folder(source)
    elif source.is_file() and zipfile.is_zipfile(source):
        found = _in_archive(source)
    elif source.is_file() and source.suffix.lower() in suffixes:
        found = iter([(PurePosixPath(source.name), partial(_head, source))])
    else:
        raise InputError(f"{source}: neither a folder nor a zip of results")
    total = 0
    for number, (path, read) in enumerate(found, 1):
        # macOS packs a hidden companion beside each file
        hidden = path.name.startswith(".")
        if hidden or path.suffix.lower() not in suffixes or path.stem.endswith(_OTHERS):
            continue
        content = read(MOST_BYTES + 1)
        total += len(content)
        if len(content) > MOST_BYTES or total > MOST_BYTES_IN_ALL or number > MOST_FILES:
            raise InputError(
                f"{source}: with {path}, more than results can be ({MOST_FILES} files of "
                f"{MOST_BYTES} bytes, {MOST_BYTES_IN_ALL} in all); take out what is none"
            )
        yield path, content


Reader = Callable[[int], bytes]
"""Up to so many bytes of a file."""


def _in_folder(folder: Path) -> Iterator[tuple[PurePosixPath, Reader]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield PurePosixPath(file.relative_to(folder).as_posix()), partial(_head, file)


def _head(file: Path, size: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(size)


def _in_archive(archive: Path) -> Iterator[tuple[PurePosixPath, Reader]]:
    with _unpacking(archive), zipfile.ZipFile(archive) as opened:
        members = sorted(opened.infolist(), key=lambda member: member.filename)
        for member in members:
            path = PurePosixPath(member.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts:
                raise InputError(f"{archive}: {member.filename!r} leads out of it; distrust it")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # zipfile cannot bound how far others swell
                raise InputError(f"{archive}: {member.filename!r} is not deflated; pack it anew")
            # zipfile's own is_dir stumbles over a name of no letters
            if path.name and not member.filename.endswith("/"):
                yield path, partial(_member, archive, opened, member)


def _member(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo, size: int) -> bytes:
    # a member may be longer than the archive's table says: the reading is bounded, not the table
    with _unpacking(archive), opened.open(member) as file:
        return file.read(size)


# What zipfile raises for one damaged byte or another; RuntimeError for a password.
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError),
    *(UnicodeDecodeError, OverflowError, struct.error),
)


@contextmanager
def _unpacking(archive: Path) -> Iterator[None]:
    try:
        yield
    except _ZIP_ERRORS as error:
        raise InputError(f"{archive}: cannot be unpacked ({error}); fetch it anew") from None


def _parse(content: bytes, path: PurePosixPath, place: str) -> Boxes:
    if path.suffix.lower() == ".mat":
        return _parse_mat(content, place)
    return _parse_text(_text(content, place), place)


def _text(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{place}: not a text file; unpack or write it anew") from None


def _parse_text(text: str, place: str) -> Boxes:
    """A box a line; commas, tabs and spaces all delimit."""
    lines = enumerate(text.rstrip().splitlines(), 1)
    rows = [read_row(line.strip(), (4,), f"{place}, line {number}") for number, line in lines]
    if not rows:
        raise InputError(f"{place}: empty; unpack or write it anew")
    return np.array(rows)


def _parse_mat(content: bytes, place: str) -> Boxes:
    """The boxes in a file of OTB's toolkit: `results`, a struct or a cell of one, with `res`.

    MDNet's files hold the boxes alone, as `result`.

    Source: tracker_benchmark v1.1, main_running.m, which writes them, and genPerfMat.m in
        zhangzheng0131/Tracker_Benchmark_tb100 (61282db), which reads MDNet's.
    """
    variables = _load_mat(content, place)
    results = variables.get("results")
    entry = results[0] if isinstance(results, list | np.ndarray) and len(results) else results
    parts = entry if isinstance(entry, Mapping) else {}
    boxes, kind = parts.get("res"), str(parts.get("type", ""))
    if results is None:
        boxes, kind = variables.get("result"), "rect"
    if (
        not isinstance(boxes, np.ndarray)
        or boxes.dtype.kind not in "iuf"
        or not boxes.size
        or not kind
    ):
        raise InputError(f"{place}: not a result of OTB's toolkit (no results with res and type)")
    boxes = np.atleast_2d(boxes).astype(float)
    if kind != "rect" or boxes.ndim != 2 or boxes.shape[1] != 4 or (np.abs(boxes) > LARGEST).any():
        raise InputError(
            f"{place}: regions of type {kind[:60]!r}, {boxes.shape[-1]} numbers each; only finite "
            "rectangles can be read, as OTB's toolkit makes of the others"
        )
    return boxes


def _load_mat(content: bytes, place: str) -> dict:
    """The variables in a MATLAB file, read in a process of its own: scipy crashes on damaged ones.

    Raises:
        InputError: if it cannot be read.
    """
    reader = get_reusable_executor(max_workers=1)
    try:
        return reader.submit(loadmat, BytesIO(content), simplify_cells=True).result(PATIENCE)
    except BrokenProcessPool:
        reason = "its reader crashed"
    # scipy raises whatever a damaged file makes it stumble over
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
    raise InputError(f"{place}: not a result of OTB's toolkit ({reason}); fetch it anew")
