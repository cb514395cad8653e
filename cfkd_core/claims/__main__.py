"""Decides all claims; `python -m cfkd_core.claims --record` also writes their verdicts down."""

import sys

from cfkd_core.claims.claim import decide, read, record


def main() -> int:
    """Prints each claim's verdict and evidence; 1 if a verdict is not the recorded one."""
    claims = read()
    findings = {}
    for claim in claims:
        findings[claim.name] = finding = decide(claim)
        mark = "" if finding.verdict == claim.verdict else f"  (recorded: {claim.verdict})"
        print(f"{finding.verdict:12}  {claim.name}: {finding.evidence}{mark}", flush=True)
    if "--record" in sys.argv[1:]:
        changed = record(findings)
        print(f"changed: {', '.join(changed) or 'none'}")
        return 0
    return int(any(findings[claim.name].verdict != claim.verdict for claim in claims))


if __name__ == "__main__":
    raise SystemExit(main())
