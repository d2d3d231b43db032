"""Attribution maps as pictures: before, after and difference on one symmetric scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pages.shared.deletion_curves import CURVES_STYLE
from pages.shared.explained_words import FOR_A_CLASS, Side
from pages.shared.score_bars import BARS_STYLE
from pages.shared.thumbnails import png_uri
from unlearn_core.artifacts.attribution_maps import AGAINST, FOR, common_scale, overlay

COLUMNS = ("picture", "before", "after", "difference")
_SMALLEST = 104
# Few rows fill the window, legible in a classroom; three rows fit on a laptop.
_STYLE = """
<style>
.maps { display: grid; grid-template-columns: minmax(96px, 190px) repeat(4, auto) minmax(200px, 1fr);
  gap: 8px 12px; align-items: center; justify-content: start; font-size: 14px;
  --side: max(var(--smallest), min(13vw, (100vh - 425px) / var(--rows) - 8px)); }
.maps .head { font-weight: 600; text-align: center; }
.maps img { width: var(--side); height: var(--side); border-radius: 6px; display: block; }
.maps .words { line-height: 1.35; font-size: 16px; font-weight: 600; overflow-wrap: anywhere; }
.maps .dim { opacity: 0.75; font-size: 12.5px; font-weight: 400; }
.maps .beside { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: center; margin-left: 8px; }
.maps dl { display: grid; grid-template-columns: auto auto; gap: 1px 10px; margin: 0; padding: 0;
  font-size: 12.5px; line-height: 1.35; }
.maps dt { opacity: 0.75; font-weight: 400; }
.maps dd { margin: 0; font-variant-numeric: tabular-nums; font-weight: 600; white-space: nowrap; }
.maps .under { grid-column: 2 / -1; display: flex; flex-wrap: wrap; gap: 2px 20px; align-items: center;
  font-size: 12.5px; padding-bottom: 6px; }
.maps .under dl { grid-template-columns: repeat(3, auto auto); gap: 1px 8px; }
@media (max-width: 700px) {
  .maps { grid-template-columns: repeat(4, auto); gap: 6px; --side: calc((100vw - 104px) / 4); }
  .maps .corner { display: none; }
  .maps .words, .maps .beside, .maps .under { grid-column: 1 / -1; margin-left: 0; }
  .maps .under dl { grid-template-columns: auto auto; }
}
</style>
"""
_LEGEND_STYLE = f"""
<style>
.scale {{ display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; font-size: 13px;
  margin-top: 6px; }}
.scale .bar {{ width: 160px; height: 10px; border-radius: 5px; border: 1px solid #8886;
  background: linear-gradient(90deg, rgb{AGAINST}, #fff, rgb{FOR}); }}
.scale .bar.one {{ background: linear-gradient(90deg, #fff, rgb{FOR}); }}
</style>
"""
_ONE_SIDED = "; in the difference orange is more, blue is less"


@dataclass(frozen=True)
class MapRow:
    """Maps of one picture by one algorithm, with a caption, a dimmed line, and named numbers.

    `details` are further numbers, drawn below the maps. `scores` and `curves` are HTML.
    """

    picture: NDArray[np.uint8]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    words: str
    small_words: str
    numbers: tuple[tuple[str, str], ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    scores: str = ""
    curves: str = ""

    def tiles(self, opacity: float | None) -> list[NDArray[np.uint8]]:
        """Return picture, before, after and difference, on one scale; uint8 (h, w, 3) each.

        Without opacity these are four times the picture.
        """
        scale = common_scale(self.before, self.after)
        maps = (self.before, self.after, self.after - self.before)
        picture = np.broadcast_to(self.picture, (*self.picture.shape[:2], 3)).copy()
        if opacity is None:
            return [picture] * (1 + len(maps))
        return [picture, *(overlay(self.picture, values, scale, opacity) for values in maps)]


def legend_html(sides: Sequence[Side] = (FOR_A_CLASS,)) -> str:
    """Return the legend of attribution maps, one line for each kind of map."""
    lines = "".join(
        f'<div class="scale">{escape(one.less)} <span class="bar{"" if one.two_sided else " one"}"></span> '
        f"{escape(one.more)}{'' if one.two_sided else _ONE_SIDED}</div>"
        for one in dict.fromkeys(sides)
    )
    return f"{_LEGEND_STYLE}{lines}"


def maps_html(rows: Sequence[MapRow], opacity: float | None, side: Side = FOR_A_CLASS) -> str:
    """Return all rows as one piece of HTML.

    Args:
        rows: at least one.
        opacity: of the maps, 0 to 1; None: the pictures instead.
        side: their legend.
    """
    corner = '<span class="corner"></span>'
    cells = [corner, *(f'<span class="head">{name}</span>' for name in COLUMNS), corner]
    for row in rows:
        small = escape(row.small_words)
        cells.append(f'<span class="words">{escape(row.words)}<br><span class="dim">{small}</span></span>')
        for name, tile in zip(COLUMNS, row.tiles(opacity), strict=True):
            cells.append(tile_html(tile, f"{row.words}: {name}"))
        cells.append(f'<span class="beside">{row.scores}{_facts(row.numbers)}</span>')
        if row.details:
            cells.append(f'<span class="under">{row.curves}{_facts(row.details)}</span>')
    variables = f"--smallest: {_SMALLEST}px; --rows: {len(rows)}"
    grid = f'<div class="maps" style="{variables}">{"".join(cells)}</div>'
    return f"{_STYLE}{BARS_STYLE}{CURVES_STYLE}{grid}{legend_html([side])}"


def _facts(numbers: Sequence[tuple[str, str]]) -> str:
    facts = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in numbers)
    return f"<dl>{''.join(facts)}</dl>"


def tile_html(tile: NDArray[np.uint8], words: str) -> str:
    """Return a picture or map (h, w, 3) as HTML; small ones are scaled without smoothing."""
    render = "pixelated" if tile.shape[1] < _SMALLEST else "auto"
    return f'<img src="{png_uri(tile)}" alt="{escape(words)}" style="image-rendering: {render}">'


@cache
def _font() -> ImageFont.FreeTypeFont:
    """Return the font of Matplotlib, which Captum needs: Pillow's own has no accents, arrows and Cyrillic."""
    place = find_spec("matplotlib")
    assert place is not None
    assert place.origin is not None
    return ImageFont.truetype(Path(place.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", 11)


def contact_sheet(
    grid: Sequence[Sequence[MapRow]], titles: Sequence[str], opacity: float | None
) -> Image.Image:
    """Return all maps as one picture for download: a row for each picture and algorithm.

    Args:
        grid: one row per picture, each with one `MapRow` per algorithm.
        titles: of the algorithms.
        opacity: of the maps, 0 to 1; None: the pictures instead.
    """
    side, head = 224, 22
    rows = [(f"{one.words}, {title}", one) for row in grid for title, one in zip(titles, row, strict=True)]
    sheet = Image.new("RGB", (4 * side, len(rows) * (side + head)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (words, row) in enumerate(rows):
        top = number * (side + head)
        for column, tile in enumerate(row.tiles(opacity)):
            title = words if column == 0 else COLUMNS[column]
            draw.text((column * side + 4, top + 4), title, fill="black", font=_font())
            grown = Image.fromarray(tile).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(grown, (column * side, top + head))
    return sheet
