"""Sequences and trackers in the names of files."""

import pytest

from cfkd_core.benchmarks.names import SequenceNames
from cfkd_core.datasets.readers import official

OTB = SequenceNames(official.names("otb"))
UAV = SequenceNames(official.names("uav123"))


@pytest.mark.parametrize(
    ("names", "stem", "expected"),
    [
        (OTB, "Jogging_1", ("Jogging.1", "")),  # PyTracking
        (OTB, "Jogging-1", ("Jogging.1", "")),  # PySOT
        (OTB, "jogging_1", ("Jogging.1", "")),  # PySOT's other spelling
        (OTB, "jogging-1_KCF_LinearHog", ("Jogging.1", "KCF_LinearHog")),  # OTB
        (OTB, "Jogging_1_siamfc3s", ("Jogging.1", "siamfc3s")),  # CFNet
        (OTB, "Skating2_2_siamfc3s", ("Skating2.2", "siamfc3s")),
        (OTB, "Human4_2_siamfc3s", ("Human4.2", "siamfc3s")),
        (OTB, "Human4-2", ("Human4.2", "")),
        (OTB, "Car24_SAMF", ("Car24", "SAMF")),  # not Car2, nor Car1
        (UAV, "person1_KCF", ("person1", "KCF")),
        (UAV, "person1_s_KCF", ("person1_s", "KCF")),
        (UAV, "person1_s", ("person1_s", "")),
        (UAV, "group1_2", ("group1_2", "")),
    ],
)
def test_the_longest_name_is_found(names, stem, expected):
    assert names.match(stem) == expected


@pytest.mark.parametrize("stem", ["Jogging", "Jogging_KCF", "Human4", "README", "Car240", ""])
def test_what_is_no_sequence_is_none(stem):
    assert OTB.match(stem) is None


def test_names_that_differ_in_separators_alone_must_be_met_exactly():
    names = SequenceNames(["a-b", "a_b"])
    assert names.match("a-b") == ("a-b", "")
    assert names.match("a_b_KCF") == ("a_b", "KCF")
    assert names.match("a.b") is None
