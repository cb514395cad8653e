"""The claims in `data/claims.yml`: each has a check that fits, and its verdict is recorded."""

import numpy as np
import pytest

from cfkd_core.claims import claim
from cfkd_core.claims.claim import CHECKS, decide, read, record
from cfkd_core.claims.finding import VERDICTS, Finding, as_printed, decided
from cfkd_core.errors import InputError

CLAIMS = read()


def test_there_are_enough_claims_of_every_verdict():
    assert len(CLAIMS) >= 40
    assert {each.verdict for each in CLAIMS} == set(VERDICTS)


def test_every_check_decides_a_claim():
    assert {each.check for each in CLAIMS} == set(CHECKS)


@pytest.mark.parametrize("each", CLAIMS, ids=lambda each: each.name)
def test_the_recorded_verdict_is_what_the_check_says(each):
    finding = decide(each)
    assert finding.verdict == each.verdict, (
        f"{finding.evidence}; if that is right: python -m cfkd_core.claims --record"
    )
    assert finding.evidence
    assert "nan" not in finding.evidence
    # what may become undecidable, when a record is missing, must say what it would need
    if each.check in ("ordering", "loses_at_most", "fewer_rivals"):
        assert each.needs


ENTRY = """# a comment that stays
- name: first
  part: method
  says: One.
  place: p. 1
  check: separable_share
  verdict: reproduced

- name: second
  part: method
  says: Two,
    on two lines.
  place: p. 2
  check: smooth_l1
  verdict: reproduced
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "claims.yml"
    path.write_text(ENTRY)
    return path


def test_a_new_verdict_is_written_and_nothing_else(file):
    assert record({"second": Finding("contradicted", "")}, file) == ["second"]
    head, tail = ENTRY.rsplit("verdict: reproduced", 1)
    assert file.read_text() == f"{head}verdict: contradicted{tail}"
    assert record({"second": Finding("contradicted", "")}, file) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("check: smooth_l1", "check: rough_l1", "no check 'rough_l1'"),
        ("check: smooth_l1", "check: smooth_l1\n  arguments: {beta: 1}", "unexpected keyword"),
        ("name: second", "name: first", "two claims are called first"),
        ("  place: p. 2\n", "", "place"),
        ("  place: p. 2\n", "  place: p. 2\n  page: 2\n", "page"),
        ("smooth_l1\n  verdict: reproduced", "smooth_l1\n  verdict: true", "verdict True"),
        ("smooth_l1\n  verdict: reproduced", "smooth_l1\n  verdict: undecidable", "needs"),
    ],
)
def test_an_entry_that_cannot_be_decided_is_refused(file, old, new, message):
    file.write_text(ENTRY.replace(old, new))
    with pytest.raises(InputError, match=message):
        read(file)


def test_a_decision_is_made_once(monkeypatch):
    made = []

    def counting(times: int) -> Finding:
        made.append(times)
        return decided(True, "counted")

    monkeypatch.setitem(CHECKS, "counting", counting)
    one = claim.Claim("n", "p", "s", "here", "counting", "reproduced", {"times": 3})
    assert decide(one) == decide(one) == Finding("reproduced", "counted")
    assert made == [3]


@pytest.mark.parametrize(
    ("found", "printed", "verdict"),
    [
        (0.3338, "0.33", "reproduced"),
        (0.335, "0.33", "reproduced"),
        (0.3351, "0.33", "contradicted"),
        (3.5446, "3.35", "contradicted"),
        (109.4, "109", "reproduced"),
        (109.6, "109", "contradicted"),
    ],
)
def test_a_number_must_round_to_what_is_printed(found, printed, verdict):
    assert as_printed(found, printed, "").verdict == verdict


def test_an_ordering_without_runs_is_not_decided():
    finding = CHECKS["ordering"](better="matom", worse="nobody")
    assert finding.verdict == "undecidable"
    assert "nobody" in finding.evidence
    assert "matom" not in finding.evidence


def test_the_table_decides_what_the_text_says_of_it():
    change = CHECKS["change"]
    arguments = {"number": 1, "index": "model", "column": "fps_cpu", "rows": ["ATOM", "mATOM"]}
    assert change(**arguments, percent=122.0, tolerance=0.5).verdict == "reproduced"
    found = change(**arguments, percent=200.0, tolerance=10.0)
    assert found.verdict == "contradicted"
    assert f"{100 * (20 / 9 - 1):+.1f} %" in found.evidence
    assert np.isclose(100 * (20 / 9 - 1), 122.2, atol=0.1)
