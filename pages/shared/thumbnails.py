"""Many small pictures with captions, drawn at once."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

_STYLE = """
<style>
.pictures { display: flex; flex-wrap: wrap; gap: 10px; }
.pictures figure { margin: 0; width: 92px; text-align: center; font-size: 12.5px; line-height: 1.25; }
.pictures img { width: 64px; height: 64px; border-radius: 6px; image-rendering: pixelated; }
.pictures.scrolling { overflow-y: auto; padding: 4px; }
.pictures figcaption { overflow-wrap: anywhere; }
.pictures .dim { opacity: 0.65; }
</style>
"""


@dataclass(frozen=True)
class Captioned:
    """A picture, uint8 (s, s, c), with a caption and a dimmed line."""

    pixels: NDArray[np.uint8]
    words: str
    small_words: str


def png_uri(pixels: NDArray[np.uint8]) -> str:
    """Return a picture, uint8 (h, w, c), as a lossless data URI."""
    file = BytesIO()
    Image.fromarray(pixels.squeeze() if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def pictures_html(pictures: Sequence[Captioned], height: int | None = None) -> str:
    """Return the pictures as one piece of HTML; the captions are also their alternative text.

    With a height, in pixels, they scroll where they need more; the keyboard reaches them there.
    """
    figures = [
        f'<figure><img src="{png_uri(one.pixels)}" alt="{escape(f"{one.words}, {one.small_words}")}">'
        f'<figcaption>{escape(one.words)}<br><span class="dim">{escape(one.small_words)}</span></figcaption>'
        "</figure>"
        for one in pictures
    ]
    scrolls = (
        ""
        if height is None
        else f' scrolling" style="max-height: {height}px" tabindex="0" role="region" aria-label="Pictures'
    )
    return f'{_STYLE}<div class="pictures{scrolls}">{"".join(figures)}</div>'


def show_pictures(pictures: Sequence[Captioned], height: int | None = None) -> None:
    """Draw the pictures side by side, in as many rows as needed, or scrolling in a height in pixels."""
    st.html(pictures_html(pictures, height))
