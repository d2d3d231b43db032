"""docs/extend_algorithm.md: its own code runs, in a notebook and as a package of somebody else."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.measuring.attribution import registry
from unlearn_core.measuring.attribution.explain import attribute

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extend_algorithm.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_notebook_explains_by_the_algorithm_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    file, notebook = blocks("python")
    linear = nn.Linear(28 * 28, 2).requires_grad_(False)
    # The first class's score is how bright the upper left quarter is, and nothing else.
    linear.bias.copy_(torch.tensor([-4.0, 0.0]))
    linear.weight.zero_()[0].view(28, 28)[:14, :14] = 8 / 14**2
    module = nn.Sequential(nn.Flatten(), linear).eval()
    classifier = Classifier("linear", module, ("a", "b"), (), 1, 28, ())
    pixels, targets = torch.ones(2, 1, 28, 28), torch.tensor([0, 1])
    cells: dict[str, Any] = {"classifier": classifier, "pixels": pixels, "targets": targets}
    exec(file, cells)
    for _ in range(2):
        exec(notebook, cells)
    maps = cells["maps"]
    assert maps.shape == (2, 28, 28)
    quarter, opposite = maps[:, 2:12, 2:12].mean((1, 2)), maps[:, 16:26, 16:26].mean((1, 2))
    assert quarter[0] > 1.1 * opposite[0]
    assert quarter[1] < opposite[1]
    again = attribute(classifier, pixels, targets, "rise", settings={"masks": 50})
    assert np.array_equal(maps, again)
    assert not np.array_equal(maps, attribute(classifier, pixels, targets, "rise"))
    assert [entry.name for entry in registry.offered("mnist-resnet")].count("rise") == 1


def test_the_package_of_the_page_adds_to_the_command_line(tmp_path: Path) -> None:
    (toml,) = blocks("toml")
    points = tomllib.loads(toml)["project"]["entry-points"]
    ((group, named),) = points.items()
    ((point, target),) = named.items()
    module, _, _ = target.partition(":")
    file = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
    file.parent.mkdir()
    file.write_text(blocks("python")[0], encoding="utf-8")
    information = tmp_path / "my_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n", encoding="utf-8"
    )
    (information / "entry_points.txt").write_text(f"[{group}]\n{point} = {target}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "unlearn_core", "attribute", "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "guided-backprop, rise" in done.stdout
    assert "--masks MASKS" in done.stdout
    assert "from 0.1 to 0.9" in done.stdout
