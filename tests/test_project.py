"""What the project says of itself, in several places, is the same."""

import re
import tomllib
from pathlib import Path

import yaml

import cfkd_core

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = re.findall(r"^## (\d\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert {PROJECT["project"]["version"], citation["version"], changes[0]} == {
        cfkd_core.__version__
    }


def test_the_citation_has_what_its_format_asks_for():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "title", "message", "authors", "references"} <= set(citation)
    assert citation["license"] == PROJECT["project"]["license"]


def test_the_workflow_runs_what_ci_runs_and_keeps_the_book():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert ".ci/run" in [step.get("run") for step in job["steps"]]
    uses = {step["uses"].partition("@")[0]: step["with"] for step in job["steps"] if "with" in step}
    assert uses["actions/upload-artifact"]["path"] == "build/html"
    assert uses["actions/cache"]["path"] == ".venv"
    for file in re.findall(r"'([\w.]+\.\w+)'", uses["actions/cache"]["key"]):
        assert (ROOT / file).is_file()


def test_mypy_passes_over_no_module():
    assert "overrides" not in PROJECT["tool"]["mypy"]


def test_every_data_set_that_can_be_named_has_its_terms():
    from cfkd_core.datasets.readers import BENCHMARKS

    statement = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert [name for name in BENCHMARKS if f"`{name}`" not in statement] == []
    for folder in (ROOT / "data").iterdir():
        if folder.name != "README.md":
            assert folder.name in statement
