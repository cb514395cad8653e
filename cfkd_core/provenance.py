"""Which code on which machine made a file: what cards and records say of themselves."""

import platform
import subprocess
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def commit(folder: Path = _PACKAGE) -> str | None:
    """The commit of the checkout around `folder`, "+" appended if files differ from it.

    None without git, or outside a checkout.
    """
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


def processor() -> str:
    """The processor's own name where the system tells it, else that of its kind."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
