"""What is wrong with an installation, and what to do about it.

Nothing that can be missing is imported before its own check, and a check that fails says so and
lets the others have their turn.
"""

import importlib
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from cfkd_core import paths
from cfkd_core.errors import InputError

# What CI runs on; later versions may do as well.
TESTED_PYTHON = (3, 11)

# GB: results and weights of a small run; the environment itself takes 2.
WANTED_DISK, NEEDED_DISK = 2.0, 0.2

# All four bring a package named cv2, and overwrite each other.
OPENCVS = (
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-python",
)
OPENCV_REMEDY = (
    f"pip uninstall -y {' '.join(OPENCVS)}, then pip install opencv-contrib-python-headless"
)

# Without them no tracker has a network.
WEIGHTS = ("atom", "matom", "mobilenet_v2_imagenet")

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Diagnosis:
    """What one check saw.

    Attributes:
        state: `ok`; `note` for what only some need; `wrong` for what must be mended.
        remedy: what to do; empty where nothing needs doing.
    """

    subject: str
    state: State
    found: str
    remedy: str = ""


def examine() -> list[Diagnosis]:
    """The diagnosis of every check, in the order in which one would mend them."""
    return [_guarded(subject, check) for subject, check in CHECKS.items()]


def _guarded(subject: str, check: Callable[[], Diagnosis]) -> Diagnosis:
    """A check that breaks is a diagnosis: the broken thing is what the user came for."""
    try:
        return check()
    except Exception as error:
        name = getattr(error, "name", None) if isinstance(error, ImportError) else None
        remedy = f"pip install {name}" if name else "install the project again: make test"
        return Diagnosis(subject, "wrong", f"{type(error).__name__}: {error}", remedy)


def report(diagnoses: list[Diagnosis]) -> str:
    """The diagnoses as lines for people."""
    width = max(len(each.subject) for each in diagnoses)
    lines = []
    for each in diagnoses:
        lines.append(f"{each.state:5}  {each.subject:{width}}  {each.found}")
        if each.remedy:
            lines.append(f"{'':5}  {'':{width}}  -> {each.remedy}")
    return "\n".join(lines)


def as_json(diagnoses: list[Diagnosis]) -> str:
    """The diagnoses for programs: a list of objects."""
    return json.dumps([asdict(each) for each in diagnoses], indent=1)


def python() -> Diagnosis:
    """The interpreter."""
    tested = ".".join(map(str, TESTED_PYTHON))
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < TESTED_PYTHON:
        return Diagnosis("python", "wrong", found, f"make the environment with Python {tested}")
    if sys.version_info[:2] != TESTED_PYTHON:
        return Diagnosis("python", "note", found, f"only Python {tested} is tested")
    return Diagnosis("python", "ok", found)


def disk(folder: Path | None = None) -> Diagnosis:
    """Room, and the right to write, in the folder at hand."""
    folder = folder or Path.cwd()
    free = shutil.disk_usage(folder).free / 1e9
    found = f"{free:.1f} GB free in {folder}"
    if not os.access(folder, os.W_OK):
        return Diagnosis("disk", "wrong", f"{folder} cannot be written", "work in another folder")
    if free < WANTED_DISK:
        state: State = "note" if free >= NEEDED_DISK else "wrong"
        return Diagnosis("disk", state, found, f"make room: {WANTED_DISK:g} GB is comfortable")
    return Diagnosis("disk", "ok", found)


def torch() -> Diagnosis:
    """torch and torchvision: two packages that must be of one release."""
    own, vision = metadata.version("torch"), metadata.version("torchvision")
    found = f"torch {own}, torchvision {vision}"
    partner = partner_of(own)
    if _minor(vision) != partner:
        remedy = f"pip install 'torchvision~=0.{partner}.0'"
        return Diagnosis("torch", "wrong", found, remedy)
    # the door that this project uses: it also opens where one is built for CUDA and one is not
    importlib.import_module("cfkd_core._compat")
    return Diagnosis("torch", "ok", found)


def partner_of(version: str) -> int:
    """Minor version of the torchvision (0.x) that was released with torch 2.x.

    Source: the table in torchvision's README; 2.0 came with 0.15, and both count by one.
    """
    return _minor(version) + 15


def _minor(version: str) -> int:
    match = re.match(r"\d+\.(\d+)", version)
    if match is None:
        raise ValueError(f"version {version!r}: expected numbers")
    return int(match[1])


def opencv() -> Diagnosis:
    """One wheel of OpenCV, with the trackers that the comparison needs."""
    wheels = [name for name in OPENCVS if util.find_spec("cv2") and _installed(name)]
    found = ", ".join(f"{name} {metadata.version(name)}" for name in wheels) or "no wheel of OpenCV"
    if len(wheels) != 1:
        return Diagnosis("opencv", "wrong", found, OPENCV_REMEDY)
    cv2 = importlib.import_module("cv2")
    if not hasattr(cv2, "TrackerCSRT"):
        return Diagnosis("opencv", "wrong", f"{found}: without the tracker CSRT", OPENCV_REMEDY)
    return Diagnosis("opencv", "ok", found)


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def kernel() -> Diagnosis:
    """The Jupyter kernel that runs the book's notebooks; the library does without."""
    if not _installed("ipykernel"):
        remedy = "for the book: make lab, or pip install 'cfkd[book]'"
        return Diagnosis("kernel", "note", "no ipykernel in this environment", remedy)
    spec = Path(sys.prefix) / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    remedy = f"{sys.executable} -m ipykernel install --sys-prefix"
    if not spec.is_file():
        return Diagnosis("kernel", "wrong", f"{spec} is missing", remedy)
    command = json.loads(spec.read_text(encoding="utf-8"))["argv"][0]
    # a bare name is looked up in the environment that starts it
    elsewhere = Path(command).is_absolute() and not Path(command).exists()
    if elsewhere:
        return Diagnosis("kernel", "wrong", f"python3 starts {command}, which has gone", remedy)
    return Diagnosis("kernel", "ok", f"ipykernel {metadata.version('ipykernel')}")


def datasets() -> Diagnosis:
    """Which benchmarks lie where `CFKD_DATA` says; what is in their folders is read by `run`."""
    readers = importlib.import_module("cfkd_core.datasets.readers")
    variable = readers.ROOT_VARIABLE
    if variable not in os.environ:
        remedy = f"to use real benchmarks, name the folder above theirs: export {variable}=DIR"
        return Diagnosis("data sets", "note", f"synthetic; {variable} is not set", remedy)
    root = Path(os.environ[variable])
    if not root.is_dir():
        remedy = f"set {variable} to a folder, or unset it"
        return Diagnosis("data sets", "wrong", f"{variable}={root}: no such folder", remedy)
    folders = {each.folder: each for each in readers.READERS.values()}
    there = sorted(name for name in folders if (root / name).is_dir())
    absent = sorted(name for name in folders if name not in there and folders[name].home)
    found = f"synthetic and {', '.join(there) or 'nothing else'} in {root}"
    remedy = f"absent: {', '.join(absent)}; data/README.md says where to get them" if absent else ""
    return Diagnosis("data sets", "note" if absent else "ok", found, remedy)


def weights() -> Diagnosis:
    """The weights that ship, each by the SHA-256 on its card."""
    tensor_file = importlib.import_module("cfkd_core.models.tensor_file")
    whole_numbers = importlib.import_module("cfkd_core.models.whole_numbers")
    graphs = sorted(paths.WEIGHTS.glob(whole_numbers.CARDS))
    cards = set(paths.WEIGHTS.glob("*.json")) - set(graphs)
    names = sorted({*WEIGHTS, *(card.stem for card in cards)})
    try:
        for name in names:
            file = paths.WEIGHTS / f"{name}.safetensors"
            tensor_file.read_metadata(file)
            tensor_file.check_card(file)
        for graph in graphs:
            whole_numbers.read(graph)
    except InputError as error:
        seen = str(error).removesuffix(f"; {paths.RESTORE}")
        return Diagnosis("weights", "wrong", seen, paths.RESTORE)
    names = sorted([*names, *(graph.stem for graph in graphs)])
    return Diagnosis("weights", "ok", f"{', '.join(names)}: as their cards say")


def gpu() -> Diagnosis:
    """A graphics card, which only training at the thesis's size needs."""
    cuda = importlib.import_module("torch").cuda
    if not cuda.is_available():
        remedy = "tracking and the recipe mini need none; the recipe paper does"
        return Diagnosis("gpu", "note", "none that torch can use", remedy)
    card = cuda.get_device_properties(0)
    found = f"{card.name}, {card.total_memory / 1e9:.0f} GB"
    return Diagnosis("gpu", "ok", f"{cuda.device_count()} x {found}")


CHECKS: dict[str, Callable[[], Diagnosis]] = {
    "python": python,
    "disk": disk,
    "torch": torch,
    "opencv": opencv,
    "kernel": kernel,
    "data sets": datasets,
    "weights": weights,
    "gpu": gpu,
}
