"""Folders as sources of training pairs: what lies in one is seen by its layout."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cfkd_core.datasets.pairs import Source
from cfkd_core.datasets.readers import lasot, official, trackingnet
from cfkd_core.datasets.readers.davis import read_davis
from cfkd_core.datasets.readers.got10k import read_got10k
from cfkd_core.datasets.readers.otb import read_otb
from cfkd_core.datasets.readers.own import read_own
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.datasets.stills import read_coco, read_voc
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.errors import InputError
from cfkd_core.files import is_file, is_folder

# What a command line says of a source, in place of a folder.
SYNTHETIC = "synthetic"
FILMS = 200
MOST_FILMS = 99_999

_SPEC = re.compile(
    r"(?P<place>.+?)(:origin=(?P<origin>[01])|:(?P<count>\d+))?(@(?P<weight>[-+.\deE]+))?"
)


def parse_source(spec: str) -> Source:
    """The source that `DIR[:origin=0][@WEIGHT]` or `synthetic[:COUNT][@WEIGHT]` describes.

    A folder whose name ends as such a description does is read as it is named. A folder called
    `synthetic` is `./synthetic`. The 200 films, or `COUNT`, are those of seed 0.

    Raises:
        InputError: if `spec` is not of this form, and where `read_source` raises it.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise InputError(f"source {spec!r}: expected DIR[:origin=0][@WEIGHT] or synthetic[:COUNT]")
    if spec != SYNTHETIC and (is_folder(Path(spec)) or is_file(Path(spec))):
        return read_source(Path(spec))
    weight = _weight(spec, match["weight"] or "1")
    if match["place"] == SYNTHETIC and match["origin"] is None:
        if len(match["count"] or "") > len(str(MOST_FILMS)):
            raise InputError(f"source {spec[:60]!r}: at most {MOST_FILMS} films")
        return Source(SYNTHETIC, training_films(int(match["count"] or FILMS), seed=0), weight)
    if match["count"] is not None:
        raise InputError(f"source {spec!r}: a number of films is for {SYNTHETIC} only")
    origin = None if match["origin"] is None else int(match["origin"])
    return read_source(Path(match["place"]), weight, origin)


def _weight(spec: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        raise InputError(f"source {spec!r}: weight {text!r} is not a number") from None
    if not 0 < weight < math.inf:
        raise InputError(f"source {spec!r}: weight {text} must be positive and finite")
    return weight


def read_source(path: Path, weight: float = 1.0, origin: int | None = None) -> Source:
    """The sequences in a folder, whichever of `LAYOUTS` it has.

    Of benchmarks only what is meant for training is used: of LaSOT all but the 280 test sequences,
    of GOT-10k the training split, of TrackingNet TRAIN_0 to TRAIN_10 (a single chunk can be
    named). In COCO's and Pascal VOC's layout each object is a sequence of one frame; of
    COCO's instances of several years one file is to be named.

    Args:
        weight: share of the pairs, relative to the other sources'.
        origin: number of the first px in files of OTB's layout, which do not say it: 1 as OTB
            publishes, 0 for videos that share only its layout. If it is not given it is 1, but
            boxes that begin at 0 are refused: nothing is guessed.

    Raises:
        InputError: if the folder has none of the layouts, one that holds nothing to train on, or
            broken files.

    Source: The original, exactly, section 4.
    """
    there = is_folder(path) or is_file(path)
    layout = next((layout for layout in LAYOUTS if there and layout.fits(path)), None)
    if layout is None:
        looked = "; ".join(f"{each.name}: {each.files}" for each in LAYOUTS)
        state = "no known layout in this folder" if there else "no such folder"
        raise InputError(f"{path}: {state}; looked for {looked}")
    # cards of weights have the name: enough to know the data, and nothing of one's machine
    name = "/".join(path.resolve().parts[-2:]).encode("utf-8", "backslashreplace").decode()
    if origin is not None and layout.name != "OTB":
        raise InputError(f"{path}: origin is for OTB's layout, and this is {layout.name}'s")
    return Source(name, layout.read(path, origin), weight)


@dataclass(frozen=True)
class Layout:
    """How files lie in a folder.

    Attributes:
        files: what is looked for, in words.
        signs: patterns of files or folders of which one is there.
        read: folder and origin -> sequences to train on; all but OTB's take no origin.
    """

    name: str
    files: str
    signs: tuple[str, ...]
    read: Callable[[Path, int | None], list[Sequence]]

    def fits(self, path: Path) -> bool:
        """Whether a folder has one of the signs, or a file lies where one is looked for."""
        if is_file(path):
            return any(path.match(sign) for sign in self.signs if "annotations/" in sign)
        return any(next(path.glob(sign), None) is not None for sign in self.signs)


def _read_otb(path: Path, origin: int | None) -> list[Sequence]:
    sequences = read_otb(path, 1 if origin is None else origin)
    if origin is None:
        for each in sequences:
            published = each.to_published(each.boxes)
            if ((published[:, :2] == 0).any(axis=1) & (published[:, 2:] > 0).all(axis=1)).any():
                raise InputError(
                    f"{path}: {each.name} has boxes that begin at 0; say {path}:origin=0 if its "
                    "boxes count from 0, or :origin=1 if they count from 1 all the same"
                )
    return sequences


def _read_lasot(path: Path) -> list[Sequence]:
    there = lasot.names(path)
    wanted = there - official.names("lasot")
    if there and not wanted:
        raise InputError(f"{path}: only sequences of LaSOT's test set, which are not to train on")
    return lasot.read_lasot(path, wanted)


def _read_coco(path: Path) -> list[Sequence]:
    if path.is_file():
        return _read_instances(path, path.parent.parent)
    if (path / "instances.json").is_file():
        return read_coco(path / "instances.json", path / "images")
    annotations = sorted((path / "annotations").glob(_INSTANCES))
    if len(annotations) > 1:
        names = ", ".join(each.name for each in annotations)
        raise InputError(
            f"{path}: instances of several years ({names}), which share images; name one of the "
            f"files, such as {annotations[-1]}"
        )
    return _read_instances(annotations[0], path)


def _read_instances(annotations: Path, root: Path) -> list[Sequence]:
    images = annotations.stem.removeprefix("instances_")
    folder = root / images if (root / images).is_dir() else root / "images" / images
    return read_coco(annotations, folder)


_INSTANCES = "instances_train*.json"

LAYOUTS = (
    Layout("OTB", "*/groundtruth_rect.txt and */img/", ("*/groundtruth_rect*.txt",), _read_otb),
    Layout(
        "TrackingNet",
        "TRAIN_*/anno/ and TRAIN_*/frames/",
        ("TRAIN_*/anno", "anno/*.txt"),
        lambda path, _: trackingnet.read_trackingnet(path, trackingnet.TRAINING),
    ),
    Layout(
        "GOT-10k",
        "train/*/groundtruth.txt and absence.label",
        ("train/*/absence.label", "*/absence.label"),
        lambda path, _: read_got10k(path, "train"),
    ),
    Layout(
        "LaSOT",
        "*/groundtruth.txt and out_of_view.txt",
        ("*/out_of_view.txt", "*/*/out_of_view.txt"),
        lambda path, _: _read_lasot(path),
    ),
    Layout(
        "COCO",
        "instances.json and images/, or annotations/instances_train*.json and train*/",
        ("instances.json", f"annotations/{_INSTANCES}"),
        lambda path, _: _read_coco(path),
    ),
    Layout(
        "Pascal VOC",
        "Annotations/*.xml and JPEGImages/",
        ("Annotations/*.xml",),
        lambda path, _: read_voc(path / "Annotations", path / "JPEGImages"),
    ),
    Layout(
        "DAVIS",
        "Annotations/480p/*/*.png and JPEGImages/480p/",
        ("Annotations/*/*/*.png",),
        lambda path, _: read_davis(path),
    ),
    # last: a table beside something is the weakest of the signs
    Layout(
        "your own videos",
        "clip.mp4 or clip/ with clip.csv beside it",
        ("*.csv", "*/boxes.csv"),
        lambda path, _: read_own(path),
    ),
)
