"""Layouts in which data sets are published, and the names that other systems write."""

import csv
import shutil
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog.folders import SMALL, folder, found
from tests.catalog.hostile import NOISE, encoded
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.records.image_set_record import LEFT_OUT, added_folder, read_left_out
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.catalog.sources.folders import folder_source
from unlearn_core.catalog.sources.layouts import places
from unlearn_core.catalog.sources.placing import placed
from unlearn_core.catalog.sources.resolve_source import image_source
from unlearn_core.errors import UserError


@pytest.mark.parametrize(
    "expected",
    [
        # Intel's scenes: prefixes, a folder in a folder, and pictures to predict.
        {
            "seg_train/seg_train/sea/1.jpg": ("sea", False),
            "seg_train/seg_train/forest/1.jpg": ("forest", False),
            "seg_test/seg_test/sea/1.jpg": ("sea", True),
            "seg_pred/seg_pred/1.jpg": ("", True),
        },
        {
            "training_set/training_set/cats/1.jpg": ("cats", False),
            "test_set/test_set/cats/1.jpg": ("cats", True),
        },
        # The traffic signs of GTSRB: Meta is beside the split.
        {
            "Train/0/1.png": ("0", False),
            "Train/10/1.png": ("10", False),
            "Test/00000.png": ("", True),
            "Meta/0.png": None,
        },
        {
            "chest_xray/chest_xray/train/NORMAL/1.jpeg": ("NORMAL", False),
            "chest_xray/chest_xray/val/NORMAL/1.jpeg": ("NORMAL", True),
        },
        {"train2017/1.jpg": ("", False), "val2017/1.jpg": ("", True)},
        {"train/images/cat/1.jpg": ("cat", False), "test/images/cat/1.jpg": ("cat", True)},
        # Classes above the split, and several sets with a split each.
        {
            "cat/train/1.jpg": ("cat", False),
            "cat/test/1.jpg": ("cat", True),
            "dog/train/1.jpg": ("dog", False),
        },
        {"a/train/cat/1.jpg": ("cat", False), "b/val/cat/1.jpg": ("cat", True)},
        # Folders in classes, as ImageFolder reads them.
        {
            "cats/young/1.jpg": ("cats", False),
            "cats/old/1.jpg": ("cats", False),
            "dogs/old/1.jpg": ("dogs", False),
        },
        {"animals/cat/1.jpg": ("cat", False), "animals/dog/1.jpg": ("dog", False), "stray.jpg": ("", False)},
        # A cross-validation, and VOC.
        {
            "fold1/cat/1.jpg": ("cat", False),
            "fold1/dog/1.jpg": ("dog", False),
            "fold2/cat/1.jpg": ("cat", False),
        },
        {"fold1/1.jpg": ("fold1", False), "fold2/cat/1.jpg": ("fold2", False)},
        {"JPEGImages/1.jpg": ("", False)},
        # Trains are no split, and neither is a folder in one class.
        {"bus/1.jpg": ("bus", False), "train/1.jpg": ("train", False)},
        {"bullet train/1.jpg": ("bullet train", False), "steam train/1.jpg": ("steam train", False)},
        {"cat/1.jpg": ("cat", False), "dog/1.jpg": ("dog", False), "dog/test/1.jpg": ("dog", False)},
        {"cat/1.jpg": ("cat", False)},
        {"meta/1.jpg": ("meta", False), "prediction/1.jpg": ("prediction", False)},
        {
            "ILSVRC/Data/CLS-LOC/train/n01440764/1.JPEG": ("n01440764", False),
            "ILSVRC/Data/CLS-LOC/val/1.JPEG": ("", True),
        },
    ],
)
def test_the_class_is_the_first_folder_below_the_split(expected: dict[str, tuple[str, bool] | None]) -> None:
    by_name = dict(zip(expected, places(list(expected), {}), strict=True))
    assert {name: one and (one.class_name, one.is_test) for name, one in by_name.items()} == expected


FOLDERS = st.sampled_from(
    [
        *("train", "test", "seg_test", "meta", "images", "cat", "1", "x_pred", "dev", "train_mini", "part 1"),
        *("masks", "labels", "val_masks", "train_labels", "train station", "data"),
    ]
) | st.text(max_size=3)


@settings(max_examples=100, deadline=None)
@given(folders=st.lists(st.lists(FOLDERS, max_size=5), min_size=1, max_size=12))
def test_whatever_the_folders_are_not_all_pictures_are_left_out(folders: list[list[str]]) -> None:
    names = ["/".join([*one, "1.jpg"]) for one in folders]
    found = placed(names, [])
    assert found.places
    assert found.places.keys() ^ found.left_out.keys() == set(names)


@pytest.mark.parametrize("packed", [False, True])
def test_tiny_imagenet_as_it_is_downloaded(tmp_path: Path, packed: bool) -> None:
    root = folder(
        tmp_path / "tiny",
        *(f"train/n0{one}443537/images/n0{one}443537_0.JPEG" for one in "12"),
        *("val/images/val_0.JPEG", "val/images/val_1.JPEG", "test/images/test_0.JPEG"),
    )
    lines = "val_0.JPEG\tn02443537\t0\t0\t62\t57\nval_1.JPEG\tn01443537\n"
    (root / "val/val_annotations.txt").write_text(lines, encoding="utf-8")
    path = Path(shutil.make_archive(str(root), "zip", root)) if packed else root
    assert found(folder_source(path)) == {
        "test/images/test_0.JPEG": ("", True),
        "train/n01443537/images/n01443537_0.JPEG": ("n01443537", False),
        "train/n02443537/images/n02443537_0.JPEG": ("n02443537", False),
        "val/images/val_0.JPEG": ("n02443537", True),
        "val/images/val_1.JPEG": ("n01443537", True),
    }


def test_classes_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    source = folder_source(folder(tmp_path, *(f"{number}/1.png" for number in range(12))))
    assert source.class_names == tuple(map(str, range(12)))


def test_links_to_class_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    pool = folder(tmp_path / "pool", "cat/1.png", "dog/1.png")
    subset = tmp_path / "subset"
    subset.mkdir()
    for name in ("cat", "dog"):
        (subset / name).symlink_to(pool / name)
    (pool / "cat" / "again").symlink_to(subset)
    (pool / "dog" / "nowhere").symlink_to(tmp_path / "nowhere")
    (subset / "itself").symlink_to("itself")
    name = f"folder:{subset}"
    assert found(image_source(name)) == {"cat/1.png": ("cat", False), "dog/1.png": ("dog", False)}
    assert len(load_images(name, Wanted("any", 3, 8, ("cat", "dog"), ())).ids) == 2
    folder(pool, "cat/2.png")
    assert len(load_images(name, Wanted("any", 3, 8, ("cat", "dog"), ())).ids) == 3


class Raw(zipfile.ZipInfo):
    """A member whose name is written byte by byte, without the flag of UTF-8."""

    def __init__(self, name: bytes) -> None:
        super().__init__(f"x{name!r}")
        self.raw = name

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.raw, self.flag_bits & ~0x800


def archive(path: Path, *names: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name in names:
            opened.writestr(Raw(name), SMALL)
    return path


@pytest.mark.parametrize(
    ("names", "encoding", "classes", "guessed"),
    [
        ([r"animals\cat\1.png", r"animals\dog\1.png"], "ascii", ("cat", "dog"), ""),
        (["./cat/1.png", ".//dog/1.png", "./.hidden/1.png"], "ascii", ("cat", "dog"), ""),
        (["кошка/1.png", "собака/1.png"], "cp866", ("кошка", "собака"), "cp866"),
        (["Ёж №1/1.png"], "cp866", ("Ёж №1",), "cp866"),
        (["Käse/1.png", "Übung/1.png"], "cp437", ("Käse", "Übung"), "cp437"),
        (["coração/1.png"], "cp850", ("coração",), "cp850"),
        (
            [unicodedata.normalize("NFD", "Café/1.png"), "猫/1.png", "__MACOSX/猫/._1.png"],
            "utf-8",
            ("Café", "猫"),
            "",
        ),
    ],
)
def test_an_archive_of_any_system(
    tmp_path: Path, names: list[str], encoding: str, classes: tuple[str, ...], guessed: str
) -> None:
    source = folder_source(archive(tmp_path / "any.zip", *(name.encode(encoding) for name in names)))
    assert source.class_names == classes
    assert [one.read() for one in source.pictures if not isinstance(one, np.ndarray)] == [SMALL] * len(
        source.ids
    )
    assert [guessed in note for note in source.notes] == ([True] if guessed else [])


def test_a_class_that_only_the_test_pictures_spell_in_another_case_is_the_same(tmp_path: Path) -> None:
    source = image_source(f"folder:{folder(tmp_path, 'Train/Cat/1.png', 'test/cat/1.png', 'test/cat/2.png')}")
    assert source.class_names == ("Cat",)
    assert found(source)["test/cat/2.png"] == ("Cat", True)
    assert source.notes == ("The test pictures of cat are of the class Cat.",)
    folder(tmp_path, "Train/cat/1.png")
    with pytest.raises(UserError, match="Two classes have the same name: Cat and cat"):
        image_source(f"folder:{tmp_path}")


def test_what_cannot_be_read_is_left_out_counted_and_listed(own_home: Path, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", "train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "meta/1.png")
    (root / "train/cat/2.png").write_bytes(b"no picture")
    record = add_image_set(own_home, "pets", f"folder:{root}")
    assert (record.pictures, record.left_out, record.class_names) == (3, 2, ("cat", "dog"))
    with (added_folder(own_home, "pets") / LEFT_OUT).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["file", "meta/1.png", "train/cat/2.png"]
    assert "is not a picture" in rows[2][1]
    (note,) = load_images("pets", Wanted("any", 3, 8, ("cat", "dog"), ())).notes
    assert note.startswith("2 of 5 pictures are left out, the first because meta/1.png is beside the folders")


def test_a_damaged_list_of_what_was_left_out_is_none(own_home: Path) -> None:
    path = added_folder(own_home, "pets") / LEFT_OUT
    path.parent.mkdir(parents=True)
    for data in (b"file,reason\none\n", b"\xff\xfe", b'"' * 3):
        path.write_bytes(data)
        assert read_left_out(own_home, "pets") == []


def test_a_damaged_picture_of_an_archive_is_left_out(own_home: Path, tmp_path: Path) -> None:
    path = archive(tmp_path / "pets.zip", b"cat/1.png", b"dog/1.png")
    data = bytearray(path.read_bytes())
    data[50:60] = bytes(10)
    path.write_bytes(data)
    record = add_image_set(own_home, "pets", "", uploaded=path)
    assert (record.pictures, record.left_out) == (1, 1)


def test_links_that_multiply_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlearn_core.catalog.sources.walk.MOST_FOLDERS", 50)
    for one in "abcdef":
        for other in "abcdef":
            (tmp_path / one).mkdir(exist_ok=True)
            (tmp_path / one / other).symlink_to(tmp_path / other)
    (tmp_path / "a" / "1.png").write_bytes(encoded(NOISE))
    with pytest.raises(UserError, match="more than 50 folders, with those behind links"):
        folder_source(tmp_path)
