"""TIFF files with other values than pictures usually have: right, or refused by what they hold."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from unlearn_core.catalog.sources.uploaded_photos import add_upload
from unlearn_core.catalog.untrusted.pictures import intensities, read_picture
from unlearn_core.errors import UserError

SIZE = 16
RANDOM = np.random.default_rng(0)
COLOURS = RANDOM.integers(0, 65536, (SIZE, SIZE, 3), np.uint16)
GREY = COLOURS[..., 0].copy()


def tiff(values: NDArray[Any], photometric: str = "minisblack", **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric=photometric, **options)
    return file.getvalue()


def in_planes(values: NDArray[Any], photometric: str = "minisblack", **options: Any) -> bytes:
    return tiff(np.moveaxis(values, -1, 0).copy(), photometric, planarconfig="separate", **options)


def all_of(kind: Any) -> NDArray[Any]:
    ends = np.iinfo(kind)
    return RANDOM.integers(ends.min, ends.max, (SIZE, SIZE), kind, endpoint=True)


UNSIGNED, SIGNED = all_of(np.uint32), all_of(np.int8)
HALVES = RANDOM.random((SIZE, SIZE)).astype(np.float16)


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("make", "values", "expected"),
    [
        (in_planes, (COLOURS, "rgb"), COLOURS),
        (tiff, (COLOURS, "rgb"), COLOURS),
        (tiff, (GREY,), GREY),
        (tiff, (GREY, "miniswhite"), 65535 - GREY),
        (tiff, (UNSIGNED,), UNSIGNED.astype(np.float32)),
        (tiff, (UNSIGNED, "miniswhite"), (2**32 - 1 - UNSIGNED).astype(np.float32)),
        (tiff, (SIGNED,), SIGNED),
        (tiff, (HALVES,), HALVES),
        (tiff, (HALVES.astype(np.float64),), HALVES),
    ],
)
def test_values_are_those_of_the_file(
    make: Any, values: tuple[Any, ...], expected: NDArray[Any], compression: str | None, order: str
) -> None:
    found = intensities(make(*values, compression=compression, byteorder=order), "a.tif")
    assert found is not None
    assert found.tolist() == expected.astype(np.float32).tolist()


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_planes_with_transparency_are_turned_upright(compression: str | None) -> None:
    values = np.dstack([COLOURS, np.zeros((SIZE, SIZE), np.uint16)])
    values[: SIZE // 2, :, 3] = 65535
    data = in_planes(
        values,
        "rgb",
        compression=compression,
        extrasamples=["unassalpha"],
        extratags=[(274, "H", 1, 3, True)],
    )
    pixels = np.asarray(read_picture(data, "a.tif", (0.0, 65535.0)))
    upright = (COLOURS[::-1, ::-1] / 257).round()
    assert np.abs(pixels[SIZE // 2 :] - upright[SIZE // 2 :]).max() <= 1
    assert (pixels[: SIZE // 2] == 255).all()


def test_a_photo_of_signed_bytes_is_scaled_by_its_type(tmp_path: Path) -> None:
    data = tiff(np.array([[-128, 127], [0, 0]], np.int8))
    assert add_upload(tmp_path, "a.tif", data) == (0, "a.tif: Intensities from -128 to 127 became 0 to 255.")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            tiff(RANDOM.random((5, SIZE, SIZE)).astype(np.float32), planarconfig="separate"),
            "5 grey bands of float32",
        ),
        (
            tiff(RANDOM.integers(0, 9, (SIZE, SIZE, 13), np.uint8), planarconfig="contig"),
            "13 grey bands of uint8",
        ),
        (in_planes(np.dstack([GREY, GREY]), compression="deflate"), "2 grey bands of uint16"),
        (
            in_planes(np.dstack([GREY >> 8] * 5).astype(np.uint8), compression="deflate"),
            "5 grey bands of uint8",
        ),
        (tiff((COLOURS >> 8).astype(np.uint8), planarconfig="contig"), "3 grey bands of uint8"),
        (in_planes(COLOURS), "3 grey bands of uint16"),
        (tiff(COLOURS.astype(np.float32), "rgb"), "3 bands of float32"),
        (tiff(COLOURS.astype(np.float16), "rgb"), "3 bands of float16"),
        (tiff(all_of(np.uint64)), "1 grey band of uint64"),
        (tiff(HALVES.astype(np.complex64)), "1 grey band of complex64"),
    ],
)
def test_other_bands_and_types_are_named(data: bytes, words: str) -> None:
    with pytest.raises(
        UserError, match=rf"^a\.tif has {words}.*: TIFF files are read with one band of .*\.$"
    ):
        read_picture(data, "a.tif")


def test_an_unknown_compression_of_planes_is_named() -> None:
    data = bytearray(in_planes(COLOURS, "rgb"))
    # The tag of the compression, a short: LZW.
    place = data.index(b"\x03\x01\x03\x00") + 8
    data[place] = 5
    with pytest.raises(UserError, match=r"a\.tif is compressed in a way that is not read"):
        read_picture(bytes(data), "a.tif")


def test_a_huge_one_is_refused_before_it_is_decoded() -> None:
    data = bytearray(in_planes(COLOURS, "rgb"))
    for tag in (b"\x00\x01", b"\x01\x01"):
        place = data.index(tag + b"\x04\x00\x01\x00\x00\x00") + 8
        data[place : place + 4] = (2**20).to_bytes(4, "little")
    with pytest.raises(UserError, match="far more than 50 million pixels"):
        read_picture(bytes(data), "a.tif")


def test_a_volume_is_refused() -> None:
    planes = np.moveaxis(COLOURS, -1, 0)[:, None].repeat(2, 1)
    file = io.BytesIO()
    tifffile.imwrite(file, planes, photometric="rgb", planarconfig="separate", volumetric=True)
    with pytest.raises(UserError, match="x is a volume: save its slices as pictures"):
        read_picture(file.getvalue(), "x")
