"""What tests share: the oracles' folder, and one thread, so that timing and numbers are stable."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of oracles and videos that lies beside the repository, not in it."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("CFKD_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set CFKD_SHARED to the folder of oracles")
    return folder
