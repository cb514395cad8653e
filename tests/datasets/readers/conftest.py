"""Small data sets, written as the real ones are."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def write_images() -> Callable:
    """Writes numbered images of 4 x 4 px; the grey level tells which frame was read."""

    def write(
        folder: Path,
        numbers: Iterable[int],
        digits: int = 8,
        suffix: str = ".png",
        size: tuple[int, int] = (4, 4),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            image = np.full((*size[::-1], 3), number % 200, np.uint8)
            cv2.imwrite(str(folder / f"{number:0{digits}d}{suffix}"), image)

    return write


@pytest.fixture
def write_text() -> Callable:
    """Writes a file and the folders above it."""

    def write(path: Path, text: str | bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return write
