"""UAV123: films of a drone, some of them cut into several sequences."""

import re
from pathlib import Path

import numpy as np

from cfkd_core import files
from cfkd_core.datasets.readers.images import span_images
from cfkd_core.datasets.readers.official import uav_spans
from cfkd_core.datasets.readers.otb import read_otb
from cfkd_core.datasets.readers.rows import read_lines, read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

Spans = dict[str, tuple[str, int, int]]

# configSeqs.m describes a sequence in one struct(...), with its folder's name last in a path.
# A struct is short: without a bound, an unclosed one is sought to the end of the file each time.
_STRUCT = re.compile(r"struct\s{0,9}\((?P<fields>.{0,2000}?)\)", re.DOTALL)
_FIELD = re.compile(r"'(name|path|startFrame|endFrame)'\s*,\s*\{?\s*'?([^',}]*)'?")


def read_uav123(root: Path) -> list[Sequence]:
    """Every annotated sequence of UAV123 whose images are there, sorted by name.

    `root` holds `anno/UAV123/<sequence>.txt` (x,y,w,h a line, counted from 1, NaN where the
    target is absent) and `data_seq/UAV123/<folder>/000001.jpg` and so on. Which folder and frames
    a sequence has is in a `configSeqs.m` in `root`, or else in the published table; a sequence in
    neither has the folder of its own name, from 1 on. A folder in OTB's layout is read too.

    A frame is visible where all four published numbers are positive: the toolkit is OTB's.

    Raises:
        InputError: if frames or lines of a sequence are missing; and if there is no sequence.

    Source: The original, exactly, section 6.1.
    """
    root = root / "UAV123" if (root / "UAV123" / "anno").is_dir() else root
    annotations = sorted((root / "anno" / "UAV123").glob("*.txt"))
    if not annotations and any(root.glob("*/groundtruth_rect*.txt")):
        return read_otb(root)
    spans = {**uav_spans(), **_own_spans(root)}
    images = root / "data_seq" / "UAV123"
    sequences = [
        _read_sequence(file, images, spans)
        for file in annotations
        if (images / _folder(file.stem, spans)).is_dir()
    ]
    if not sequences:
        raise InputError(
            f"{root}: no UAV123 sequences here; expected anno/UAV123/*.txt and data_seq/UAV123/*/, "
            "as data/README.md describes"
        )
    return sequences


def _folder(name: str, spans: Spans) -> str:
    return spans[name][0] if name in spans else name


def _read_sequence(annotation: Path, images: Path, spans: Spans) -> Sequence:
    name = annotation.stem
    published = read_rows(annotation, 4)
    folder, first, last = spans.get(name, (name, 1, len(published)))
    if len(published) != last - first + 1:
        raise InputError(
            f"sequence {name}: {len(published)} boxes in {annotation}, but frames {first} to "
            f"{last}; unpack the annotation anew"
        )
    return Sequence(
        name=name,
        frames=span_images(images / folder, name, first, len(published)),
        boxes=published - [1, 1, 0, 0],
        visible=np.all(published > 0, axis=1),
        origin=1,
    )


def _own_spans(root: Path) -> Spans:
    """What `configSeqs.m` says, if there is one."""
    path = root / "configSeqs.m"
    return read_spans(path) if path.is_file() else {}


def read_spans(path: Path) -> Spans:
    """Sequence -> folder, first and last frame, from UAV123's configuration for OTB's toolkit.

    Where the file lists a sequence twice, as for UAV123 and for UAV20L, the first counts.

    Raises:
        InputError: if there is no sequence in the file, or one without a number.
    """
    text = "\n".join(line for _, line in read_lines(path))
    spans: Spans = {}
    for struct in _STRUCT.finditer(text):
        fields = dict(_FIELD.findall(struct["fields"]))
        try:
            folder = re.split(r"[\\/]", fields["path"].strip().rstrip("\\/"))[-1]
            span = (folder, int(fields["startFrame"]), int(fields["endFrame"]))
            name = fields["name"]
        except (KeyError, ValueError):
            raise InputError(
                f"{path}: cannot read {struct[0][:60]!r}; expected name, path, startFrame, endFrame"
            ) from None
        if not files.is_plain_name(folder):
            raise InputError(f"{path}: {folder[:60]!r} cannot name a folder of images; mend it")
        spans.setdefault(name, span)
    if not spans:
        raise InputError(f"{path}: no struct('name', …) here; put UAV123's own file there")
    return spans
