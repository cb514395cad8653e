"""An annotated video in files: what anybody's own video with boxes looks like."""

from pathlib import Path

import pandas as pd

from cfkd_core import files
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.datasets.video import write_video
from cfkd_core.errors import InputError

# The synthetic films were made to be looked at at this rate.
FPS = 25.0


def write_film(sequence: Sequence, path: Path) -> Path:
    """Writes the frames to `path` (.mp4, .avi) and the boxes to a table of the same name.

    `readers.own` reads both again. Encoding loses detail: the film is for trying things, not for
    scores that are compared.

    Returns:
        Where the table is.

    Raises:
        InputError: if the table would replace one that is there without its film, or a place
            cannot be written.
    """
    boxes = path.with_suffix(".csv")
    if boxes.exists() and not path.exists():
        raise InputError(f"{boxes}: is there without {path.name}; name the film otherwise")
    with write_video(path, FPS) as write:
        for frame in sequence.frames:
            write(frame)
    table = pd.DataFrame(sequence.boxes, columns=["x", "y", "w", "h"]).rename_axis("frame")
    files.write_text(boxes, table.to_csv(float_format="%.4f"))
    return boxes
