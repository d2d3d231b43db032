"""The commands `match` and `add images`: numbers, classes of one name, and what is left out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.commands.main import main


@pytest.fixture
def numbered(tmp_path: Path) -> str:
    """Return a folder with a few digits, counted from 1."""
    digits = load_images("mnist", Wanted("digits", 1, 28, tuple("0123456789"), ()))
    for digit in (3, 5):
        folder = tmp_path / "digits" / str(digit + 1)
        folder.mkdir(parents=True)
        for place in np.flatnonzero(digits.labels == digit)[:3]:
            Image.fromarray(digits.pixels[place].squeeze()).save(folder / f"{place}.png")
    return f"folder:{tmp_path / 'digits'}"


def test_numbers_are_counted_as_measured_or_as_said(
    numbered: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def match(*arguments: str) -> str:
        assert main(["match", "--images", numbered, *arguments]) == 0
        return capsys.readouterr().out

    rows = match().splitlines()
    assert [row.split() for row in rows[:2]] == [["4", "3", "number"], ["6", "5", "number"]]
    assert rows[2] == (
        "The classes are numbers and are counted from 1: so the classifier is right for 100.0% of a sample, "
        "otherwise for 0.0% from 0."
    )
    assert [row["class"] for row in json.loads(match("--json", "--numbers", "from-0"))] == ["4", "6"]
    assert [row["class"] for row in json.loads(match("--json", "--set", "6=#9"))] == ["4", "9"]
    assert [row["class"] for row in json.loads(match("--json", "--reset"))] == ["3", "5"]


def test_that_a_reading_changes_nothing_is_said(
    numbered: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set" / "crane").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "set" / "crane" / "1.png")
    named = f"folder:{tmp_path / 'set'}"
    for images, reading in ((named, "from-1"), (numbered, "in-order")):
        assert main(["match", "--images", images, "--numbers", reading]) == 0
        assert capsys.readouterr().err == (
            f"--numbers {reading} changes nothing: the classes of {images} cannot be counted so.\n"
        )
    assert main(["match", "--images", numbered, "--numbers", "from-1"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("kind", "name", "prefix"), [("images", "t.CSV", "csv"), ("classifier", "n.pt", "file")]
)
def test_a_file_without_what_stands_before_it_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, name: str, prefix: str
) -> None:
    path = tmp_path / name
    path.write_text("path,label\n", encoding="utf-8")
    assert main(["add", kind, str(path)]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.endswith(f": write {prefix}:{path}.")


def test_a_class_that_shares_its_name_is_named_by_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set" / "crane").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "set" / "crane" / "1.png")
    known = ["match", "--classifier", "imagenet-efficientnet-lite0", "--images", f"folder:{tmp_path / 'set'}"]
    assert main([*known, "--set", "crane=crane"]) == 2
    assert "2 classes 'crane': name one by its number, #134 and #517" in capsys.readouterr().err
    assert main([*known, "--set", "crane=#517"]) == 0
    assert capsys.readouterr().out.split() == ["crane", "crane", "(#517)", "you"]


def test_what_is_left_out_is_printed_and_a_name_is_derived(
    own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "My Pets (1)"
    (folder / "cat").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(folder / "cat" / "good.png")
    for number in range(4):
        (folder / "cat" / f"{number}.png").write_bytes(b"no picture")
    for name in ("My-Pets-1", "My-Pets-1 2"):
        assert main(["add", "images", str(folder)]) == 0
        first, count, *reasons, where = capsys.readouterr().out.splitlines()
        assert (first, count) == (f"{name}: 1 pictures of 1 classes", "4 of 5 were left out:")
        assert [reason.split()[0] for reason in reasons] == ["cat/0.png", "cat/1.png", "cat/2.png"]
        listed = Path(where.removeprefix("All are listed in ").removesuffix("."))
        assert len(listed.read_text(encoding="utf-8").splitlines()) == 5
