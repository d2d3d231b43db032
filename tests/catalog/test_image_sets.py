import io
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unlearn_core.catalog import image_sets
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.records.image_set_record import read_left_out
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.catalog.sources.photos import FIRST_UPLOAD, SHIPPED
from unlearn_core.catalog.sources.uploaded_photos import add_upload, upload_folder
from unlearn_core.errors import UserError

DIGITS = Wanted("digits", 1, 28, tuple("0123456789"), ())
PHOTOS = Wanted(
    "photos",
    3,
    224,
    ("tench, Tinca tinca", "crane", "crane, bird", "tiger cat"),
    ("n01440764", "n1", "n2", "n3"),
)


def picture(colour: str = "red", size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_mnist_is_split_evenly_over_the_classes() -> None:
    images = load_images("mnist", DIGITS)
    assert images.pixels.shape == (5000, 28, 28, 1)
    assert np.bincount(images.labels[images.is_test]).tolist() == [100] * 10
    assert np.bincount(images.labels[~images.is_test]).tolist() == [400] * 10
    assert images.labelled.all()


def test_mnist_is_the_same_from_the_cache(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARN_HOME", str(own_home / "empty"))
    fresh, cached = (Wanted(name, 1, 28, tuple("0123456789"), ()) for name in ("fresh", "cached"))
    first = load_images("mnist", fresh).pixels
    assert (own_home / "empty" / "cache" / "mnist.npy").exists()
    assert np.array_equal(load_images("mnist", cached).pixels, first)


def test_a_set_is_shown_to_any_classifier_at_its_size_and_without_labels_it_does_not_know() -> None:
    digits = load_images("mnist", Wanted("other", 3, 32, ("cat", "dog"), ()))
    assert digits.pixels.shape == (5000, 32, 32, 3)
    assert not digits.labelled.any()
    assert load_images("photos", DIGITS).pixels.shape == (len(SHIPPED), 28, 28, 1)


def test_unknown_sets_are_named_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no image set cats; available: mnist, cifar10, .*, folder:PATH"):
        load_images("cats", DIGITS)


def test_photos_are_shipped_ones_then_uploads_with_lasting_ids(own_home: Path) -> None:
    for colour in ("red", "green", "blue"):
        add_upload(upload_folder(own_home), f"my {colour}.png", picture(colour))
    images = load_images("photos", PHOTOS)
    assert images.pixels.shape == (len(SHIPPED) + 3, 224, 224, 3)
    assert images.ids[-3:].tolist() == [FIRST_UPLOAD, FIRST_UPLOAD + 1, FIRST_UPLOAD + 2]
    assert not images.labelled.any()
    (own_home / "uploads" / "0001-my-green.png").unlink()
    images = load_images("photos", PHOTOS)
    assert images.ids[-2:].tolist() == [FIRST_UPLOAD, FIRST_UPLOAD + 2]
    assert images.pixels[-1, 0, 0].tolist() == [0, 0, 255]


def test_class_folders_are_matched_by_name_and_by_wordnet_id(tmp_path: Path) -> None:
    names = ("tench/a.png", "TIGER_CAT/a.png", "007_n01440764_fish/a.png", "crane/a.png", "unheard of/a.png")
    write(tmp_path, {name: picture() for name in names} | {"tench/notes.txt": b"no picture"})
    images = load_images(f"folder:{tmp_path}", PHOTOS)
    by_file = dict(zip(images.files, images.labels.tolist(), strict=True))
    # "crane" is the whole name of one class, which counts before a part of another's.
    assert by_file == dict(zip(names, (0, 3, 0, 1, -1), strict=True))
    assert images.labelled.tolist() == (images.labels >= 0).tolist()
    assert not images.is_test.any()


@pytest.mark.parametrize("above", ["", "set/"])
def test_train_and_test_folders_are_told_apart(tmp_path: Path, above: str) -> None:
    files = {
        f"{above}{part}/{digit}/{n}.png": picture()
        for part in ("train", "val")
        for digit in "37"
        for n in "ab"
    }
    plain = load_images(f"folder:{write(tmp_path / 'plain', files)}", DIGITS)
    packed = load_images(f"folder:{zipped(tmp_path / 'packed.zip', files)}", DIGITS)
    for images in (plain, packed):
        assert images.is_test.tolist() == ["val" in name for name in images.files]
        assert images.labels.tolist() == [int(name.split("/")[-2]) for name in images.files]
        assert images.pixels.shape == (8, 28, 28, 1)
    assert np.array_equal(plain.pixels, packed.pixels)


def test_a_changed_folder_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, {"3/a.png": picture()})
    assert len(load_images(f"folder:{tmp_path}", DIGITS).ids) == 1
    write(tmp_path, {"7/b.png": picture()})
    assert len(load_images(f"folder:{tmp_path}", DIGITS).ids) == 2


def test_pictures_without_class_folders_carry_no_labels(tmp_path: Path) -> None:
    images = load_images(f"folder:{write(tmp_path, {'a.png': picture()})}", DIGITS)
    assert images.labels.tolist() == [-1]


def test_folders_that_give_nothing_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        load_images(f"folder:{tmp_path / 'nowhere'}", DIGITS)
    with pytest.raises(UserError, match="There are no pictures"):
        load_images(f"folder:{write(tmp_path / 'a', {'3/notes.txt': b''})}", DIGITS)
    with pytest.raises(UserError, match="neither a folder nor a"):
        load_images(f"folder:{write(tmp_path, {'file.txt': b''}) / 'file.txt'}", DIGITS)


@pytest.mark.parametrize("most_memory", [image_sets.MOST_MEMORY, 1000])
def test_a_broken_picture_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_memory: int
) -> None:
    monkeypatch.setattr(image_sets, "MOST_MEMORY", most_memory)
    files = {"3/bad.png": picture()[:50], "3/good.png": picture("red"), "7/good.png": picture("white")}
    name = f"folder:{write(tmp_path / str(most_memory), files)}"
    for digits in (DIGITS, replace(DIGITS, name="from the cache")):
        images = load_images(name, digits)
        assert images.ids.tolist() == [1, 2]
        assert images.files == ("3/good.png", "7/good.png")
        assert images.labels.tolist() == [3, 7]
        assert images.pixels[:, 0, 0, 0].tolist() == [76, 255]
        assert "1 of 3 pictures is left out, the first because 3/bad.png is not a picture" in images.notes[0]
    write(tmp_path / str(most_memory), {"3/good.png": b"", "7/good.png": b""})
    with pytest.raises(UserError, match=r"3/bad\.png is not a picture"):
        load_images(name, DIGITS)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="nothing here fails when root reads it")
def test_a_file_that_cannot_be_read_is_left_out_with_its_reason(own_home: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "set", {"3/good.png": picture("red"), "7/good.png": picture("white")})
    (folder / "3" / "bad.png").symlink_to("/proc/self/mem")
    images = load_images(f"folder:{folder}", DIGITS)
    assert images.files == ("3/good.png", "7/good.png")
    assert "the first because 3/bad.png cannot be read: Input/output error." in images.notes[0]
    record = add_image_set(own_home, "some", f"folder:{folder}")
    assert (record.pictures, record.left_out) == (2, 1)
    assert read_left_out(own_home, "some") == [("3/bad.png", "3/bad.png cannot be read: Input/output error.")]


def test_a_class_of_bad_pictures_alone_is_said(own_home: Path, tmp_path: Path) -> None:
    files = {"cat/1.png": picture("red"), "dog/2.png": picture("white"), "fox/3.png": picture()[:50]}
    record = add_image_set(own_home, "some", f"folder:{write(tmp_path / 'set', files)}")
    assert "No picture can be read of the class fox." in record.notes


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_to_nowhere_are_left_out_and_counted(own_home: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "set", {"3/good.png": picture("red"), "7/good.png": picture("white")})
    (folder / "3" / "annexed.png").symlink_to(tmp_path / "nowhere.png")
    record = add_image_set(own_home, "some", f"folder:{folder}")
    assert (record.pictures, record.left_out) == (2, 1)
    assert load_images("some", DIGITS).files == ("3/good.png", "7/good.png")


@pytest.mark.parametrize("name", ["../3/a.png", "/3/a.png", "3\\..\\..\\a.png"])
def test_an_archive_that_points_out_of_itself_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="a path outside of it"):
        load_images(f"folder:{zipped(tmp_path / 'slip.zip', {name: picture()})}", DIGITS)


def test_an_archive_with_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("3/a.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="contains a link"):
        load_images(f"folder:{tmp_path / 'link.zip'}", DIGITS)


def test_an_archive_with_a_password_says_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "locked.zip", {"3/a.png": picture()})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(
        UserError, match=r"3/a\.png in locked\.zip needs a password: make a \.zip without one"
    ):
        load_images(f"folder:{path}", DIGITS)


def test_a_bomb_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("3/a.png", bytes(200 * 2**20))
    with pytest.raises(UserError, match="larger than 20 MB"):
        load_images(f"folder:{tmp_path / 'bomb.zip'}", DIGITS)


def test_a_damaged_archive_is_one_sentence(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "whole.zip", {"3/a.png": picture()}).read_bytes()
    broken = bytearray(whole)
    broken[40:60] = bytes(20)
    (tmp_path / "broken.zip").write_bytes(broken)
    with pytest.raises(UserError, match=r"cannot be unpacked|not a picture"):
        load_images(f"folder:{tmp_path / 'broken.zip'}", DIGITS)
