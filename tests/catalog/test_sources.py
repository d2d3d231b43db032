"""Where pictures come from: tables, faces, torchvision's data sets, sets of one's own, large ones."""

import csv
import io
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unlearn_core.catalog import image_sets
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.catalog.sources.photos import SHIPPED
from unlearn_core.catalog.sources.resolve_source import image_source
from unlearn_core.errors import UserError

ANY = Wanted("any", 3, 16, ("cat", "dog"), ())


def picture(folder: Path, name: str, colour: str = "red") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), colour).save(path)
    return path


def table(folder: Path, *rows: tuple[str, ...]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    (folder / "table.csv").write_text(file.getvalue(), encoding="utf-8")
    return f"csv:{folder / 'table.csv'}"


def test_a_table_gives_labels_and_split(tmp_path: Path) -> None:
    for name in ("a.png", "below/b.png", "c.png"):
        picture(tmp_path, name)
    name = table(
        tmp_path,
        ("Path", "Label", "split"),
        ("a.png", "dog", "train"),
        ("below/b.png", "cat", "test"),
        ("c.png", "", ""),
    )
    images = load_images(name, ANY)
    assert images.files == ("a.png", "below/b.png", "c.png")
    assert images.labels.tolist() == [1, 0, -1]
    assert images.is_test.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([("path", "label")], "lists no pictures"),
        ([("file",), ("a.png",)], "needs a header with the columns path and label"),
        ([("path", "label"), ("a.png",)], "Line 2 of table.csv has 1 columns, not 2"),
        (
            [("path", "label"), ("missing.png", "cat")],
            "Line 2 of table.csv: no picture in or below its folder",
        ),
        ([("path", "label"), ("../out.png", "cat")], "no picture in or below its folder"),
        ([("path", "label"), ("/etc/passwd", "cat")], "no picture in or below its folder"),
        ([("path", "label"), ("", "cat")], "no picture in or below its folder"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path: Path, rows: list[tuple[str, ...]], sentence: str) -> None:
    picture(tmp_path / "set", "a.png")
    picture(tmp_path, "out.png")
    with pytest.raises(UserError, match=sentence):
        image_source(table(tmp_path / "set", *rows))


def test_faces_are_grouped_by_the_age_in_their_names(tmp_path: Path) -> None:
    ages = (0, 3, 4, 12, 13, 19, 45, 61, 116)
    for age in ages:
        picture(tmp_path, f"{age}_0_1_2017010{age % 10}.jpg")
    groups = image_source(f"utkface:{tmp_path}")
    by_age = {
        int(name.split("_")[0]): groups.class_names[one]
        for name, one in zip(groups.names, groups.classes, strict=True)
    }
    assert [by_age[age] for age in ages] == [
        *("0 to 3 years",) * 2,
        *("4 to 12 years",) * 2,
        *("13 to 19 years",) * 2,
        "31 to 45 years",
        *("61 years and older",) * 2,
    ]
    assert image_source(f"utkface:mfd:{tmp_path}").class_names == (
        "0 to 19 years",
        "20 to 40 years",
        "41 years and older",
    )
    picture(tmp_path / "faces", "face.jpg")
    with pytest.raises(UserError, match=r"face\.jpg does not begin with an age"):
        image_source(f"utkface:{tmp_path / 'faces'}")


def test_of_a_face_only_the_age_is_needed_and_one_without_is_left_out(tmp_path: Path) -> None:
    ages = {
        "25_0_1_20170116174525125.jpg": 25,
        "39_1_20170116174525125.jpg.chip.jpg": 39,
        "61_3_20170109150557335.jpg": 61,
        "53__0_20170116184028385.jpg": 53,
        "24_0_1_20170116220224657 .jpg": 24,
    }
    for name in (*ages, "face.jpg"):
        picture(tmp_path, name)
    faces = image_source(f"utkface:tens:{tmp_path}")
    found = dict(zip(faces.names, faces.classes.tolist(), strict=True))
    assert found == {name: (age - 1) // 10 for name, age in ages.items()}
    assert faces.left_out == (
        ("face.jpg", "face.jpg does not begin with an age, as in 25_0_1_20170116.jpg."),
    )
    # A picture that is left out leaves its number free: the others keep theirs when it is mended.
    assert faces.ids.tolist() == [0, 1, 2, 3, 4]


def test_torchvisions_folders_are_read_from_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARN_DATA_DIR", str(tmp_path))
    for part in ("train", "val"):
        for wordnet_id in (
            "n01440764",
            "n02102040",
            "n02979186",
            "n03000684",
            "n03028079",
            "n03394916",
            "n03417042",
            "n03425413",
            "n03445777",
            "n03888257",
        ):
            picture(tmp_path / "imagenette2-320" / part / wordnet_id, "1.JPEG")
    imagenette = image_source("imagenette")
    assert imagenette.is_test.tolist() == [False] * 10 + [True] * 10
    assert imagenette.class_names[0].startswith("tench")
    meta = {"n01440764": ("tench", "Tinca tinca"), "n01443537": ("goldfish",)}
    torch.save((meta, ["n01440764"]), tmp_path / "meta.bin")
    for part in ("train", "val"):
        for wordnet_id in meta:
            picture(tmp_path / part / wordnet_id, "1.JPEG")
    images = load_images("imagenet", Wanted("any", 3, 16, ("goldfish", "tench, Tinca tinca"), ()))
    assert images.labels.tolist() == [1, 0, 1, 0]
    base = tmp_path / "oxford-iiit-pet"
    for name in ("Abyssinian_1", "pug_2"):
        picture(base / "images", f"{name}.jpg")
    (base / "annotations").mkdir()
    for file in ("trainval", "test"):
        (base / "annotations" / f"{file}.txt").write_text(
            "Abyssinian_1 1 1 1\npug_2 2 2 1\n", encoding="utf-8"
        )
    pets = image_source("oxford-pets")
    assert pets.class_names == ("Abyssinian", "Pug")
    assert pets.classes.tolist() == [0, 1, 0, 1]


def test_a_set_that_is_not_there_says_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARN_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError, match="give the folder with train, val and meta"):
        image_source("imagenet")


def test_a_large_set_is_decoded_once_into_a_file(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, colour in enumerate(("red", "green", "blue")):
        picture(tmp_path / "cat", f"{place}.png", colour)
    in_memory = load_images(f"folder:{tmp_path}", ANY)
    monkeypatch.setattr(image_sets, "MOST_MEMORY", 1000)
    again = Wanted("again", 3, 16, ("cat", "dog"), ())
    mapped = load_images(f"folder:{tmp_path}", again)
    assert isinstance(mapped.pixels, np.memmap)
    assert np.array_equal(mapped.pixels, in_memory.pixels)
    (file,) = own_home.glob("cache/pixels/*")
    made = file.stat().st_mtime_ns
    load_images(f"folder:{tmp_path}", Wanted("third", 3, 16, ("cat", "dog"), ()))
    assert file.stat().st_mtime_ns == made


def test_a_set_of_many_files_is_decoded_once_too_where_there_is_room(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, colour in enumerate(("red", "green", "blue")):
        picture(tmp_path / "cat", f"{place}.png", colour)
    monkeypatch.setattr(image_sets, "MANY", 3)
    (own_home / "cache" / "pixels").write_text("in the way", encoding="utf-8")
    in_memory = load_images(f"folder:{tmp_path}", ANY)
    assert not isinstance(in_memory.pixels, np.memmap)
    (own_home / "cache" / "pixels").unlink()
    kept = load_images(f"folder:{tmp_path}", Wanted("kept", 3, 16, ("cat", "dog"), ()))
    assert isinstance(kept.pixels, np.memmap)
    assert np.array_equal(kept.pixels, in_memory.pixels)


def test_a_set_of_ones_own_gets_a_name(own_home: Path, tmp_path: Path) -> None:
    for name in ("cat/a.png", "dog/b.png"):
        picture(tmp_path / "set", name)
    record = add_image_set(own_home, "pets", f"folder:{tmp_path / 'set'}")
    assert (record.pictures, record.class_names) == (2, ("cat", "dog"))
    assert load_images("pets", ANY).labels.tolist() == [0, 1]
    for taken in ("pets", "mnist", "a:b", ".", "..", " .. ", "../pets", "/etc"):
        with pytest.raises(UserError, match=r"already|has no colon|A name must have"):
            add_image_set(own_home, taken, f"folder:{tmp_path / 'set'}")
    assert load_images("pets", ANY).labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("Cat/x.png", "Two classes have the same name: Cat and cat"),
        ("empty", "The class folder empty has no pictures"),
    ],
)
def test_a_set_with_a_fault_is_not_added(own_home: Path, tmp_path: Path, extra: str, sentence: str) -> None:
    picture(tmp_path / "set", "cat/a.png")
    if extra.endswith(".png"):
        picture(tmp_path / "set", extra)
    else:
        (tmp_path / "set" / extra).mkdir()
    with pytest.raises(UserError, match=sentence):
        add_image_set(own_home, "pets", f"folder:{tmp_path / 'set'}")
    assert not list(own_home.glob("image_sets/*"))


def test_hidden_files_and_what_a_mac_adds_are_no_pictures(tmp_path: Path, own_home: Path) -> None:
    picture(tmp_path / "set", "cat/a.png")
    for name in ("cat/._a.png", "__MACOSX/cat/._a.png", ".thumbnails/a.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(b"no picture")
    archive = shutil.make_archive(str(own_home / "pets"), "zip", tmp_path / "set")
    for name in (f"folder:{tmp_path / 'set'}", f"folder:{archive}"):
        assert image_source(name).names == ("cat/a.png",)
    assert add_image_set(own_home, "pets", "", uploaded=Path(archive)).class_names == ("cat",)


def test_what_the_channels_lose_is_said(tmp_path: Path) -> None:
    picture(tmp_path / "set", "cat/a.png")
    assert load_images(f"folder:{tmp_path / 'set'}", ANY).notes == ()
    grey = load_images(f"folder:{tmp_path / 'set'}", Wanted("grey", 1, 16, ("cat",), ()))
    assert "colours are left out" in grey.notes[0]
    assert "all three channels are the same" in load_images("mnist", ANY).notes[0]


def test_a_server_that_serves_others_reads_no_paths(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "set", "cat/a.png")
    add_image_set(own_home, "pets", f"folder:{tmp_path / 'set'}")
    monkeypatch.setenv("UNLEARN_SHARED", "1")
    for name in (f"folder:{tmp_path / 'set'}", f"csv:{tmp_path / 'set'}", f"utkface:{tmp_path / 'set'}"):
        with pytest.raises(UserError, match="is shared"):
            load_images(name, ANY)
    with pytest.raises(UserError, match="is shared"):
        add_image_set(own_home, "more", f"folder:{tmp_path / 'set'}")
    assert load_images("pets", ANY).labels.tolist() == [0]
    assert len(load_images("photos:0123456789abcdef", ANY).ids) == len(SHIPPED)
    with pytest.raises(UserError, match="no image set photos:"):
        load_images("photos:../../etc", ANY)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_not_utf_8_are_pictures_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "set"
    for folder in (b"\xff", b"\xfe"):
        picture(root / os.fsdecode(folder), "a.png")
    picture(root / os.fsdecode(b"\xff"), f"{os.fsdecode(folder)}.png")
    images = load_images(f"folder:{root}", Wanted("any", 3, 16, (r"\udcff", r"\udcfe"), ()))
    assert images.files == (r"\udcfe/a.png", r"\udcff/a.png", r"\udcff/\udcfe.png")
    assert images.labels.tolist() == [1, 0, 0]
    assert add_image_set(tmp_path, "odd", f"folder:{root}").class_names == (r"\udcfe", r"\udcff")
    inside = root / os.fsdecode(b"\xff")
    table(inside, ("path", "label"), ("a.png", "cat"))
    monkeypatch.chdir(inside)
    assert load_images("csv:table.csv", ANY).files == ("a.png",)
