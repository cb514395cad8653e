"""Draws the moving picture of the README: mATOM on three films of the synthetic benchmark.

python book/picture.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

import cfkd_core
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.figures.tracking import film_frame
from cfkd_core.tracking.tracker import track

FILMS = ("syn_turn_helmet", "syn_light_face", "syn_occlusion_cat")
TARGET = Path(__file__).parent / "_static" / "tracking.webp"


def main() -> None:
    """Every second frame of each film, side by side: the tracker's box and the true one."""
    tracker = cfkd_core.load_tracker("matom")
    films = []
    for sequence in synthetic_sequences(FILMS):
        found = track(tracker, sequence.frames, sequence.boxes[0]).boxes
        boxes = zip(sequence.frames, found, sequence.boxes, strict=True)
        films.append(
            [
                film_frame(frame, {"student": box, "ground_truth": truth}, None, scale=1)
                for frame, box, truth in boxes
            ][::2]
        )
    gap = np.full((films[0][0].shape[0], 6, 3), 255, np.uint8)
    pictures = [
        Image.fromarray(np.hstack([frames[0], gap, frames[1], gap, frames[2]]))
        for frames in zip(*films, strict=False)
    ]
    pictures[0].save(
        TARGET, save_all=True, append_images=pictures[1:], duration=80, loop=0, quality=55, method=6
    )


if __name__ == "__main__":
    main()
