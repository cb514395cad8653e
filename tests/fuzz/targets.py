"""The parsers, each with what must hold of whatever it makes of its input."""

import json
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from unittest import mock

import numpy as np

from cfkd_core import boxes
from cfkd_core.benchmarks import bench, clocks, published, report, results, vot
from cfkd_core.datasets import sources, stills
from cfkd_core.datasets.readers import davis, own, rows, uav123
from cfkd_core.datasets.readers.got10k import read_got10k
from cfkd_core.datasets.readers.vot import read_regions
from cfkd_core.datasets.regions import are_known
from cfkd_core.datasets.sequence import read_image
from cfkd_core.errors import InputError
from cfkd_core.experiments.run import parse_backbones
from cfkd_core.files import is_plain_name
from cfkd_core.models import tensor_file, whole_numbers
from cfkd_core.training import journal

Target = Callable[[Path, bytes], None]
"""Reads bytes, which it may lay down in a folder; raises `InputError`, or else they were sound."""

FRAMES = 3


def _no_infinity(values: np.ndarray) -> None:
    assert values.dtype == np.float64
    assert not np.isinf(values).any()


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _text(content: bytes) -> str:
    """As a command line gives it: without NUL, other bytes as they are."""
    return content.replace(b"\0", b"").decode("utf-8", "surrogateescape")


def read_rows(folder: Path, content: bytes) -> None:
    """Boxes of OTB, LaSOT, GOT-10k, TrackingNet and UAV123, and our own results."""
    found = rows.read_rows(_file(folder, "boxes.txt", content), 4)
    assert found.shape == (len(found), 4)
    _no_infinity(found)


def read_flags(folder: Path, content: bytes) -> None:
    """Marks of absence and occlusion."""
    assert rows.read_flags(_file(folder, "marks.txt", content), FRAMES).shape == (FRAMES,)


def read_names(folder: Path, content: bytes) -> None:
    """Lists of videos: each name is that of a folder beside the list."""
    for name in rows.read_names(_file(folder, "list.txt", content)):
        assert (folder / name).parent == folder
        assert is_plain_name(name)


def read_vot_truth(folder: Path, content: bytes) -> None:
    """Rectangles and quadrangles of VOT."""
    found = read_regions(_file(folder, "groundtruth.txt", content))
    assert found.shape == (len(found), 8)
    _no_infinity(found)


def read_table(folder: Path, content: bytes) -> None:
    """The user's own boxes, with and without a header."""
    found = own.read_table(_file(folder, "clip.csv", content), FRAMES)
    assert found.shape == (FRAMES, 4)
    _no_infinity(found)


def read_spans(folder: Path, content: bytes) -> None:
    """UAV123's configuration."""
    for place, first, last in uav123.read_spans(_file(folder, "configSeqs.m", content)).values():
        assert (folder / place).parent == folder
        assert isinstance(first + last, int)


def read_got10k_meta(folder: Path, content: bytes) -> None:
    """A sequence of GOT-10k around its settings."""
    place = folder / "test" / "GOT-10k_Test_000001"
    _file(place, "meta_info.ini", content)
    _file(place, "groundtruth.txt", b"1,2,3,4")
    _file(place, "00000001.jpg", b"")
    (sequence,) = read_got10k(folder, "test")
    assert all(isinstance(each, str) and each for each in sequence.attributes)


def _check_stills(folder: Path, found: list) -> None:
    for still in found:
        (image,) = still.frames.files
        assert image.is_relative_to(folder / "images")
        assert ".." not in image.parts
        assert np.isfinite(still.boxes).all()
        assert (still.boxes[:, 2:] > 0).all()


def read_coco(folder: Path, content: bytes) -> None:
    """Annotations in COCO's JSON."""
    path = _file(folder, "instances.json", content)
    _check_stills(folder, stills.read_coco(path, folder / "images"))


def read_voc(folder: Path, content: bytes) -> None:
    """Annotations in Pascal VOC's XML."""
    _file(folder, "Annotations/a.xml", content)
    _check_stills(folder, stills.read_voc(folder / "Annotations", folder / "images"))


def read_mask(folder: Path, content: bytes) -> None:
    """DAVIS's masks."""
    found = davis.mask_boxes(davis.read_mask(_file(folder, "00000.png", content)))
    assert all((box[2:] > 0).all() for box in found.values())


def read_picture(folder: Path, content: bytes) -> None:
    """Images of any kind."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*bits a channel; each is scaled")
        image = read_image(_file(folder, "1.jpg", content))
    assert (image.dtype, image.ndim, image.shape[2]) == (np.uint8, 3, 3)


def read_run(folder: Path, content: bytes) -> None:
    """Runs with restarts."""
    run = vot.read_run(_file(folder, "a_001.txt", content))
    assert are_known(run.regions[run.tracked]).all()


def read_card(folder: Path, content: bytes) -> None:
    """Cards of results."""
    _file(folder, results.CARD, content)
    card = results.read_card(folder)
    layout = results.LAYOUTS["ope"]
    _file(folder, "a.txt", b"1,2,3,4")
    results.stale(folder, layout, card, "a", {"length": 1, "boxes": "", "images": ""})
    json.dumps(results.configuration(card))


def read_weights_card(folder: Path, content: bytes) -> None:
    """Cards of weights."""
    _file(folder, "net.json", content)
    assert isinstance(tensor_file.read_card(folder / "net.safetensors"), dict)


def read_graph_card(folder: Path, content: bytes) -> None:
    """Cards of graphs in whole numbers; the graph is an empty file."""
    _file(folder, "net_int8.onnx", b"")
    _file(folder, "net_int8.json", content)
    assert whole_numbers.find("n", folder) == b""


def read_report(folder: Path, content: bytes) -> None:
    """Reports of scores."""
    for each in report.load_json(_file(folder, "scores.json", content)):
        assert isinstance(each, report.Report)


def read_times(folder: Path, content: bytes) -> None:
    """Times of a race."""
    contest = bench.load_json(_file(folder, "times.json", content))
    for each in contest.timings:
        assert each.frames.shape == each.updated.shape


def read_journal(folder: Path, content: bytes) -> None:
    """Journals of training runs."""
    _file(folder, journal.FILE, content)
    assert all(isinstance(entry["step"], int) for entry in journal.read(folder))


def read_published_text(folder: Path, content: bytes) -> None:
    """Others' boxes as text."""
    _file(folder, "results/a.txt", content)
    for repetitions in published.read_one_pass(folder / "results").values():
        for found in repetitions:
            _no_infinity(found)


def read_published_zip(folder: Path, content: bytes) -> None:
    """Others' boxes and runs in archives."""
    archive = _file(folder, "a.zip", content)
    with suppress(InputError):
        published.read_one_pass(archive)
    published.read_restarts(archive)


def read_annotation(folder: Path, content: bytes) -> None:
    """VOT's annotation in PySOT's JSON, plain and packed."""
    suffix = ".gz" if content[:2] == b"\x1f\x8b" else ""
    for each in published.read_vot_annotation(_file(folder, "V.json" + suffix, content)).values():
        assert each.regions.shape[1] in (4, 8)
        assert all(len(frames) == len(each.regions) for frames in each.tags.values())


def parse_source(folder: Path, content: bytes) -> None:
    """Sources of training pairs, as the command line has them; films are not rendered."""
    _file(folder, "otb/a/groundtruth_rect.txt", b"1,2,3,4")
    _file(folder, "otb/a/img/0001.jpg", b"")
    spec = _text(content).replace("{folder}", str(folder))
    with mock.patch.object(sources, "training_films", return_value=[]) as films:
        source = sources.parse_source(spec)
    assert 0 < source.weight < np.inf
    assert not films.called or films.call_args.args[0] <= sources.MOST_FILMS


def check_box(folder: Path, content: bytes) -> None:
    """The box of `track`."""
    box = boxes.check(_text(content).split(","), 160, 120)
    assert np.isfinite(box).all()
    assert 0 < boxes.area(box) < np.inf


def read_latency(folder: Path, content: bytes) -> None:
    """The clock of the real-time experiment."""
    _file(folder, "times_time.txt", b"0\n0.25\n0.5\n")
    clock = clocks.read_clock(_text(content).replace("{folder}", str(folder)))
    clock.describe()
    assert 0 <= clock.latency("times")(1, 0.125) < np.inf


def read_recorded(folder: Path, content: bytes) -> None:
    """Recorded times."""
    clock = clocks.RecordedClock(_file(folder, "a_time.txt", content))
    assert 0 <= clock.latency("a")(0, 0.0) < np.inf


def read_backbones(folder: Path, content: bytes) -> None:
    """Files of backbones, as the command line has them."""
    _file(folder, "x.pth", b"")
    spec = _text(content).replace("{folder}", str(folder))
    assert all(file.is_file() for file in parse_backbones([spec]).values())


TARGETS: dict[str, Target] = {
    "rows": read_rows,
    "flags": read_flags,
    "names": read_names,
    "vot-truth": read_vot_truth,
    "table": read_table,
    "spans": read_spans,
    "box": check_box,
    "source": parse_source,
    "latency": read_latency,
    "recorded": read_recorded,
    "backbones": read_backbones,
    "run": read_run,
    "card": read_card,
    "weights-card": read_weights_card,
    "graph-card": read_graph_card,
    "report": read_report,
    "times": read_times,
    "journal": read_journal,
    "coco": read_coco,
    "voc": read_voc,
    "got10k-meta": read_got10k_meta,
    "annotation": read_annotation,
    "published-text": read_published_text,
    "published-zip": read_published_zip,
    "mask": read_mask,
    "picture": read_picture,
}
