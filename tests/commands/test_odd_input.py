"""Input that a person hardly types, and outputs that nobody reads: one sentence or nothing, no traceback."""

import os
import subprocess
import sys

import pytest

from unlearn_core import __version__
from unlearn_core.commands.main import main
from unlearn_core.store.runs import Store

NOT_TEXT = os.fsdecode(b"\xff\xfe")


@pytest.mark.parametrize(
    "arguments",
    [
        ("forget", "--classifier", NOT_TEXT),
        ("forget", "--images", f"folder:/tmp/{NOT_TEXT}"),
        ("forget", "--name", NOT_TEXT),
        ("runs", "show", NOT_TEXT),
        ("remove", NOT_TEXT),
    ],
    ids=ascii,
)
def test_bytes_that_are_not_text_are_one_sentence(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("unlearn_core: The argument b'")
    assert said.endswith(r"\xff\xfe' is not text in UTF-8." + "\n")
    assert Store().runs() == []


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one sentence of a command that is refused."""
    assert main(arguments) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert Store().runs() == []
    return sentence.removeprefix("unlearn_core: ")


def test_a_port_that_cannot_be_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "app", "--port", "99999")
    assert said == "There is no port 99999: choose one from 1 to 65535."


@pytest.mark.parametrize("name", ["folder:", "csv:", "utkface:", "utkface:tens:"])
def test_a_source_without_a_path_is_not_the_current_folder(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = f"{name} needs a path, as in {name}PATH."
    assert refused(capsys, "forget", "--images", name) == sentence
    assert refused(capsys, "add", "images", name, "--name", "here") == sentence


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"unlearn_core {__version__}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no broken pipes")
def test_a_reader_that_leaves_early_ends_it_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "unlearn_core", "catalog"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("forget", "--after", "nope"), "There is no run nope."),
        (("remove", "mnist"), "mnist comes with the program or a package: it cannot be removed."),
        (
            ("remove", "mnist-resnet"),
            "mnist-resnet comes with the program or a package: it cannot be removed.",
        ),
        (("remove", "nothing"), "There is no custom classifier or added image set nothing."),
        (("forget", "--option", "margin=1", "--option", "margin=2"), "The option margin is given twice."),
        (("forget", "--depth", "deep", "--option", "depth=0"), "Give --depth or --option depth, not both."),
        (("forget", "--new-label", "0=3"), "--new-label needs --goal relabel."),
        (
            ("forget", "--goal", "relabel", "--new-label", "3=4", "--new-label", "3=5"),
            "The new label of picture 3 is given twice.",
        ),
        (
            (
                "attribute",
                "00000000",
                "--ids",
                "3",
                "--out",
                "no",
                "--algorithm",
                "saliency",
                "--patches",
                "4",
            ),
            "saliency has no setting patches.",
        ),
        (
            ("forget", "--goal", "relabel", "--method", "jit"),
            "JiT cannot relabel pictures: choose misclassify or another method.",
        ),
        (
            ("reference", "mnist-resnet", "--out", "found"),
            "--out must name a file that ends in .npz, not found.",
        ),
        (
            ("reference", "mnist-resnet", "--out", "README.md/found.npz"),
            "README.md/found.npz cannot be written.",
        ),
        (
            ("train", "mnist-resnet", "--out", "README.md/net.safetensors"),
            "README.md/net.safetensors cannot be written.",
        ),
    ],
)
def test_the_sentence_says_what_is_wrong(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *arguments) == sentence
