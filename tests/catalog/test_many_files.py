"""The short form of `benchmarks.sources`: what it makes is found, and no work grows with the square of it."""

import zipfile
from pathlib import Path

import pytest

from benchmarks.sources import CLASSES, jpegs, make_zip, measure
from unlearn_core.catalog.image_sets import Wanted, load_images


@pytest.fixture(autouse=True)
def _keep_home(monkeypatch: pytest.MonkeyPatch) -> None:
    # The benchmark sets it.
    monkeypatch.setenv("UNLEARN_HOME", "")


@pytest.mark.parametrize(
    ("what", "classes"), [("folder", CLASSES), ("zip", CLASSES), ("csv", CLASSES), ("imagenet", 40)]
)
def test_all_files_of_the_benchmark_are_found(what: str, classes: int) -> None:
    result = measure({"what": what, "pictures": 40})
    assert (result["pictures"], result["classes"]) == (40, classes)


def test_an_archive_is_opened_once_for_all_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, file: Path) -> None:
            opened.append(file)
            super().__init__(file)

    made = make_zip(tmp_path / "many.zip", 300)
    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    images = load_images(f"folder:{made}", Wanted("any", 3, 32, ("class 0",), ()))
    assert len(images.ids) == 300
    assert len(opened) <= 3


def test_the_pictures_of_the_benchmark_are_different() -> None:
    assert len({data for _, data in jpegs(20)}) == 20
