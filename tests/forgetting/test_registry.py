"""Methods of other packages: found by their entry points, in every process."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from unlearn_core.errors import UserError
from unlearn_core.forgetting.methods.neggrad import NegGrad
from unlearn_core.forgetting.registry import methods, register

PLUG_IN = """
from dataclasses import replace

from unlearn_core.forgetting.methods.neggrad import NegGrad


class Louder(NegGrad):
    entry = replace(NegGrad.entry, name="louder", title="Louder")
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Install three plug-ins for other processes: one works, one cannot be imported, and one exits."""
    (tmp_path / "louder.py").write_text(PLUG_IN, encoding="utf-8")
    (tmp_path / "leaver.py").write_text("import sys\n\nsys.exit('I have no licence')\n", encoding="utf-8")
    about = tmp_path / "louder-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: louder\nVersion: 1.0\n", encoding="utf-8")
    points = "[unlearn_lens.methods]\nlouder = louder:Louder\nbroken = not_there:Method\n"
    points += "leaves = leaver:Method\n"
    (about / "entry_points.txt").write_text(points, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}


def test_a_method_of_another_package_is_offered_and_forgets(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "unlearn_core"]
    catalog = subprocess.run([*command, "catalog", "--json"], env=environment, capture_output=True, text=True)
    named = {method["name"]: method for method in json.loads(catalog.stdout)["methods"]}
    assert named["louder"]["target"] == "louder:Louder"
    assert catalog.stderr.splitlines() == [
        "broken (not_there:Method) of louder is left out: ModuleNotFoundError: No module named 'not_there'.",
        "leaves (leaver:Method) of louder is left out: SystemExit: I have no licence.",
    ]
    asked = ["forget", "--method", "louder", "--pick", "hardest:1", "--max-steps", "1", "--json"]
    done = subprocess.run([*command, *asked], env=environment, capture_output=True, text=True)
    assert json.loads(done.stdout)["method"] == "louder", done.stderr


def test_a_registered_method_is_listed_and_no_name_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlearn_core.forgetting.registry._registered", {})
    with pytest.raises(UserError, match="There is a method neggrad already"):
        register(NegGrad)
    assert [entry.name for entry in methods()].count("neggrad") == 1


def test_a_method_that_is_registered_again_replaces_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlearn_core.forgetting.registry._registered", {})
    for title in ("First", "Second"):
        entry = replace(NegGrad.entry, name="again", title=title)
        register(type("Again", (NegGrad,), {"entry": entry}))
    assert [entry.title for entry in methods() if entry.name == "again"] == ["Second"]
