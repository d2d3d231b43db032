"""A home that version 0.1.0 left behind is read by the library and goes on at the command line."""

import json
import math
import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.old_home import (
    CARDS,
    CLASSIFIER,
    ENDS,
    FAILED,
    FIRST,
    FORGOTTEN,
    IMAGES,
    INTERRUPTED,
    NAMES,
    OTHER,
    SECOND,
    STEPS,
    unpack,
)
from unlearn_core import load_classifier, load_images
from unlearn_core.artifacts.predictions import FORGET, read_comparison
from unlearn_core.artifacts.weight_maps import read_weight_maps
from unlearn_core.store.runs import Store
from unlearn_core.store.snapshots import read_snapshots

EACH_FINISHED = pytest.mark.parametrize("run", list(CARDS), ids=[NAMES[one] for one in CARDS])

Call = Callable[..., str]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = unpack(tmp_path)
    monkeypatch.setenv("UNLEARN_HOME", str(home))
    return home


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call the command line in this process and return what it prints; it must end well."""

    def call(*arguments: str) -> str:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["unlearn_core", *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("unlearn_core", run_name="__main__")
        printed = capfd.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    return call


def distance(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> float:
    return math.sqrt(sum((one[name].double() - other[name].double()).square().sum().item() for name in other))


@EACH_FINISHED
def test_the_library_reads_every_file_of_a_run(own_home: Path, run: str) -> None:
    kept = Store(own_home).get(run)
    request, result = kept.parsed_request(), kept.parsed_result()
    assert result is not None
    assert (kept.name, request.classifier, request.images) == (NAMES[run], CLASSIFIER, IMAGES)
    assert (sorted(result.ids), result.steps) == (FORGOTTEN[run], STEPS[run])
    folder = own_home / "runs" / run
    assert len(Store(own_home).steps(run)) == result.steps + 1
    comparison = read_comparison(folder)
    chosen = comparison.in_group(FORGET)
    assert comparison.ids[chosen].tolist() == FORGOTTEN[run]
    assert (comparison.after[chosen] != comparison.labels[chosen]).all()
    maps = read_weight_maps(folder)
    assert len(maps.layers) == len(maps.importance) == len(maps.change) > 10
    assert any(change.any() for change in maps.change)
    classifier = load_classifier(CLASSIFIER)
    started_from, ended_at = folder / "start.safetensors", load_file(folder / "weights.safetensors")
    start = load_file(started_from) if started_from.exists() else classifier.module.state_dict()
    snapshots = dict(read_snapshots(folder / "snapshots", start))
    assert list(snapshots) == list(range(result.steps + 1))
    assert distance(snapshots[result.steps], ended_at) < 0.9 * distance(start, ended_at)
    classifier.load_weights(folder / "weights.safetensors")
    pictures = load_images(IMAGES, classifier)
    rows = np.searchsorted(pictures.ids, comparison.ids)
    pixels = torch.from_numpy(pictures.pixels[rows]).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        said = classifier.module.eval()(pixels).argmax(1)
    assert (said.numpy() == comparison.after).mean() > 0.95


def test_the_command_line_lists_and_compares(call: Call) -> None:
    catalog = json.loads(call("catalog", "--json"))
    assert CLASSIFIER in [entry["name"] for entry in catalog["classifiers"]]
    assert {IMAGES, "pets"} <= {entry["name"] for entry in catalog["images"]}
    lines = call("runs", "list").splitlines()
    assert [line.split()[0] for line in lines] == [INTERRUPTED, FAILED, SECOND, OTHER, FIRST]
    shown = json.loads(call("runs", "show", SECOND))
    assert (shown["request"]["after"], shown["result"]["earlier"][0]["run"]) == (FIRST, FIRST)
    assert json.loads(call("runs", "show", FAILED))["error"] == ENDS[FAILED]
    compared = json.loads(call("compare", *CARDS, "--json"))
    assert [line["accuracy"]["retain"] for line in compared["runs"]] == [100.0, 89.13, 58.14]
    assert "D_r 58.14%" in call("compare", FIRST, SECOND)
    matched = json.loads(call("match", "--classifier", CLASSIFIER, "--images", IMAGES, "--json"))
    assert {"own": "three corners", "class": "triangle", "by": "you"} in matched


@EACH_FINISHED
def test_maps_made_anew_are_those_that_were_made_then(
    own_home: Path, call: Call, tmp_path: Path, run: str
) -> None:
    (measured,) = (own_home / "runs" / run / "attributions").iterdir()
    with np.load(measured) as kept:
        ids, maps = kept["ids"].tolist(), {when: kept[when] for when in ("before", "after")}
    measured.unlink()
    call("attribute", run, "--ids", ",".join(map(str, ids)), "--out", str(tmp_path / "maps"))
    for when, of_then in maps.items():
        files = [tmp_path / "maps" / f"{one}-integrated-gradients-{when}.npy" for one in ids]
        np.testing.assert_allclose(
            np.stack([np.load(file) for file in files]), of_then, rtol=0, atol=0.01 * abs(of_then).max()
        )


def test_the_command_line_goes_on_from_an_old_run(call: Call) -> None:
    asked = ("forget", "--classifier", CLASSIFIER, "--images", IMAGES, "--after", SECOND)
    result = json.loads(call(*asked, "--pick", "ids:20,30", "--method", "neggrad", "--json"))
    assert [one["run"] for one in result["earlier"]] == [FIRST, SECOND]
    assert result["accuracy"]["forget"]["after"] == 0
    call("runs", "delete", FAILED)
    assert FAILED not in call("runs", "list")
