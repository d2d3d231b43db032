"""The picture of the dot under the mouse, beside a Plotly chart."""

import math
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.forget.gallery import sprite_sheet
from unlearn_core.artifacts.image_table import ImageTable

_SIDE = 76
_COMPONENT = st.components.v2.component(
    "unlearn_lens_hover_pictures",
    html='<div class="card" hidden></div>',
    css=".card { position: fixed; z-index: 1000; border-radius: 6px; box-shadow: 0 2px 10px #0007; "
    "image-rendering: pixelated; pointer-events: none; }",
    js=(Path(__file__).parent / "hover_pictures.js").read_text(encoding="utf-8"),
)


def hover_pictures(chart: str, table: ImageTable, positions: NDArray[np.intp], table_key: str) -> None:
    """Show a picture while the mouse is over its dot.

    Args:
        chart: key of the chart, whose points carry picture ids in `customdata`.
        table: of the image set.
        positions: in the table, of the pictures in the chart.
        table_key: names the table's content.
    """
    columns = max(1, math.isqrt(len(positions)))
    _COMPONENT(
        key=f"hover_{chart}",
        data={
            "chart": chart,
            "ids": table.ids[positions].tolist(),
            "sprite": sprite_sheet(table_key, tuple(positions.tolist()), columns, table.thumbnails),
            "columns": columns,
            "side": _SIDE,
        },
        height=1,
    )
