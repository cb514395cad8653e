"""Archives for TrackingNet's and GOT-10k's servers, which keep the annotation to themselves."""

import io
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from cfkd_core import files
from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks.entries import read_boxes
from cfkd_core.datasets.readers import read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

LAYOUT = store.LAYOUTS["ope"]

# GOT-10k's server takes so many repetitions of each sequence.
# Source: got10k toolkit 0.1.3, ExperimentGOT10k.
MOST_REPETITIONS = 3

# Name in the archive, text.
Member = tuple[str, str]


def trackingnet_members(folder: Path, sequence: Sequence) -> Iterator[Member]:
    """`<video>.txt`: x,y,w,h a line with two decimals.

    Source: The original, exactly, section 6.3.
    """
    yield f"{sequence.name}.txt", _text(_boxes(folder, sequence, 1), decimals=2)


def got10k_members(folder: Path, sequence: Sequence) -> Iterator[Member]:
    """`<sequence>/<sequence>_001.txt` a repetition, and one file of times, a column for each.

    Source: got10k toolkit 0.1.3: boxes with three decimals, seconds with eight.
    """
    numbers = LAYOUT.repetitions(folder, sequence.name)[:MOST_REPETITIONS]
    for place, number in enumerate(numbers, 1):
        name = f"{sequence.name}/{sequence.name}_{place:03d}.txt"
        yield name, _text(_boxes(folder, sequence, number), decimals=3)
    times = [_times(folder, sequence, number) for number in numbers]
    yield f"{sequence.name}/{sequence.name}_time.txt", _text(np.column_stack(times), decimals=8)


SERVERS: dict[str, Callable[[Path, Sequence], Iterator[Member]]] = {
    "trackingnet": trackingnet_members,
    "got10k": got10k_members,
}


def pack(
    benchmark: str, sequences: list[Sequence], results: Path, tracker: str, output: Path
) -> int:
    """Writes the archive that the benchmark's server takes, whole or not at all.

    The same results give the same bytes.

    Args:
        sequences: all of the benchmark's.
        results: the folder above the benchmark's.
        output: a path that ends in `.zip`.

    Returns:
        Number of files in the archive.

    Raises:
        InputError: if the benchmark has no server, or a result is missing, incomplete or stale.
    """
    if benchmark not in SERVERS:
        raise InputError(
            f"benchmark {benchmark} has no server to submit to; choose from {', '.join(SERVERS)}"
        )
    if output.suffix != ".zip":
        raise InputError(f"{output}: the servers take an archive; let its name end in .zip")
    folder = LAYOUT.place(results, benchmark, tracker)
    _check(folder, sequences)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for sequence in sorted(sequences, key=lambda each: each.name):
            for name, text in SERVERS[benchmark](folder, sequence):
                # an entry made by hand has a fixed date, but no permissions
                entry = zipfile.ZipInfo(name)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
        count = len(archive.namelist())
    files.write_bytes(output, content.getvalue())
    return count


def _check(folder: Path, sequences: list[Sequence]) -> None:
    """Refuses what lacks a sequence: the server scores a missing one as zero."""
    missing = [each.name for each in sequences if not LAYOUT.boxes(folder, each.name).is_file()]
    if missing:
        named = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise InputError(
            f"{folder}: {len(missing)} of {len(sequences)} sequences missing ({named}); "
            "run the tracker to the end"
        )
    by_name = {each.name: each for each in sequences}
    print_of = cache(lambda name: store.fingerprint(by_name[name], LAYOUT))
    store.check_current(folder, LAYOUT, print_of, by_name)


def _boxes(folder: Path, sequence: Sequence, number: int) -> Float[np.ndarray, "t 4"]:
    """Boxes as the benchmark counts pixels."""
    boxes = read_boxes(LAYOUT, folder, sequence, number)
    if len(boxes) != len(sequence):
        path = LAYOUT.boxes(folder, sequence.name, number)
        raise InputError(
            f"{path}: {len(boxes)} boxes for {len(sequence)} frames; run it again with --force"
        )
    return sequence.to_published(boxes)


def _times(folder: Path, sequence: Sequence, number: int) -> Float[np.ndarray, "t"]:
    path = LAYOUT.times(folder, sequence.name, number)
    seconds = read_rows(path, 1)[:, 0] if path.is_file() else np.empty(0)
    if len(seconds) != len(sequence):
        raise InputError(f"{path}: not the seconds of {len(sequence)} frames; run it again")
    return seconds


def _text(rows: Float[np.ndarray, "t _"], decimals: int) -> str:
    lines = (",".join(f"{number:.{decimals}f}" for number in row) for row in rows)
    return "".join(f"{line}\n" for line in lines)
