"""The claims in `data/claims.yml`: read, decided by their checks, and their verdicts recorded."""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cfkd_core import paths
from cfkd_core.claims import costs, equations, practice, printed, recorded
from cfkd_core.claims.finding import VERDICTS, Finding, Verdict
from cfkd_core.errors import InputError
from cfkd_core.files import write_text

FILE = paths.DATA / "claims.yml"

CHECKS: dict[str, Callable[..., Finding]] = {
    check.__name__: check
    for module in (costs, equations, practice, printed, recorded)
    for check in module.CHECKS
}
"""What a claim can be decided by, by name."""


@dataclass(frozen=True)
class Claim:
    """One statement of the thesis.

    Attributes:
        name: a handle, unique.
        part: of the thesis, in a word or two.
        says: the statement, in our words.
        place: page, and section, equation or table.
        check: name of what decides it, in `CHECKS`.
        verdict: what the check said when somebody last looked.
        arguments: what the check is given.
        needs: what would decide it, where nothing at hand does.
    """

    name: str
    part: str
    says: str
    place: str
    check: str
    verdict: Verdict
    arguments: Mapping[str, object] = field(default_factory=dict)
    needs: str = ""


def read(path: Path = FILE) -> tuple[Claim, ...]:
    """The claims of a file, in its order.

    Raises:
        InputError: if the file is missing, or a claim is incomplete, has another's name, or has no
            check that fits it.
    """
    if not path.is_file():
        raise InputError(f"{path}: no claims here; they come with a checkout of the project")
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    claims = tuple(_claim(entry, path) for entry in entries)
    names = [claim.name for claim in claims]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: two claims are called {name}; rename one")
    return claims


def _claim(entry: Mapping[str, Any], path: Path) -> Claim:
    name, verdict = (entry.get(key) for key in ("name", "verdict"))
    if verdict not in VERDICTS:
        choices = ", ".join(VERDICTS)
        raise InputError(f"{path}: {name}: verdict {verdict!r}: choose from {choices}")
    try:
        claim = Claim(**entry)
    except TypeError as error:
        raise InputError(f"{path}: {name}: {error}; see `Claim`") from None
    if claim.check not in CHECKS:
        known = ", ".join(CHECKS)
        raise InputError(f"{path}: {name}: no check {claim.check!r}; choose from {known}")
    try:
        inspect.signature(CHECKS[claim.check]).bind(**claim.arguments)
    except TypeError as error:
        raise InputError(f"{path}: {name}: {claim.check}: {error}") from None
    if claim.verdict == "undecidable" and not claim.needs:
        raise InputError(f"{path}: {name}: undecidable, so say under `needs` what it needs")
    return claim


def decide(claim: Claim) -> Finding:
    """What the claim's check says now."""
    return _decided(claim.check, json.dumps(claim.arguments))


@cache
def _decided(check: str, arguments: str) -> Finding:
    return CHECKS[check](**json.loads(arguments))


def record(findings: Mapping[str, Finding], path: Path = FILE) -> list[str]:
    """Writes new verdicts into the file, and leaves every other character as it is.

    Args:
        findings: by name of the claim.

    Returns:
        Names of the claims whose verdict has changed.
    """
    text, changed = path.read_text(encoding="utf-8"), []
    for claim in read(path):
        verdict = findings[claim.name].verdict if claim.name in findings else claim.verdict
        if verdict != claim.verdict:
            entry = rf"(- name: {re.escape(claim.name)}\n(?:  .*\n)*?  verdict: )\w+"
            text = re.sub(entry, rf"\g<1>{verdict}", text)
            changed.append(claim.name)
    write_text(path, text)
    return changed
