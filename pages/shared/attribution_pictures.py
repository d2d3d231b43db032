"""Attribution maps as pictures: before, after and difference on one symmetric scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pages.shared.thumbnails import png_uri
from unlearn_core.artifacts.attribution_maps import common_scale, overlay

COLUMNS = ("picture", "before", "after", "difference")
_SMALLEST = 104
# Few rows fill the window, legible in a classroom; three rows fit on a laptop.
_STYLE = """
<style>
.maps { display: grid; grid-template-columns: minmax(110px, 190px) repeat(4, auto) minmax(170px, auto);
  gap: 8px 14px; align-items: center; justify-content: start; font-size: 14px;
  --side: max(var(--smallest), min(13vw, (100vh - 425px) / var(--rows) - 8px)); }
.maps .head { font-weight: 600; text-align: center; }
.maps img { width: var(--side); height: var(--side); border-radius: 6px; display: block; }
.maps .words { line-height: 1.35; font-size: 16px; font-weight: 600; }
.maps .dim { opacity: 0.7; font-size: 12.5px; font-weight: 400; }
.maps dl { display: grid; grid-template-columns: auto 1fr; gap: 3px 12px; margin: 0 0 0 10px;
  font-size: 13px; }
.maps dt { opacity: 0.7; font-weight: 400; }
.maps dd { margin: 0; font-variant-numeric: tabular-nums; font-weight: 600; }
</style>
"""
LEGEND = """
<style>
.scale { display: flex; gap: 10px; align-items: center; font-size: 13px; margin-top: 6px; }
.scale .bar { width: 220px; height: 10px; border-radius: 5px;
  background: linear-gradient(90deg, rgb(33, 96, 190), #fff, rgb(224, 120, 11)); border: 1px solid #8886; }
</style>
<div class="scale">against the class <span class="bar"></span> for the class</div>
"""
"""The legend of all attribution maps, as HTML."""


@dataclass(frozen=True)
class MapRow:
    """Maps of one picture by one algorithm, with a caption, a dimmed line, and named numbers."""

    picture: NDArray[np.uint8]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    words: str
    small_words: str
    numbers: tuple[tuple[str, str], ...] = ()

    def tiles(self, opacity: float) -> list[NDArray[np.uint8]]:
        """Return picture, before, after and difference, on one scale; uint8 (h, w, 3) each."""
        scale = common_scale(self.before, self.after)
        maps = (self.before, self.after, self.after - self.before)
        picture = np.broadcast_to(self.picture, (*self.picture.shape[:2], 3)).copy()
        return [picture, *(overlay(self.picture, values, scale, opacity) for values in maps)]


def maps_html(rows: Sequence[MapRow], opacity: float) -> str:
    """Return all rows as one piece of HTML.

    Args:
        rows: at least one.
        opacity: of the maps, 0 to 1.
    """
    cells = ["<span></span>", *(f'<span class="head">{name}</span>' for name in COLUMNS), "<span></span>"]
    for row in rows:
        small = escape(row.small_words)
        cells.append(f'<span class="words">{escape(row.words)}<br><span class="dim">{small}</span></span>')
        for name, tile in zip(COLUMNS, row.tiles(opacity), strict=True):
            cells.append(tile_html(tile, f"{row.words}: {name}"))
        facts = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in row.numbers)
        cells.append(f"<dl>{''.join(facts)}</dl>")
    variables = f"--smallest: {_SMALLEST}px; --rows: {len(rows)}"
    return f'{_STYLE}<div class="maps" style="{variables}">{"".join(cells)}</div>{LEGEND}'


def tile_html(tile: NDArray[np.uint8], words: str) -> str:
    """Return a picture or map (h, w, 3) as HTML; small ones are scaled without smoothing."""
    render = "pixelated" if tile.shape[1] < _SMALLEST else "auto"
    return f'<img src="{png_uri(tile)}" alt="{escape(words)}" style="image-rendering: {render}">'


def contact_sheet(grid: Sequence[Sequence[MapRow]], titles: Sequence[str], opacity: float) -> Image.Image:
    """Return all maps as one picture for download: a row for each picture and algorithm.

    Args:
        grid: one row per picture, each with one `MapRow` per algorithm.
        titles: of the algorithms.
        opacity: of the maps, 0 to 1.
    """
    side, head = 224, 22
    rows = [(f"{one.words}, {title}", one) for row in grid for title, one in zip(titles, row, strict=True)]
    sheet = Image.new("RGB", (4 * side, len(rows) * (side + head)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (words, row) in enumerate(rows):
        top = number * (side + head)
        for column, tile in enumerate(row.tiles(opacity)):
            title = words if column == 0 else COLUMNS[column]
            draw.text((column * side + 4, top + 5), title.replace("→", "->"), fill="black")
            grown = Image.fromarray(tile).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(grown, (column * side, top + head))
    return sheet
