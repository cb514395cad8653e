"""What a check says of a claim."""

from dataclasses import dataclass
from typing import Literal, get_args

Verdict = Literal["reproduced", "contradicted", "undecidable"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Finding:
    """A verdict, and the numbers that it rests on.

    Attributes:
        verdict: "reproduced" if what the claim says comes out; "contradicted" if something else
            does; "undecidable" if what is at hand cannot tell.
        evidence: in a sentence, with numbers.
    """

    verdict: Verdict
    evidence: str


def decided(holds: bool, evidence: str) -> Finding:
    """Reproduced if it holds, contradicted if not."""
    return Finding("reproduced" if holds else "contradicted", evidence)


def as_printed(found: float, printed: str, evidence: str) -> Finding:
    """Reproduced if `found` rounds to what is printed, to the printed number of decimals."""
    decimals = len(printed.partition(".")[2])
    # half a unit of the last digit, and nothing for how a half is rounded
    return decided(abs(found - float(printed)) <= 0.5 * 10**-decimals + 1e-9, evidence)
