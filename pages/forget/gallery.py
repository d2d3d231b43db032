"""The clickable gallery: hundreds of thumbnails in one component, drawn from one sprite sheet."""

import base64
import math
from io import BytesIO
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from pages.shared import selection
from pages.shared.app_state import ask_when_drawn, note_drawn
from pages.shared.palette import AFTER
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.catalog.class_names import short_class_names
from unlearn_core.common.sharing import is_shared

_HERE = Path(__file__).parent
_COMPONENT = st.components.v2.component(
    "unlearn_lens_gallery",
    html=(_HERE / "gallery.html").read_text(encoding="utf-8"),
    css=(_HERE / "gallery.css").read_text(encoding="utf-8"),
    js=(_HERE / "gallery.js").read_text(encoding="utf-8"),
)

KEY = "gallery"
PAGE = 1000
"""Thumbnails shown at once."""

_DIGITS = set("0123456789")
_EMPTY = "No picture passes these filters. Widen the confidence range or show all classes."


def gallery(table: ImageTable, positions: NDArray[np.intp], table_key: str) -> list[int]:
    """Show the pictures at `positions`, shape (n,), n up to `PAGE`; return the ids of all picked ones.

    `table_key` names the table's content: the sprite sheet is cached under it.
    """
    if KEY not in st.session_state:
        # A new gallery does not have the earlier selection.
        selection.pick(selection.picked())
    columns = max(1, math.isqrt(len(positions)))
    ids = table.ids[positions]
    result = _COMPONENT(
        key=KEY,
        # A list, since Streamlit looks for tables in a dictionary, and imports pandas for that.
        data=[
            {
                "sprite": sprite_sheet(table_key, tuple(positions.tolist()), columns, table.thumbnails),
                "columns": columns,
                "size": 40 if table.thumbnails.shape[1] <= 32 else 76,
                "ids": ids.tolist(),
                "labels": [describe(table, position) for position in positions],
                "wrong": ids[table.predictions[positions] != table.labels[positions]].tolist(),
                "wrong_colour": AFTER,
                "empty": _EMPTY,
                "selection": selection.sent(),
                "tell": ask_when_drawn(),
            }
        ],
        on_selected_change=lambda: None,
        on_drawn_change=note_drawn,
    )
    selection.take_over(result.get("selected"))
    return selection.picked()


def describe(table: ImageTable, position: int) -> str:
    """Describe a picture: class, id, confidence, and the prediction where it is wrong."""
    names = short_class_names(table.class_names)
    name = names[table.labels[position]]
    kind = f"{'digit' if set(names) == _DIGITS else 'class'} {name}" if name.isdigit() else name
    words = [kind, f"id {table.ids[position]}", f"confidence {100 * table.confidences[position]:.0f}%"]
    if table.predictions[position] != table.labels[position]:
        words.append(f"predicted {names[table.predictions[position]]}")
    # Names of files are for those whose files they are; the folder is the class.
    if table.files and table.files[position] and not is_shared():
        words.append(table.files[position].rpartition("/")[2])
    return ", ".join(words)


@st.cache_data(show_spinner=False, max_entries=32)
def sprite_sheet(
    table_key: str, positions: tuple[int, ...], columns: int, _thumbnails: NDArray[np.uint8]
) -> str:
    """Lay out thumbnails row by row in one picture; return it as a data URI."""
    size = _thumbnails.shape[1]
    rows = math.ceil(len(positions) / columns) or 1
    sheet = np.zeros((rows * columns, *_thumbnails.shape[1:]), np.uint8)
    sheet[: len(positions)] = _thumbnails[list(positions)]
    pixels = sheet.reshape(rows, columns, size, size, -1).swapaxes(1, 2)
    pixels = pixels.reshape(rows * size, columns * size, -1)
    file = BytesIO()
    if pixels.shape[2] == 1:
        Image.fromarray(pixels[:, :, 0]).save(file, "PNG", compress_level=3)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    Image.fromarray(pixels).save(file, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
