import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.catalog.sources.uploaded_photos import LONGEST_SIDE, add_upload, uploads
from unlearn_core.catalog.untrusted.pictures import fit, read_picture
from unlearn_core.errors import UserError


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """Return a PNG whose header promises far more pixels than it holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


RED = Image.new("RGB", (8, 6), "red")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG", "PPM", "AVIF"])
def test_every_known_format_is_read(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixel = read_picture(encoded(RED, kind, **options), "red").getpixel((4, 3))
    assert pixel == pytest.approx((255, 0, 0), abs=3)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_what_telephones_write_is_read(kind: str) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    corner = Image.new("RGB", (48, 32), "blue")
    corner.paste("red", (0, 0, 24, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    read = read_picture(encoded(corner, kind, quality=100, exif=exif.tobytes()), "photo")
    assert read.size == (32, 48)
    assert read.getpixel((28, 4)) == pytest.approx((255, 0, 0), abs=12)


@pytest.mark.parametrize(
    ("data", "grey"),
    [
        (b"P5 2 2 255\n" + bytes([0, 85, 170, 255]), [0, 85, 170, 255]),
        (b"P5 2 2 4095\n" + np.array([0, 1365, 2730, 4095], ">u2").tobytes(), [0, 85, 170, 255]),
        (b"P2\n# made by hand\n2 2 15\n0 5 10 15\n", [0, 85, 170, 255]),
        (b"P1\n2 2\n1 0 1 0\n", [0, 255, 0, 255]),
        (b"P6 2 1 255\n" + bytes([9, 9, 9, 90, 90, 90]), [9, 90]),
    ],
)
def test_portable_maps_are_read_by_their_own_range(data: bytes, grey: list[int]) -> None:
    assert np.asarray(read_picture(data, "map"))[..., 0].ravel().tolist() == grey


def test_heic_without_its_decoder_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UserError, match="HEIC pictures need the package pillow-heif"):
        read_picture(b"\0\0\0\x18ftypheic" + bytes(60), "photo.heic")


def test_of_a_stack_the_first_page_is_read_and_that_is_said(own_home: Path, tmp_path: Path) -> None:
    pages = [Image.new("L", (16, 16), grey) for grey in (60, 120, 180)]
    (tmp_path / "set" / "cat").mkdir(parents=True)
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    for name, content in (("cells.tif", data), ("more.tif", data), ("one.tif", encoded(pages[0], "TIFF"))):
        (tmp_path / "set" / "cat" / name).write_bytes(content)
    source = f"folder:{tmp_path / 'set'}"
    images = load_images(source, Wanted("any", 1, 16, ("cat",), ()))
    assert images.pixels.min() == images.pixels.max() == 60
    assert "cat/cells.tif has 3 pages: of such files only the first is read." in images.notes
    notes = add_image_set(own_home, "cells", source).notes
    assert notes == ("2 files have several pages: of such files only the first page is read.",)


@pytest.mark.parametrize(
    ("picture", "kind", "expected"),
    [
        (Image.new("CMYK", (8, 6), (0, 255, 255, 0)), "JPEG", (254, 0, 0)),
        (Image.new("L", (8, 6), 90), "PNG", (90, 90, 90)),
        (Image.new("RGBA", (8, 6), (0, 0, 0, 0)), "PNG", (255, 255, 255)),
        (Image.new("1", (8, 6), 1), "PNG", (255, 255, 255)),
        (Image.fromarray(np.full((6, 8), 65535, np.uint16)), "PNG", (255, 255, 255)),
        (Image.fromarray(np.full((6, 8), 32896, np.uint16)), "TIFF", (128, 128, 128)),
        (RED.quantize(4), "GIF", (255, 0, 0)),
    ],
)
def test_every_mode_becomes_rgb(picture: Image.Image, kind: str, expected: tuple[int, int, int]) -> None:
    read = read_picture(encoded(picture, kind), "picture")
    assert read.mode == "RGB"
    assert read.getpixel((4, 3)) == pytest.approx(expected, abs=3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_taken_sideways_is_turned_upright(kind: str, orientation: int) -> None:
    corner = Image.new("RGB", (48, 32), "blue")
    corner.paste("red", (0, 0, 24, 16))
    exif = corner.getexif()
    exif[0x0112] = orientation
    data = encoded(corner, kind, exif=exif)
    with Image.open(io.BytesIO(data)) as plain:
        expected = ImageOps.exif_transpose(plain)
    read = read_picture(data, "photo")
    assert read.size == expected.size == ((48, 32) if orientation < 5 else (32, 48))
    assert np.abs(np.asarray(read, int) - np.asarray(expected, int)).max() == 0


def test_what_is_wrong_elsewhere_in_exif_does_not_matter() -> None:
    exif = RED.getexif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    data = bytearray(encoded(RED, "JPEG", exif=exif))
    # The maker's name becomes a number: it could not be written anew.
    entry = data.index(b"\x01\x0f\x00\x02")
    data[entry + 3 : entry + 8] = b"\x0b\x00\x00\x00\x01"
    assert read_picture(bytes(data), "photo").size == (6, 8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture at all",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        encoded(RED)[:40],
        encoded(Image.effect_noise((64, 64), 50), "JPEG")[:300],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"GIF89a" + b"\xff" * 20,
    ],
)
def test_what_is_no_whole_picture_is_one_sentence(data: bytes) -> None:
    with pytest.raises(UserError, match=r"cat\.png is not a picture that can be read") as error:
        read_picture(data, "cat.png")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (60_000, 1_000), (100_000, 100_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    with pytest.raises(UserError, match=r"pixels|not a picture"):
        read_picture(png_that_claims(width, height), "bomb.png")


def test_a_pointer_of_git_lfs_says_so() -> None:
    with pytest.raises(UserError, match=r"a\.png only says where Git LFS keeps the file"):
        read_picture(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 12\n", "a.png")


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(UserError, match="larger than 20 MB"):
        read_picture(bytes(20 * 2**20 + 1), "big.png")


def test_large_inputs_see_the_centre_and_small_ones_the_whole() -> None:
    halves = Image.new("RGB", (400, 100), "blue")
    halves.paste("red", (0, 0, 40, 100))
    assert not (fit(halves, 224, 3)[:, :, 0] > 128).any()
    assert (fit(halves, 28, 3)[:, 0, 0] > 128).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3000, 2)])
def test_odd_shapes_fit(size: tuple[int, int]) -> None:
    for channels in (1, 3):
        for side in (28, 224):
            assert fit(Image.new("RGB", size), side, channels).shape == (side, side, channels)


@pytest.mark.parametrize(
    ("size", "middle"),
    [((400_000, 1), (199_960, 0, 200_040, 1)), ((2, 400_000), (0, 199_960, 2, 200_040))],
)
def test_of_a_very_long_picture_only_the_middle_is_enlarged(
    size: tuple[int, int], middle: tuple[int, int, int, int]
) -> None:
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", middle)
    assert (fit(picture, 224, 3)[..., 0] == 255).all()


def test_an_upload_keeps_pixels_alone(tmp_path: Path) -> None:
    photo = Image.new("RGB", (3000, 1500), "red")
    exif = photo.getexif()
    exif[0x010F] = "camera that must not be kept"
    number, _ = add_upload(tmp_path, "../../My Photo!.jpg", encoded(photo, "JPEG", exif=exif) + b"<script>")
    ((kept_number, path),) = uploads(tmp_path)
    assert (number, kept_number, path.name) == (0, 0, "0000-my-photo.png")
    assert path.parent == tmp_path
    data = path.read_bytes()
    assert b"camera" not in data
    assert b"script" not in data
    assert max(Image.open(path).size) == LONGEST_SIDE


def test_a_bad_upload_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        add_upload(tmp_path, "x.png", b"nothing")
    assert uploads(tmp_path) == []
