"""docs/extend.md: its own code runs, here, as a package of somebody else, and as a page of the app."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from pages.shared.links import PAGES, PageLink
from tests.forgetting.tiny import tiny_task
from tests.made import result
from tests.run_folder import write_predictions
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.entries import classifier_entry, fitting_image_sets
from unlearn_core.catalog.sources import registry as image_sets
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.measuring.attribution import registry as algorithms
from unlearn_core.measuring.attribution.explain import attribute
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
FILES = ("gentle", "rise", "small_digits")


def blocks(section: str) -> list[str]:
    """Return the Python blocks of a section."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture(autouse=True)
def nothing_stays_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(algorithms, "_registered", {})
    monkeypatch.setattr(image_sets, "_registered", {})


def test_the_method_of_the_page_forgets() -> None:
    file, notebook = blocks("An unlearning method")
    cells: dict[str, Any] = {"__name__": "gentle"}
    exec(file, cells)
    gentle = cells["Gentle"]
    loop = ForgettingLoop(gentle(gentle.entry.complete({"learning_rate": 0.01})), tiny_task(k=2), 200)
    assert list(loop)
    assert loop.stopped == "forgotten"
    exec(notebook, cells)
    assert cells["outcome"].result.accuracy.forget.after == 0


def test_the_algorithm_of_the_page_explains() -> None:
    file, choice, notebook = blocks("An attribution algorithm")
    cells: dict[str, Any] = {}
    exec(file, cells)
    exec(choice, cells)
    assert cells["HIDDEN"].of({"hidden": cells["HIDDEN"].check("noise")}) == "noise"
    for _ in range(2):
        exec(notebook, cells)
    assert cells["maps"].shape == (4, 28, 28)
    linear = nn.Linear(28 * 28, 2).requires_grad_(False)
    # The first class's score is how bright the upper left quarter is, and nothing else.
    linear.bias.copy_(torch.tensor([-4.0, 0.0]))
    linear.weight.zero_()[0].view(28, 28)[:14, :14] = 8 / 14**2
    module = nn.Sequential(nn.Flatten(), linear).eval()
    classifier = Classifier("linear", module, ("a", "b"), (), 1, 28, ())
    pixels, targets = torch.ones(2, 1, 28, 28), torch.tensor([0, 1])
    maps = attribute(classifier, pixels, targets, "rise", settings={"masks": 50})
    quarter, opposite = maps[:, 2:12, 2:12].mean((1, 2)), maps[:, 16:26, 16:26].mean((1, 2))
    assert quarter[0] > 1.1 * opposite[0]
    assert quarter[1] < opposite[1]
    again = attribute(classifier, pixels, targets, "rise", settings={"masks": 50})
    assert np.array_equal(maps, again)
    assert not np.array_equal(maps, attribute(classifier, pixels, targets, "rise"))
    assert [entry.name for entry in algorithms.offered("mnist-resnet")].count("rise") == 1


def test_the_image_set_of_the_page_can_be_forgotten() -> None:
    file, notebook = blocks("An image set")
    cells: dict[str, Any] = {"__name__": "small_digits"}
    exec(file, cells)
    for _ in range(2):
        exec(notebook, cells)
    digits = cells["digits"]
    assert digits.pixels.shape == (1797, 28, 28, 1)
    assert digits.is_test.sum() == 359
    assert np.bincount(digits.labels).min() >= 174
    assert cells["outcome"].result.accuracy.forget.after == 0
    fitting = [entry.name for entry in fitting_image_sets(classifier_entry("mnist-resnet"))]
    assert fitting.count("small-digits") == 1


@pytest.fixture
def package(tmp_path: Path) -> dict[str, str]:
    """Install the page's files as a package for other processes; return their environment."""
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    groups = tomllib.loads(toml)["project"]["entry-points"]
    (tmp_path / "my_package").mkdir()
    sections = ("An unlearning method", "An attribution algorithm", "An image set")
    for name, section in zip(FILES, sections, strict=True):
        (tmp_path / "my_package" / f"{name}.py").write_text(blocks(section)[0], encoding="utf-8")
    information = tmp_path / "my_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n", encoding="utf-8"
    )
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{point} = {target}" for point, target in points.items()))
    ]
    (information / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "300"}


def call(environment: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "unlearn_core", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


def test_a_package_with_the_files_of_the_page_adds_to_the_command_line(package: dict[str, str]) -> None:
    shown = call(package, "attribute", "--help")
    assert "guided-backprop, rise" in shown
    assert "--masks MASKS" in shown
    assert "from 0.1 to 0.9" in shown
    catalog = call(package, "catalog")
    assert "small-digits" in catalog
    assert "gentle" in catalog
    both = ("--method", "gentle", "--images", "small-digits")
    done = call(package, "forget", *both, "--option", "learning_rate=1e-3", "--pick", "random:1")
    assert "D_f" in done


def test_the_added_page_opens(tmp_path: Path, store: Store) -> None:
    (file,) = blocks("A page")
    (line,) = re.findall(r"```text\n(.*?),\n```", PAGE, re.DOTALL)
    added = eval(line.strip(), {"PageLink": PageLink})
    assert added.title not in [page.title for page in PAGES]
    path = tmp_path / added.file
    path.parent.mkdir(parents=True)
    path.write_text(file, encoding="utf-8")
    run = store.create(ForgetRequest())
    write_predictions(store.folder(run.id))
    store.finish(run.id, RunState.DONE, result=result(run=run.id))
    st.cache_resource.clear()
    app = AppTest.from_file(str(path), default_timeout=120)
    app.query_params["run"] = run.id
    app.run()
    assert not app.exception
    assert app.dataframe[0].value.to_dict("list") == {
        "picture": [100, 101],
        "before": ["cat", "dog"],
        "after": ["dog", "cat"],
    }
