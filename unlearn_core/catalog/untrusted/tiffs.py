"""TIFF files that Pillow does not read, or reads wrongly: rewritten for it, or refused by what they hold."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from unlearn_core.common.counted import counted
from unlearn_core.errors import UserError

_BITS, _PHOTOMETRIC, _SAMPLES, _PLANES, _FORMAT = 258, 262, 277, 284, 339
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _SEPARATE = 0, 1, 2, 2
_UNSIGNED, _SIGNED = 1, 2
_ORIENTATION = 274
_GREY = (np.float16, np.float64, np.uint16, np.uint32)
"""Types of one band that Pillow does not read, or not in every order of bytes."""
_USUAL = {_BITS: 1, _SAMPLES: 1, _PLANES: 1, _FORMAT: _UNSIGNED}
"""Where a file does not say it."""


def is_misread(picture: ImageFile.ImageFile) -> bool:
    """Return whether Pillow reads other values than an opened TIFF has: bands one after the other.

    Of more than eight bits it mixes them up, and of many it reads the first.
    """
    if _tag(picture, _PLANES) != _SEPARATE or _tag(picture, _SAMPLES) == 1:
        return False
    return (_tag(picture, _BITS) or 1) > 8 or len(picture.getbands()) == 1


def rewritten(data: bytes, name: str, most_pixels: int) -> bytes:
    """Return a TIFF as one that Pillow reads.

    Floats of half and double precision become single ones, white becomes the largest value, and 16-bit
    colours stand together.

    Raises:
        UserError: other bands or types of values, a volume, or a compression that is not known.
        Exception: of many types, for a damaged file.
    """
    # Here: few pictures need it.
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages.first
        if page.imagedepth > 1:
            raise UserError(f"{name} is a volume: save its slices as pictures.")
        if page.imagewidth * page.imagelength > most_pixels:
            raise Image.DecompressionBombError
        bands, kind = page.samplesperpixel, np.dtype(page.dtype)
        is_colour = bands in (3, 4) and kind == np.uint16 and page.photometric == _RGB
        if not is_colour and not (bands == 1 and kind in _GREY):
            raise _refused(name, bands, kind, is_grey=page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO))
        try:
            values = page.asarray()
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            words = "is compressed in a way that is not read with such values: save it uncompressed"
            raise UserError(f"{name} {words}.") from error
        turned = page.tags.get(_ORIENTATION)
        if is_colour and page.planarconfig == _SEPARATE:
            values = np.moveaxis(values, 0, -1)
        elif page.photometric == _WHITE_IS_ZERO and kind.kind == "u":
            values = np.iinfo(kind).max - values
    known = BytesIO()
    tifffile.imwrite(
        known,
        values.astype(np.float32) if kind.kind == "f" else values,
        photometric="rgb" if is_colour else "minisblack",
        extrasamples=["unassalpha"] * (bands == 4),
        extratags=[] if turned is None else [(_ORIENTATION, "H", 1, turned.value, True)],
        metadata=None,
    )
    return known.getvalue()


def _refused(name: str, bands: int, kind: np.dtype[Any], *, is_grey: bool) -> Exception:
    """Return the error for bands and types that are no picture; `ValueError` for usual ones."""
    if (bands == 1 and kind.itemsize <= 4) or (bands in (3, 4) and kind == np.uint8 and not is_grey):
        return ValueError("damaged")
    found = counted(bands, "grey band" if is_grey else "band")
    return UserError(
        f"{name} has {found} of {kind} values: TIFF files are read with one band of up to 32 bits or of "
        "floats, or with colours of 8 or 16 bits."
    )


def grey_values(picture: ImageFile.ImageFile) -> NDArray[np.float32] | None:
    """Return the values (h, w) of a grey picture of any format; None for eight bits without a sign.

    Of TIFFs Pillow takes unsigned values of 32 bits for signed ones, signed ones of 8 bits for unsigned ones,
    and 0 for black where it is white.
    """
    is_signed_byte = picture.mode == "L" and _tag(picture, _FORMAT) == _SIGNED
    if not (is_signed_byte or picture.mode == "F" or picture.mode.startswith("I")):
        return None
    values, bits = np.asarray(picture), _tag(picture, _BITS) or 16
    if is_signed_byte:
        values = values.view(np.int8)
    elif bits == 32 and picture.mode == "I" and _tag(picture, _FORMAT) == _UNSIGNED:
        values = values.view(np.uint32)
    values = values.astype(np.float32)
    is_negative = picture.mode.startswith("I;16") and _tag(picture, _PHOTOMETRIC) == _WHITE_IS_ZERO
    return 2**bits - 1 - values if is_negative else values


def _tag(picture: ImageFile.ImageFile, number: int) -> int | None:
    """Return a tag of an opened TIFF, the first value of several; None for pictures of other formats."""
    if picture.format != "TIFF":
        return None
    value = picture.tag_v2.get(number, _USUAL.get(number))  # type: ignore[attr-defined]
    return value[0] if isinstance(value, tuple) else value
