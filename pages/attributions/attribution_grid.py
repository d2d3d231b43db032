"""Several pictures × several algorithms: a grid with before, after and difference in each cell."""

from collections.abc import Sequence
from html import escape

from pages.shared.attribution_pictures import COLUMNS, MapRow, legend_html, tile_html
from pages.shared.deletion_curves import CURVES_STYLE
from pages.shared.explained_words import FOR_A_CLASS, Side
from pages.shared.score_bars import BARS_STYLE

_STYLE = """
<style>
.mapgrid { display: grid; gap: 4px 5px; align-items: center; justify-content: start; font-size: 14px;
  grid-template-columns: minmax(126px, 150px) auto repeat(var(--algorithms), auto auto auto 6px);
  --tiles: calc(1 + 3 * var(--algorithms));
  --side: max(80px, min((100vw - 290px) / var(--tiles) - 7px, (100vh - 425px) / var(--rows) - 26px)); }
.scrolling { overflow-x: auto; }
.mapgrid .algorithm { grid-column: span 4; font-weight: 600; }
.mapgrid .head { font-size: 12px; opacity: 0.75; text-align: center; }
.mapgrid img { width: var(--side); height: var(--side); border-radius: 5px; display: block; }
.mapgrid .words { font-weight: 600; line-height: 1.3; }
.mapgrid .dim { opacity: 0.7; font-size: 12px; font-weight: 400; }
.mapgrid .numbers { grid-column: span 4; max-width: calc(3 * var(--side) + 12px); font-size: 12px;
  opacity: 0.8; padding-bottom: 4px; font-variant-numeric: tabular-nums; align-self: start; }
</style>
"""


def map_grid_html(
    rows: Sequence[Sequence[MapRow]],
    titles: Sequence[str],
    opacity: float | None,
    sides: Sequence[Side] = (FOR_A_CLASS,),
) -> str:
    """Return a grid as one piece of HTML.

    Args:
        rows: one per picture, each with one `MapRow` per algorithm, in the same order.
        titles: of the algorithms.
        opacity: of the maps, 0 to 1; None: the pictures instead.
        sides: legends of the algorithms' maps; equal ones are shown once.
    """
    cells = ["<span></span><span></span>"]
    cells += [f'<span class="algorithm">{escape(title)}</span>' for title in titles]
    cells.append('<span></span><span class="head">picture</span>')
    heads = "".join(f'<span class="head">{name}</span>' for name in COLUMNS[1:])
    cells += [f"{heads}<span></span>"] * len(titles)
    for row in rows:
        # Bars of two classes say more than those of one.
        first = max(row, key=lambda one: len(one.scores))
        cells.append(
            f'<span class="words">{escape(first.words)}<br>'
            f'<span class="dim">{escape(first.small_words)}</span>{first.scores}</span>'
        )
        cells.append(tile_html(first.tiles(opacity)[0], f"{first.words}: picture"))
        for title, one in zip(titles, row, strict=True):
            for name, tile in zip(COLUMNS[1:], one.tiles(opacity)[1:], strict=True):
                cells.append(tile_html(tile, f"{one.words}, {title}: {name}"))
            cells.append("<span></span>")
        cells.append("<span></span><span></span>")
        for one in row:
            said = " · ".join(f"{name} {value}" for name, value in (*one.numbers, *one.details))
            cells.append(f'<span class="numbers">{escape(said)}{one.curves}</span>')
    variables = f"--algorithms: {len(titles)}; --rows: {len(rows)}"
    grid = f'<div class="mapgrid" style="{variables}">{"".join(cells)}</div>'
    # Several algorithms are wider than a phone; the keyboard scrolls only what it can reach.
    grid = f'<div class="scrolling" tabindex="0" role="region" aria-label="Maps">{grid}</div>'
    return f"{_STYLE}{BARS_STYLE}{CURVES_STYLE}{grid}{legend_html(sides)}"
