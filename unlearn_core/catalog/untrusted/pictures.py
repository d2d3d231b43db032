"""Reading untrusted picture files: limits are checked before decoding."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError, features

from unlearn_core.catalog.untrusted.intensities import (
    Window,
    deep_values,
    to_bytes,
    usual_window,
    window_of,
)
from unlearn_core.catalog.untrusted.lfs_pointers import refuse_pointer
from unlearn_core.catalog.untrusted.tiffs import is_misread, rewritten
from unlearn_core.common.budget import SMALL
from unlearn_core.errors import UserError

# An older Pillow has no AVIF.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", *(["AVIF"] if features.check("avif") else []))
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".heic", ".heif"),
)
MOST_BYTES = 20 * 2**20
MOST_PIXELS = 50_000_000

TIFF = (b"II", b"MM")
"""The first bytes of one."""

_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_CROP = 0.875
_LONGEST = 16
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(data: bytes, name: str, window: Window | None = None) -> Image.Image:
    """Decode a picture file as 8-bit RGB, rotated by its EXIF orientation.

    Only the first frame of an animation or a stack is read, and transparent parts become white. More than
    eight bits are scaled by `window`, that of the picture's set; by default of a set of this picture alone.

    Raises:
        UserError: not a picture of a known format, damaged, or above `MOST_BYTES` or `MOST_PIXELS`.
    """
    with _opened(data, name) as (picture, data):
        deep = deep_values(picture, data)
        return _shown(picture, deep, window or (None if deep is None else window_of([deep])))


def read_photo(data: bytes, name: str) -> tuple[Image.Image, Window | None]:
    """Do the same with a photo of no set, by the range of its type; return also that, None for eight bits."""
    with _opened(data, name) as (picture, data):
        deep = deep_values(picture, data)
        window = None if deep is None else usual_window(picture)
        return _shown(picture, deep, window), window


def _shown(
    picture: ImageFile.ImageFile, deep: NDArray[np.float32] | None, window: Window | None
) -> Image.Image:
    shown: Image.Image = picture
    if deep is not None:
        shown = Image.fromarray(to_bytes(deep, window or usual_window(picture)))
        if picture.mode == "RGBA":
            shown.putalpha(picture.getchannel("A"))
    return _as_rgb(_upright(shown, picture.getexif()))


def intensities(data: bytes, name: str) -> NDArray[np.float32] | None:
    """Return the values of a picture with more than eight bits per channel, float32 (h, w) or (h, w, 3).

    None if it has eight bits; raises like `read_picture`.
    """
    with _opened(data, name) as (picture, data):
        return deep_values(picture, data)


@dataclass(frozen=True)
class Header:
    """What the header of a picture file says: whether it is grey, and the number of pages of a TIFF."""

    grey: bool
    pages: int


def read_header(data: bytes, name: str) -> Header:
    """Return what the header of a picture file says; raises like `read_picture`."""
    with _opened(data, name) as (picture, _):
        grey = picture.mode in ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")
        pages = 1
        if picture.format == "TIFF":
            # The first page may be whole where the list of the others is damaged.
            with suppress(Exception):
                pages = getattr(picture, "n_frames", 1)
        return Header(grey, pages)


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[tuple[ImageFile.ImageFile, bytes]]:
    """Yield a picture whose size is within the limits, and its file as it is read here.

    What goes wrong with it raises `UserError`.
    """
    if len(data) > MOST_BYTES:
        raise UserError(f"{name} is larger than {MOST_BYTES // 2**20} MB.")
    refuse_pointer(data, name)
    try:
        read = _as_pillow_reads(data, name)
        with Image.open(BytesIO(read), formats=_formats(read)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise UserError(
                    f"{name} has {picture.width} × {picture.height} pixels; "
                    f"the maximum is {MOST_PIXELS // 10**6} million."
                )
            yield picture, read
    except (UserError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise UserError(f"{name} has far more than {MOST_PIXELS // 10**6} million pixels.") from error
    # Decoders raise various errors for malicious files.
    except Exception as error:
        kinds = ", ".join(FORMATS)
        raise UserError(f"{name} is not a picture that can be read ({kinds}), or it is damaged.") from error


def _as_pillow_reads(data: bytes, name: str) -> bytes:
    if data[:2] not in TIFF:
        return data
    try:
        with Image.open(BytesIO(data), formats=["TIFF"]) as picture:
            is_read = not is_misread(picture)
    except UnidentifiedImageError:
        is_read = False
    return data if is_read else rewritten(data, name, MOST_PIXELS)


def _formats(data: bytes) -> tuple[str, ...]:
    """Return the formats to try: HEIC only for what begins like it, since its decoder is loaded for it."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIC:
        return FORMATS
    try:
        import pillow_heif
    except ImportError as error:
        raise UserError("HEIC pictures need the package pillow-heif; or save them as JPEG.") from error
    pillow_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def fit(picture: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """Return a picture at a classifier's input size, uint8 (size, size, channels), 1 or 3 channels.

    Sizes above `SMALL` use the usual ImageNet evaluation: resize the shorter side to size / 0.875 (bicubic),
    then crop the centre. Smaller ones use the whole picture, resized.
    """
    if channels == 1:
        picture = picture.convert("L")
    if size > SMALL:
        picture = _without_far_ends(picture)
        scale = size / _CROP / min(picture.size)
        wide, high = (max(size, round(side * scale)) for side in picture.size)
        picture = picture.resize((wide, high), Image.Resampling.BICUBIC)
        left, top = (wide - size) // 2, (high - size) // 2
        picture = picture.crop((left, top, left + size, top + size))
    elif picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture).reshape(size, size, channels)


def _without_far_ends(picture: Image.Image) -> Image.Image:
    """Return the middle of a very long picture: enlarged until the short side fits, all is too large."""
    most = _LONGEST * min(picture.size)
    if max(picture.size) <= most:
        return picture
    left, top = ((side - min(side, most)) // 2 for side in picture.size)
    return picture.crop((left, top, left + min(picture.width, most), top + min(picture.height, most)))


def _upright(picture: Image.Image, exif: Image.Exif) -> Image.Image:
    """Rotate a picture by its EXIF orientation. ImageOps would rewrite all of EXIF, and fail if other tags
    are invalid."""
    picture.load()
    turn = _TURNS.get(exif.get(ExifTags.Base.Orientation) or 1)
    return picture if turn is None else picture.transpose(turn)


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return picture.convert("RGB")
