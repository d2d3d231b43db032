"""Files for people who join: they agree with the project and with each other."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import unlearn_core

ROOT = Path(__file__).parents[1]
YAML = [ROOT / "CITATION.cff", ROOT / ".pre-commit-config.yaml", *sorted((ROOT / ".github").rglob("*.yml"))]


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_a_yaml_file_is_one(path: Path) -> None:
    assert isinstance(read(path), dict)


def test_the_citation_names_this_version_and_the_paper() -> None:
    citation = read(ROOT / "CITATION.cff")
    assert citation["version"] == unlearn_core.__version__
    (paper,) = citation["references"]
    assert [author["family-names"] for author in paper["authors"]] == [
        "Cha",
        "Cho",
        "Hwang",
        "Lee",
        "Moon",
        "Lee",
    ]
    assert paper["url"].endswith("2301.11578")


def test_the_changelog_has_this_version() -> None:
    version = unlearn_core.__version__.partition(".dev")[0]
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_public_workflow_runs_on_three_systems() -> None:
    job = read(ROOT / ".github" / "workflows" / "test.yml")["jobs"]["test"]
    assert job["strategy"]["matrix"]["system"] == ["ubuntu-latest", "windows-latest", "macos-latest"]
    assert any(step.get("run") == "bash .ci/run" for step in job["steps"])


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("x" * 71, ""),
        ("x" * 72, "The subject has 72 characters; keep it under 72."),
        ("Runs end\n\nBecause " + "x" * 100, ""),
        ("Runs end\nBecause", "The second line of a commit message stays empty."),
        ("# nothing but a comment\n", "The commit message has no subject."),
    ],
)
def test_the_subject_of_a_commit_is_short(message: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_text(message, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, ".ci/commit_subject.py", str(file)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stderr.strip() == sentence
    assert done.returncode == bool(sentence)
