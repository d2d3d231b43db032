"""Reading untrusted picture files: limits are checked before decoding."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from unlearn_core.common.budget import SMALL
from unlearn_core.errors import UserError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MOST_BYTES = 20 * 2**20
MOST_PIXELS = 50_000_000

_CROP = 0.875
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(data: bytes, name: str) -> Image.Image:
    """Decode a picture file as 8-bit RGB, rotated by its EXIF orientation.

    Only the first frame of an animation is read, transparent parts become white, 16-bit values are scaled.

    Raises:
        UserError: not a picture of a known format, damaged, or above `MOST_BYTES` or `MOST_PIXELS`.
    """
    if len(data) > MOST_BYTES:
        raise UserError(f"{name} is larger than {MOST_BYTES // 2**20} MB.")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise UserError(
                    f"{name} has {picture.width} × {picture.height} pixels; "
                    f"the maximum is {MOST_PIXELS // 10**6} million."
                )
            return _as_rgb(_upright(picture))
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(f"{name} has far more than {MOST_PIXELS // 10**6} million pixels.") from error
    # Decoders raise various errors for malicious files.
    except Exception as error:
        kinds = ", ".join(FORMATS)
        raise UserError(f"{name} is not a picture that can be read ({kinds}), or it is damaged.") from error


def is_grey(data: bytes, name: str) -> bool:
    """Return from a picture file's header whether it is grey; raises like `read_picture`."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            return picture.mode in ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")
    except Exception as error:
        raise UserError(f"{name} is not a picture that can be read, or it is damaged.") from error


def fit(picture: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """Return a picture at a classifier's input size, uint8 (size, size, channels), 1 or 3 channels.

    Sizes above `SMALL` use the usual ImageNet evaluation: resize the shorter side to size / 0.875 (bicubic),
    then crop the centre. Smaller ones use the whole picture, resized.
    """
    if channels == 1:
        picture = picture.convert("L")
    if size > SMALL:
        scale = size / _CROP / min(picture.size)
        wide, high = (max(size, round(side * scale)) for side in picture.size)
        picture = picture.resize((wide, high), Image.Resampling.BICUBIC)
        left, top = (wide - size) // 2, (high - size) // 2
        picture = picture.crop((left, top, left + size, top + size))
    elif picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture).reshape(size, size, channels)


def _upright(picture: Image.Image) -> Image.Image:
    """Rotate a picture by its EXIF orientation. ImageOps would rewrite all of EXIF, and fail if other tags
    are invalid."""
    picture.load()
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation) or 1)
    return picture if turn is None else picture.transpose(turn)


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, np.float32)
        scale = 255 / 65535 if values.max(initial=0) > 255 else 1.0
        picture = Image.fromarray(np.clip(values * scale, 0, 255).round().astype(np.uint8))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return picture.convert("RGB")
