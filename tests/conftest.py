"""What tests share: the oracles' folder, and one thread, so that timing and numbers are stable."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)

# What looks at the checkout itself. The rest also passes on an installed wheel: see test_wheel.py.
_REPOSITORY = ["book", "test_book.py", "test_commands.py", "test_extending.py", "test_otb_dev.py"]
_REPOSITORY += ["test_project.py", "test_readme.py", "test_speed_records.py", "test_wheel.py"]
collect_ignore = [] if (Path(__file__).parents[1] / "book").is_dir() else _REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of oracles and videos that lies beside the repository, not in it."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("CFKD_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set CFKD_SHARED to the folder of oracles")
    return folder
