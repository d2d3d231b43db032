"""Pictures with more than eight bits per channel: one window for a set, found, kept and changed."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from unlearn_core.catalog.image_sets import ImageSet, Wanted, load_images
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.catalog.sources.resolve_source import source_fingerprint
from unlearn_core.catalog.sources.uploaded_photos import add_upload, uploads
from unlearn_core.catalog.untrusted.pictures import read_picture
from unlearn_core.commands.main import main
from unlearn_core.errors import UserError

SIZE = 64
ANY = Wanted("any", 3, SIZE, ("cat",), ())
RAMP = np.linspace(0, 1, SIZE * SIZE).reshape(SIZE, SIZE)
RAMPS: dict[str, tuple[NDArray[Any], str, tuple[float, float]]] = {
    "16 bits, full range": ((RAMP * 65535).astype(np.uint16), "PNG", (0, 65535)),
    "12 bits in 16": ((RAMP * 4095).astype(np.uint16), "PNG", (0, 4095)),
    "16 bits, brightest is 255": ((RAMP * 255).astype(np.uint16), "PNG", (0, 255)),
    "16 bits, brightest is 256": ((RAMP * 256).astype(np.uint16), "PNG", (0, 256)),
    "floats, 0 to 1": (RAMP.astype(np.float32), "TIFF", (0, 1)),
    "floats, -1 to 1": ((2 * RAMP - 1).astype(np.float32), "TIFF", (-1, 1)),
    "floats, 0 to 255": ((RAMP * 255).astype(np.float32), "TIFF", (0, 255)),
    "Hounsfield units": ((RAMP * 2000 - 1000).astype(np.float32), "TIFF", (-1000, 1000)),
    "Hounsfield units, 32 bits": ((RAMP * 2000 - 1000).astype(np.int32), "TIFF", (-1000, 1000)),
    "a thermal camera": ((RAMP * 2000 + 29000).astype(np.uint16), "PNG", (29000, 31000)),
}


def encoded(values: NDArray[Any], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind)
    return file.getvalue()


def colours(values: NDArray[np.uint16]) -> bytes:
    """Return a PNG of 16-bit colours (h, w, 3 or 4), which Pillow reads but does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def folder(path: Path, *pictures: bytes) -> Path:
    (path / "cat").mkdir(parents=True)
    for number, data in enumerate(pictures):
        (path / "cat" / f"{number}.{'png' if b'PNG' in data[:4] else 'tif'}").write_bytes(data)
    return path


def levels(images: ImageSet) -> tuple[int, int, int]:
    seen = images.pixels[0, :, :, 0]
    return int(seen.min()), int(seen.max()), len(np.unique(seen))


@pytest.mark.parametrize("name", RAMPS)
def test_a_smooth_ramp_keeps_its_levels(own_home: Path, tmp_path: Path, name: str) -> None:
    values, kind, (low, high) = RAMPS[name]
    source = f"folder:{folder(tmp_path / 'set', encoded(values, kind))}"
    record = add_image_set(own_home, "ramp", source)
    assert record.window == pytest.approx((low, high), abs=0.005 * (high - low))
    for known_as in ("ramp", source):
        images = load_images(known_as, ANY)
        assert levels(images) == (0, 255, 256)
        assert "became 0 to 255" in images.notes[-1]
    assert len(np.unique(np.asarray(read_picture(encoded(values, kind), name)))) == 256


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_twelve_bits_are_not_near_black(tmp_path: Path, channels: int) -> None:
    values = np.full((SIZE, SIZE, channels), 65535, np.uint16)
    values[..., :3] = (RAMP * 4095)[..., None]
    images = load_images(f"folder:{folder(tmp_path, colours(values))}", ANY)
    assert levels(images) == (0, 255, 256)


def test_a_tiff_of_double_precision_is_read(tmp_path: Path) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, RAMP * 2000 - 1000)
    images = load_images(f"folder:{folder(tmp_path, file.getvalue())}", ANY)
    assert levels(images) == (0, 255, 256)


def test_one_brighter_pixel_or_picture_does_not_decide(tmp_path: Path) -> None:
    values = (RAMP * 4095).astype(np.uint16)
    broken = values.copy()
    broken[0, 0] = 65535
    images = load_images(f"folder:{folder(tmp_path, encoded(values), encoded(broken))}", ANY)
    assert np.abs(images.pixels[0].astype(int) - images.pixels[1]).max(axis=2).ravel()[1:].max() == 0
    assert levels(images) == (0, 255, 256)


def test_where_nearly_all_is_black_the_rest_keeps_its_levels(tmp_path: Path) -> None:
    values = np.zeros((SIZE * 4, SIZE * 4), np.uint16)
    values[0, :9] = np.arange(9) * 500
    images = load_images(
        f"folder:{folder(tmp_path, encoded(values))}", Wanted("any", 1, SIZE * 4, ("cat",), ())
    )
    assert "from 0 to 4,095" in images.notes[-1]


def test_all_pictures_of_a_set_have_one_scale(tmp_path: Path) -> None:
    dark, bright = (np.full((SIZE, SIZE), value, np.uint16) for value in (400, 4000))
    images = load_images(f"folder:{folder(tmp_path, encoded(dark), encoded(bright))}", ANY)
    assert images.pixels[:, 0, 0, 0].tolist() == [25, 249]


def test_values_that_are_no_numbers_are_black(tmp_path: Path) -> None:
    values = RAMP.astype(np.float32)
    values[10:20] = np.nan
    images = load_images(f"folder:{folder(tmp_path, encoded(values, 'TIFF'))}", ANY)
    assert images.pixels[0, 12].max() == 0
    assert levels(images)[:2] == (0, 255)


def test_the_window_can_be_chosen(own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = (RAMP * 2000 - 1000).astype(np.float32)
    path = str(folder(tmp_path / "set", encoded(values, "TIFF")))
    assert main(["add", "images", path, "--name", "lungs", "--window", "-1000", "400"]) == 0
    assert "Intensities from -1,000 to 400 became 0 to 255" in capsys.readouterr().out
    chosen = load_images("lungs", ANY).pixels[0, :, :, 0]
    assert (chosen == 255).mean() == pytest.approx(0.3, abs=0.01)
    first = source_fingerprint("lungs")
    assert main(["remove", "lungs"]) == 0
    add_image_set(own_home, "lungs", f"folder:{path}", window=(-200.0, 300.0))
    assert source_fingerprint("lungs") != first
    assert (load_images("lungs", ANY).pixels[0, :, :, 0] == 255).mean() == pytest.approx(0.35, abs=0.01)


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ((3.0, 3.0), "the lower one first"),
        ((float("nan"), 3.0), "both Black and White"),
        ((0.0, 1.0), "eight bits"),
    ],
)
def test_a_window_that_cannot_be_is_one_sentence(
    own_home: Path, tmp_path: Path, window: tuple[float, float], sentence: str
) -> None:
    shallow = sentence == "eight bits"
    values = (RAMP * 255).astype(np.uint8 if shallow else np.uint16)
    with pytest.raises(UserError, match=sentence):
        add_image_set(own_home, "ramp", f"folder:{folder(tmp_path / 'set', encoded(values))}", window=window)


def test_a_single_photo_is_scaled_by_its_type(tmp_path: Path) -> None:
    dark = encoded((RAMP * 4095).astype(np.uint16))
    number, said = add_upload(tmp_path, "dark.png", dark)
    assert (number, said) == (0, "dark.png: Intensities from 0 to 65,535 became 0 to 255.")
    with Image.open(uploads(tmp_path)[0][1]) as kept:
        assert kept.convert("L").getextrema() == (0, 16)
    assert add_upload(tmp_path, "plain.png", encoded((RAMP * 255).astype(np.uint8))) == (1, "")


def test_a_picture_of_sixteen_bits_is_turned_upright(tmp_path: Path) -> None:
    file = io.BytesIO()
    values = np.tile(np.linspace(0, 65535, 32).astype(np.uint16), (16, 1))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(values).save(file, "PNG", exif=exif)
    column = load_images(f"folder:{folder(tmp_path, file.getvalue())}", ANY).pixels[0, :, 0, 0]
    assert column[0] < 20 < 235 < column[-1]
