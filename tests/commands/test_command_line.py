"""The command line as a person calls it: where starting it is what counts, in a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.finished import FinishedRun
from tests.made import write_reference
from tests.quick import QUICK
from tests.waiting import wait_until
from unlearn_core.artifacts.predictions import read_comparison
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.commands.forget import _cancel_beside
from unlearn_core.commands.main import main
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

ROOT = Path(__file__).parents[2]
QUICKLY = [part for name, value in QUICK.items() for part in ("--option", f"{name}={value}")]


Called = subprocess.CompletedProcess[str]


def call_apart(*arguments: str) -> Called:
    """Call it in a process of its own."""
    command = [sys.executable, "-m", "unlearn_core", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """Call it in this process, which saves the seconds that torch takes to import."""

    def here(*arguments: str) -> Called:
        capfd.readouterr()
        code = main(arguments)
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return here


def test_an_interrupted_run_is_resumed(store: Store, call: Callable[..., Called]) -> None:
    run = store.create(ForgetRequest(pick="ids:3,14", options=QUICK))
    refused = call("runs", "resume", run.id)
    assert (refused.returncode, "There is no interrupted run" in refused.stderr) == (2, True)
    store.end(run.id, RunState.INTERRUPTED, "The program ended before this run did.")
    resumed = call("runs", "resume", run.id, "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["run"] == run.id
    assert store.get(run.id).state == RunState.DONE


def test_forget_prints_one_object_and_keeps_the_run(own_home: Path, call: Callable[..., Called]) -> None:
    arguments = ("forget", "--pick", "hardest:4", "--seed", "3", "--json", "--name", "four", *QUICKLY)
    done = call_apart(*arguments)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    names = "run classifier images method goal device seed k ids accuracy agreement seconds steps stopped"
    names += " after earlier retained_used frontier depth never_seen remarks"
    assert " ".join(result) == names
    assert result["k"] == len(result["ids"]) == 4
    assert result["accuracy"]["forget"] == {"before": 75.0, "after": 0.0, "n": 4}
    assert result["accuracy"]["retain"]["n"] == 3996
    assert result["accuracy"]["test"]["n"] == 1000
    assert set(result["seconds"]) == {"load", "attack", "importance", "optimise", "measure", "total"}
    assert result["stopped"] == "forgotten"
    assert "step" in done.stderr

    listed = json.loads(call("runs", "list", "--json").stdout)
    assert [(run["id"], run["name"], run["state"]) for run in listed] == [(result["run"], "four", "done")]
    assert json.loads(call("runs", "show", result["run"]).stdout)["result"] == result

    again = json.loads(call(*arguments).stdout)
    for changing in ("run", "seconds"):
        del again[changing], result[changing]
    assert again == result

    runs = [run["id"] for run in json.loads(call("runs", "list", "--json").stdout)]
    compared = json.loads(call("compare", *runs, "--json").stdout)
    assert [line["run"] for line in compared["runs"]] == runs
    assert compared["agreement"] == [[100.0, 100.0], [100.0, 100.0]]
    out = own_home / "maps"
    written = call(
        "attribute", runs[0], "--ids", "3,14", "--algorithm", "occlusion", "--patches", "4", "--out", str(out)
    )
    assert written.returncode == 0, written.stderr
    assert len(list(out.glob("*.npy"))) == len(list(out.glob("*.png"))) == 6
    maps = []
    for target in ("contrast", "3-8", "8-3"):
        folder = out / target
        written = call("attribute", runs[0], "--ids", "3", "--target", target, "--out", str(folder))
        assert written.returncode == 0, written.stderr
        maps.append(np.load(folder / f"3-integrated-gradients-{target}-before.npy"))
    assert maps[1].any()
    np.testing.assert_array_equal(maps[1], -maps[2])
    arguments = ("--ids", "3", "--algorithm", "saliency", "--target", "3-8", "--out", str(out))
    assert "Saliency has no sign" in call("attribute", runs[0], *arguments).stderr

    assert call("runs", "delete", listed[0]["id"]).returncode == 0
    assert not (own_home / "runs" / listed[0]["id"]).exists()


def test_what_is_memorised_is_picked_and_compared(
    finished_run: FinishedRun, call: Callable[..., Called]
) -> None:
    known = read_comparison(finished_run.store.folder(finished_run.run_id))
    write_reference(known.ids[100:110], known.labels[100:110], unrecognised=[103, 107])
    done = call("forget", "--pick", "memorised:2", "--json", *QUICKLY)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert sorted(result["ids"]) == [103, 107]
    assert result["never_seen"]["recognised"] == 50
    done = call("forget", "--pick", "memorised:11", *QUICKLY)
    assert done.returncode == 2
    assert "asks for 11 pictures, but there are only" in done.stderr


def test_relabelling_gives_every_picture_its_new_label(call: Callable[..., Called]) -> None:
    done = call(
        "forget", "--pick", "ids:0,500", "--goal", "relabel", "--new-label", "0=7", "--json", *QUICKLY
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["accuracy"]["forget"]["after"] == 0
    assert result["stopped"] == "forgotten"


def test_the_catalog_as_an_object() -> None:
    content = json.loads(call_apart("catalog", "--json").stdout)
    assert "mnist-resnet" in [entry["name"] for entry in content["classifiers"]]
    assert "anchor" in [entry["name"] for entry in content["methods"]]
    facts = {one["name"]: one for one in (*content["classifiers"], *content["images"])}
    assert all(one["licence"] and one["source"] and one["megabytes"] for one in facts.values())
    assert (facts["mnist"]["on_disk"], facts["cifar100"]["on_disk"]) == (True, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("forget", "--classifier", "vgg"),
        ("forget", "--images", "cats"),
        ("forget", "--images", "folder:/nowhere"),
        ("forget", "--method", "magic"),
        ("forget", "--pick", "everything"),
        ("forget", "--pick", "ids:"),
        ("forget", "--pick", "random:5000"),
        ("forget", "--pick", "ids:4999999"),
        ("forget", "--pick", "class:ten:3"),
        ("forget", "--pick", "memorised:most"),
        ("forget", "--option", "speed=3"),
        ("forget", "--goal", "relabel", "--new-label", "a=3"),
        ("forget", "--goal", "relabel", "--new-label", "3=nan"),
        ("forget", "--goal", "relabel", "--new-label", "3=1.5"),
        ("forget", "--option", "margin=wide"),
        ("forget", "--seed", "-1"),
        ("forget", "--device", "abacus"),
        ("forget", "--new-label", "3=8", "--goal", "relabel", "--pick", "ids:4"),
        ("runs", "show", "00000000"),
        ("runs", "delete", "../../etc"),
        ("train", "vgg"),
        ("reference", "vgg"),
        ("compare", "00000000"),
        ("attribute", "00000000", "--ids", "3", "--out", "nowhere"),
        ("attribute", "00000000", "--ids", "three", "--out", "nowhere"),
        ("attribute", "00000000", "--ids", "3", "--out", "nowhere", "--patches", "1"),
        ("attribute", "00000000", "--ids", "3", "--out", "nowhere", "--target", "3-8"),
        ("forget", "--strength", "2"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    call: Callable[..., Called], arguments: tuple[str, ...]
) -> None:
    done = call(*arguments)
    assert not Path("nowhere").exists()
    assert done.returncode == 2
    assert done.stdout == ""
    sentences = [line for line in done.stderr.splitlines() if line.startswith("unlearn_core: ")]
    assert len(sentences) == 1, done.stderr
    assert Store().runs() == []


def test_bad_input_ends_the_process_without_a_traceback() -> None:
    done = call_apart("forget", "--pick", "random:5000")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("unlearn_core: ")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_notebook_needs_four_lines() -> None:
    program = """
from unlearn_core import load_classifier, load_images, unlearn
classifier = load_classifier("mnist-resnet")
images = load_images("mnist", classifier)
options = {"examples": 64, "inversions": 0, "settling": 0, "anchor_batch": 16}
print(unlearn(classifier, images, pick="hardest:2", options=options).result.accuracy.forget.after)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "0.0", done.stderr


def test_bring_a_classifier_and_pictures_and_forget_with_them(
    call: Callable[..., Called], own_home: Path, tmp_path: Path
) -> None:
    for name in ("cat/1.png", "dog/2.png", "cat/3.png"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((40, 40), 80).convert("RGB").save(tmp_path / "pets" / name)
    # With the mark that editors of Windows write at the start of a file.
    (tmp_path / "names.txt").write_text("cat\nwolf\nfish\n", encoding="utf-8-sig")
    added = call(
        *(
            "add",
            "classifier",
            "timm:resnet10t:random",
            "--classes",
            "3",
            "--input-size",
            "32",
            "--name",
            "net",
        ),
        *("--class-names", str(tmp_path / "names.txt")),
    )
    assert (added.returncode, added.stdout) == (0, "net\n"), added.stderr
    assert call("add", "images", str(tmp_path / "pets"), "--name", "pets").returncode == 0
    overrides = call("match", "--classifier", "net", "--images", "pets", "--set", "dog=wolf", "--json")
    assert [(row["own"], row["class"], row["by"]) for row in json.loads(overrides.stdout)] == [
        ("cat", "cat", "name"),
        ("dog", "wolf", "you"),
    ]
    catalog = json.loads(call("catalog", "--json").stdout)
    assert "net" in [entry["name"] for entry in catalog["classifiers"]]
    assert "pets" in [entry["name"] for entry in catalog["images"]]
    request = ("forget", "--classifier", "net", "--images", "pets", "--pick", "random:1", "--max-steps", "2")
    done = call(*request, "--json", *QUICKLY)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["classifier"], result["images"], result["accuracy"]["retain"]["n"]) == ("net", "pets", 2)
    refused = call("remove", "net")
    assert refused.returncode == 2
    assert f"Run {result['run']}" in refused.stderr
    unknown = call("forget", "--classifier", "torchvision:resnet19")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("unlearn_core: torchvision has no classifier resnet19; do you mean")


def test_a_file_of_the_same_name_is_not_taken_for_another(
    call: Callable[..., Called], own_home: Path, tmp_path: Path
) -> None:
    files = []
    for classes in (3, 4):
        path = tmp_path / str(classes) / "net.pt"
        path.parent.mkdir()
        torch.save(seeded("timm:resnet10t", classes, 3, None).state_dict(), path)
        files.append(f"file:{path}")
    quickly = ("--images", "photos", "--pick", "ids:0", "--max-steps", "1", *QUICKLY)
    assert call(
        "add", "classifier", files[0], "--architecture", "timm:resnet10t", "--input-size", "32"
    ).stdout
    assert call("forget", "--classifier", files[0], *quickly).returncode == 0
    other = call("forget", "--classifier", files[1], *quickly)
    assert (other.returncode, other.stderr) == (
        2,
        "unlearn_core: There is already a classifier net with other weights: add yours under another name.\n",
    )


def test_ctrl_c_while_the_database_is_being_written_cancels(store: Store) -> None:
    run = store.create(ForgetRequest())
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, lambda _signal, _frame: _cancel_beside(store, run.id))
        with store._alone():
            # Handled in this thread, which has the lock.
            signal.raise_signal(signal.SIGINT)
            assert not store.cancel_requested(run.id)
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until(lambda: store.cancel_requested(run.id))
