"""An annotated video in files: what anybody's own video with boxes looks like."""

from pathlib import Path

import pandas as pd

from cfkd_core import files
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.datasets.video import write_video

# The synthetic films were made to be looked at at this rate.
FPS = 25.0


def write_film(sequence: Sequence, path: Path) -> Path:
    """Writes the frames to `path` (.mp4, .avi) and the boxes to a table of the same name.

    `readers.own` reads both again. Encoding loses detail: the film is for trying things, not for
    scores that are compared.

    Returns:
        Where the table is.
    """
    with write_video(path, FPS) as write:
        for frame in sequence.frames:
            write(frame)
    table = pd.DataFrame(sequence.boxes, columns=["x", "y", "w", "h"]).rename_axis("frame")
    boxes = path.with_suffix(".csv")
    files.write_text(boxes, table.to_csv(float_format="%.4f"))
    return boxes
