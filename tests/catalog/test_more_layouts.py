"""Folders as data sets and systems leave them: copies, parts, masks, wastebaskets, and links to nowhere."""

import sys
from pathlib import Path

import pytest

from tests.catalog.folders import folder, found
from unlearn_core.catalog.sources.folders import folder_fingerprint, folder_source
from unlearn_core.errors import UserError

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


def classes_of(root: Path, *names: str, **tables: str) -> dict[str, str]:
    source = folder_source(folder(root, *names, **tables))
    return {name: label for name, (label, _) in found(source).items()}


def test_a_copy_of_all_class_folders_inside_them_is_left_out(tmp_path: Path) -> None:
    names = [f"{top}{of}/{n}.jpg" for top in ("", "cells/") for of in ("ill", "well") for n in range(2)]
    source = folder_source(folder(tmp_path, *(f"cells/{name}" for name in names)))
    assert source.class_names == ("ill", "well")
    assert len(source.ids) == len(source.left_out) == 4
    assert source.left_out[0][1] == "cells/cells/ill/0.jpg is in a copy of the folders beside cells."


def test_a_test_set_with_the_same_names_is_no_copy(tmp_path: Path) -> None:
    names = [f"{top}{of}/{n}.jpg" for top in ("", "test/") for of in ("ill", "well") for n in range(2)]
    source = folder_source(folder(tmp_path, *names))
    assert not source.left_out


def test_what_systems_put_beside_pictures_is_none(tmp_path: Path) -> None:
    names = ("cat/1.jpg", "cat/@eaDir/1.jpg/thumb.jpg", "dog/2.jpg", "$RECYCLE.BIN/3.jpg", "lost+found/4.jpg")
    assert classes_of(tmp_path, *names) == {"cat/1.jpg": "cat", "dog/2.jpg": "dog"}


def test_folders_of_training_input_are_a_split(tmp_path: Path) -> None:
    names = ("ISIC_2019_Training_Input/1.jpg", "ISIC_2019_Training_Input/2.jpg", "ISIC_2019_Test_Input/3.jpg")
    table = {"ISIC_2019_Training_GroundTruth.csv": "image,MEL,NV\n1,1,0\n2,0,1\n"}
    source = folder_source(folder(tmp_path, *names, **table))
    assert sorted(found(source).values()) == [("", True), ("MEL", False), ("NV", False)]


@pytest.mark.parametrize("part", ["images_00{}", "batch_{}", "part{}"])
def test_numbered_parts_are_no_classes(tmp_path: Path, part: str) -> None:
    names = [f"{part.format(n)}/images/{n}.jpg" for n in (1, 2)]
    table = {"Data_Entry.csv": "Image Index,Finding Labels\n1.jpg,Mass\n2.jpg,Nodule\n"}
    assert sorted(classes_of(tmp_path, *names, **table).values()) == ["Mass", "Nodule"]


def test_masks_in_the_same_place_of_another_folder_are_left_out(tmp_path: Path) -> None:
    birds = ("001.Albatross/a", "002.Auklet/b")
    names = [f"{top}/{bird}" for top in ("CUB/images", "segmentations") for bird in birds]
    source = folder_source(folder(tmp_path, *(f"{name}.jpg" for name in names)))
    assert source.class_names == ("001.Albatross", "002.Auklet")
    assert len(source.left_out) == 2


@needs_links
def test_links_to_nowhere_are_counted(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "cat/1.jpg", "dog/2.jpg")
    (root / "cat" / "annexed.jpg").symlink_to("/nowhere/at/all.jpg")
    source = folder_source(root)
    assert len(source.pictures) == 3
    assert folder_fingerprint(root)
    with pytest.raises(OSError, match="No such file"):
        source.pictures[1].read()


@needs_links
def test_a_link_to_the_folder_itself_is_no_class(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "cat/1.jpg", "dog/2.jpg")
    (root / "latest").symlink_to(root)
    assert folder_source(root).class_names == ("cat", "dog")


@pytest.mark.parametrize("path", ["/kaggle/input/pets/{}", r"C:\me\pets\{}", "https://example.org/pets/{}"])
def test_full_paths_in_a_table_mean_pictures_of_the_same_name(tmp_path: Path, path: str) -> None:
    rows = "".join(f"{path.format(f'{n}.jpg')},{of}\n" for n, of in ((1, "cat"), (2, "dog")))
    labels = classes_of(tmp_path, "photos/1.jpg", "photos/2.jpg", **{"labels.csv": f"path,label\n{rows}"})
    assert labels == {"photos/1.jpg": "cat", "photos/2.jpg": "dog"}


@pytest.mark.skipif(sys.platform != "linux", reason="folders of one spelling may be one there")
def test_letters_of_both_cases_are_two_classes_and_words_are_not(tmp_path: Path) -> None:
    assert folder_source(folder(tmp_path / "a", "A/1.jpg", "a/2.jpg")).class_names == ("A", "a")
    with pytest.raises(UserError, match="Two classes have the same name: Cat and cat"):
        folder_source(folder(tmp_path / "b", "Cat/1.jpg", "cat/2.jpg"))


def test_that_folders_in_class_folders_may_be_the_classes_is_said(tmp_path: Path) -> None:
    whole = [f"{patient}/{of}/1.jpg" for patient in (10253, 10254, 10255) for of in (0, 1)]
    names = [*whole[:-1], "10255/0/2.jpg"]
    (note,) = folder_source(folder(tmp_path / "set", *names)).notes
    said = "The classes are the outer folders, such as 10253; nearly each of them has the same folders in it"
    assert note.startswith(said)


def test_that_test_pictures_have_other_classes_is_said(tmp_path: Path) -> None:
    source = folder_source(
        folder(tmp_path / "set", "train/cat/1.jpg", "train/dog/2.jpg", "test/0/3.jpg", "test/1/4.jpg")
    )
    assert source.notes == ("No class of the test pictures, such as 0, is one of the training pictures.",)
