"""What the README promises of a first try."""

import subprocess
import sys
import time

import pytest


@pytest.mark.slow
def test_a_smoke_run_of_cfkd_takes_less_than_a_minute(tmp_path):
    """With the teacher that ships, on films that need no files; on an idle machine it is 20 s."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "cfkd_core", "train", "cfkd", "--smoke", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    seconds = time.perf_counter() - begin
    assert done.returncode == 0, done.stderr
    assert f"wrote {tmp_path / 'cfkd.safetensors'}" in done.stdout
    assert seconds < 60
