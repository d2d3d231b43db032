"""What is said of files and folders of an image set that are not what they may seem."""

import shutil
from pathlib import Path

import pytest

from tests.catalog.folders import SMALL, folder, found
from unlearn_core.catalog.sources.folders import folder_source
from unlearn_core.catalog.sources.look_through import look_through
from unlearn_core.errors import UserError


def test_pictures_without_a_class_are_counted(tmp_path: Path) -> None:
    source = folder_source(folder(tmp_path / "set", "cat/1.png", "dog/1.png", "stray.png"))
    assert source.notes == ("1 of 3 pictures has no class: stray.png.",)
    source = folder_source(folder(tmp_path / "set", "a stray.png"))
    assert source.notes == ("2 of 4 pictures have no class, the first is a stray.png.",)
    assert folder_source(folder(tmp_path / "new", "1.png", "2.png")).notes == ()


@pytest.mark.parametrize("around", ["", "pets/"])
def test_a_few_files_hide_no_classes_in_names(tmp_path: Path, around: str) -> None:
    names = [f"{around}{one}.{number}.png" for one in ("cat", "dog") for number in range(10)]
    source = folder_source(folder(tmp_path / "set", *names, f"{around}readme.png"))
    assert source.class_names == ("cat", "dog")
    assert found(source)[f"{around}readme.png"] == ("", False)
    assert source.notes[1] == f"1 of 21 pictures has no class: {around}readme.png."
    more = folder_source(folder(tmp_path / "set", f"{around}other.png"))
    assert more.class_names == (("pets",) if around else ())


def test_folders_that_all_classes_have_may_be_the_classes(tmp_path: Path) -> None:
    kinds = [f"{kind}/{one}/1.png" for kind in ("color", "grayscale") for one in ("rust", "scab")]
    source = folder_source(folder(tmp_path / "set", *kinds))
    assert source.class_names == ("color", "grayscale")
    (note,) = source.notes
    assert note.startswith("The classes are the outer folders, such as color; each of them has the same")
    (note,) = folder_source(folder(tmp_path / "set", "color/spot/1.png")).notes
    assert note.startswith(
        "The classes are the outer folders, such as color; nearly each of them has the same"
    )
    other = folder_source(folder(tmp_path / "set", *(f"grayscale/{n}/1.png" for n in range(4))))
    assert other.notes == ()
    split = [f"{one}/{part}/1.png" for one in ("cat", "dog") for part in ("train", "test")]
    assert folder_source(folder(tmp_path / "split", *split)).notes == ()


def test_endings_with_more_after_them_are_counted(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "cat/1.jpg", "dog/2.jpg", "cat/3.jpg_large", "dog/4.png ")
    assert folder_source(root).notes == ("2 files of other kinds (.jpg_large, .png ) were not read.",)


def test_masks_are_left_out(tmp_path: Path) -> None:
    """COVID-19 radiography, breast ultrasound, and pictures of faces in masks, which are none."""
    lungs = [f"{one}/{kind}/1.png" for one in ("COVID", "Normal") for kind in ("images", "masks")]
    source = folder_source(folder(tmp_path / "lungs", *lungs))
    assert found(source) == {f"{one}/images/1.png": (one, False) for one in ("COVID", "Normal")}
    assert source.left_out[0] == ("COVID/masks/1.png", "COVID/masks/1.png is a mask of another picture.")
    assert source.notes == ()
    breast = ("benign/benign (1).png", "benign/benign (1)_mask.png", "benign/benign (1)_mask_1.png")
    assert folder_source(folder(tmp_path / "breast", *breast)).names == breast[:1]
    faces = ("with_mask/with_mask_1.png", "without_mask/without_mask_1.png", "masks/1.png", "face/1.png")
    assert folder_source(folder(tmp_path / "faces", *faces)).left_out == ()


def test_files_of_other_kinds_are_counted(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "cat/1.jpg", "dog/1.JPE")
    for name in ("LICENSE", "notes.txt", "cat/labels.csv", "cat/Thumbs.db"):
        (root / name).write_text("no picture", encoding="utf-8")
    assert (len(folder_source(root).ids), folder_source(root).notes) == (2, ())
    (root / "cat/2.dcm").write_bytes(b"no picture")
    assert folder_source(root).notes == ("1 file of another kind (.dcm) was not read.",)
    (root / "cat/3.dcm").write_bytes(b"no picture")
    (root / "dog/2").write_bytes(SMALL)
    (root / "more.zip").write_bytes(b"no picture")
    words = "4 files of other kinds (.dcm, .zip, no ending) were not read."
    packed = Path(shutil.make_archive(str(tmp_path / "set"), "zip", root))
    assert folder_source(root).notes == folder_source(packed).notes == (words,)
    for ending in ("h5", "jp2", "tga"):
        (root / f"a.{ending}").write_bytes(b"no picture")
    words = "7 files of other kinds (.dcm, .h5, .jp2, .tga, .zip, …) were not read."
    assert folder_source(root).notes == (words,)


def test_what_is_there_instead_of_pictures_is_said(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    (root / "train.zip").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r", but archives such as train\.zip: unpack them first\.$"):
        folder_source(root)
    (root / "train.zip").rename(root / "1.dcm")
    with pytest.raises(
        UserError, match=r"^There are no pictures .*: 1 file of another kind \(\.dcm\) was not read\.$"
    ):
        folder_source(root)


def test_a_folder_of_other_files_beside_class_folders_is_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "cat/1.png", "dog/1.png")
    (root / "docs").mkdir()
    (root / "docs/index.html").write_text("no picture", encoding="utf-8")
    notes = look_through(f"folder:{root}", None)[0]["notes"]
    assert notes == ["The folder docs beside the class folders has no pictures."]
    (root / "scripts/old").mkdir(parents=True)
    (root / "scripts/old/run.py").write_text("", encoding="utf-8")
    words = "2 folders beside the class folders have no pictures, the first is docs."
    assert folder_source(root).notes == (words,)
    (root / "mouse").mkdir()
    with pytest.raises(UserError, match="The class folder mouse has no pictures"):
        look_through(f"folder:{root}", None)
