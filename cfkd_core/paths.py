"""Where the files that ship with the project are, in a checkout and in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_data"

DATA = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "data"
WEIGHTS = DATA / "weights"
THESIS = DATA / "thesis"

RESTORE = (
    "it comes with the project: pip install --force-reinstall --no-deps cfkd"
    if DATA == _INSTALLED
    else "it comes with the project: git checkout -- data"
)
"""What to do about a file that has gone."""
