"""Pictures with more than eight bits per channel: one scale, the *window*, brings them to 0 to 255.

A file does not say which intensity is black and which is white: a microscope writes 12 bits into 16, a CT
scanner Hounsfield units from -1,000, a program floats from 0 to 1. So a set of pictures has one window, found
in a sample of them or chosen by a person.
"""

import sys
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from unlearn_core.catalog.untrusted.tiffs import grey_values

Window = tuple[float, float]
"""The intensities that become 0 and 255; those outside become 0 or 255."""

SIXTEEN_BITS = (0.0, 65535.0)
"""Also of deep pictures in a set whose sample has none."""

# The usual ones, so that a set that happens to lack its brightest value gets the scale that was meant.
_USUAL = ((0, 1), (-1, 1), (0, 255), (0, 1023), (0, 4095), (0, 16383), (0, 65535))
_FULL = 0.8
_PIXELS = 2**18
# Of each picture's pixels at either end: a few broken pixels must not decide for all.
_OUTLIERS = 0.1
# Of the brightest intensity: what is darker than that counts as near black, which is 0.
_DARK = 0.25


def deep_values(picture: ImageFile.ImageFile, data: bytes) -> NDArray[np.float32] | None:
    """Return the intensities of an opened picture, (h, w) or (h, w, 3), or None if it has eight bits.

    `data` is its file: Pillow reads 16-bit colours as their higher bytes, so the lower ones are read from it.
    """
    if (values := grey_values(picture)) is not None:
        return np.nan_to_num(values, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    if other := _other_byte(picture):
        with Image.open(BytesIO(data), formats=[picture.format or ""]) as lower:
            lower.tile = [tile._replace(args=_with_rawmode(tile.args, other)) for tile in lower.tile]
            return np.asarray(picture, np.float32)[..., :3] * 256 + np.asarray(lower)[..., :3]
    return None


def usual_window(picture: Image.Image) -> Window:
    """Return the window of the type of a picture that belongs to no set: 0 to 1 for floats, else 16 bits.

    Of one byte, which is deep where it has a sign, it is all of that.
    """
    return {"F": (0.0, 1.0), "L": (-128.0, 127.0)}.get(picture.mode, SIXTEEN_BITS)


def window_of(pictures: Iterable[NDArray[np.float32]]) -> Window | None:
    """Return the window for pictures like these: a usual range that they fill, or else their own range.

    None without pictures.
    """
    some = (one.ravel()[:: 1 + one.size // _PIXELS] for one in pictures)
    finite = (one[np.isfinite(one)] for one in some)
    ends = [np.percentile(one, (_OUTLIERS, 100 - _OUTLIERS, 0, 100)) for one in finite if one.size]
    if not ends:
        return None
    low, high = float(min(one[0] for one in ends)), float(max(one[1] for one in ends))
    if low == high:
        # Few pixels are not black.
        low, high = float(min(one[2] for one in ends)), float(max(one[3] for one in ends))
    if low == high:
        # One value tells no range.
        return (0.0, 1.0) if 0 <= high <= 1 else SIXTEEN_BITS
    if 0 < low <= _DARK * high:
        low = 0.0
    for usual_low, usual_high in _USUAL:
        begins = usual_low <= low <= 0 and (usual_low < 0) == (low < 0)
        if begins and _FULL * usual_high <= high <= usual_high:
            return float(usual_low), float(usual_high)
    return low, high


def to_bytes(values: NDArray[np.float32], window: Window) -> NDArray[np.uint8]:
    """Return intensities as 0 to 255, rounded."""
    low, high = window
    return np.clip((values - low) * (255 / (high - low)), 0, 255).round().astype(np.uint8)


def in_words(window: Window) -> str:
    """Return a sentence that says what a window did."""
    low, high = (f"{end:.3g}" if abs(end) < 100 else f"{end:,.0f}" for end in window)
    return f"Intensities from {low} to {high} became 0 to 255."


def _other_byte(picture: ImageFile.ImageFile) -> str:
    """Return the raw mode of the byte of 16-bit colours that Pillow leaves out, or "" for other pictures."""
    args = picture.tile[0].args if picture.tile else ""
    rawmode = args[0] if isinstance(args, tuple) and args else args
    kind, _, order = rawmode.partition(";16") if isinstance(rawmode, str) else ("", "", "")
    if kind not in ("RGB", "RGBA"):
        return ""
    big = order == "B" or (order == "N" and sys.byteorder == "big")
    return f"{kind};16{'L' if big else 'B'}" if order else ""


def _with_rawmode(args: Any, rawmode: str) -> Any:
    return (rawmode, *args[1:]) if isinstance(args, tuple) else rawmode
