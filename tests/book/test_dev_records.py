"""Scores in the cards of the weights: those of the recorded runs."""

import json
import sys
from pathlib import Path

import pytest

from cfkd_core import paths
from cfkd_core.benchmarks import records
from cfkd_core.models import tensor_file

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))

import dev_records

pytestmark = pytest.mark.repository


def test_scores_are_means_over_the_seeds():
    runs = [run.scores["success_auc"] for run in records.runs("matom").values()]
    found = dev_records.scores("matom")
    assert found["otb_dev"]["seeds"] == len(runs) >= 3
    assert found["otb_dev"]["success_auc"] == pytest.approx(sum(runs) / len(runs), abs=1e-4)
    assert found["uav_dev"]["precision_at_20"] > 0
    assert dev_records.scores("nobody") == {}


def test_every_card_has_the_scores_that_were_recorded():
    files = {path.stem: path for path in paths.WEIGHTS.glob("*.safetensors")}
    recorded = {name: found for name in files if (found := dev_records.scores(name))}
    assert len(recorded) > 15
    for name, found in recorded.items():
        assert tensor_file.read_card(files[name])["scores"] == found, name


def test_a_card_gets_its_scores_and_keeps_the_rest(tmp_path):
    path = tmp_path / "matom.safetensors"
    path.write_bytes(b"")
    tensor_file.card_path(path).write_text(json.dumps({"name": "matom", "sha256": "0"}))
    dev_records.note_scores(tmp_path)
    card = tensor_file.read_card(path)
    assert card["scores"] == dev_records.scores("matom")
    assert (card["name"], card["sha256"]) == ("matom", "0")
