"""Pictures that a person can click, to follow them on other pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.shared.thumbnails import Captioned, png_uri

_HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "unlearn_lens_pictures",
    html='<div class="clickable" role="group" aria-label="Pictures"></div>',
    css=(_HERE / "clickable_pictures.css").read_text(encoding="utf-8"),
    js=(_HERE / "clickable_pictures.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Clickable:
    """A picture with captions, and its id in the run's image set."""

    id: int
    shown: Captioned


def clickable_pictures(
    pictures: Sequence[Clickable], followed: Sequence[int], key: str, height: int | None = None
) -> int | None:
    """Draw the pictures side by side; return the id of the one that was clicked just now, if any.

    Args:
        pictures: to draw, in this order.
        followed: the ids to mark.
        key: of the widget.
        height: in pixels; the pictures scroll where they need more. None: as high as needed.
    """
    result = _COMPONENT(
        key=key,
        data={
            "pictures": [
                {
                    "id": one.id,
                    "picture": png_uri(one.shown.pixels),
                    "words": one.shown.words,
                    "small": one.shown.small_words,
                }
                for one in pictures
            ],
            "followed": list(followed),
            "height": height,
        },
        on_clicked_change=lambda: None,
    )
    clicked = result.get("clicked")
    return None if clicked is None else int(clicked)
