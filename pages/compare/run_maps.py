"""Attribution maps of a few pictures in several runs, side by side."""

from collections.abc import Sequence
from html import escape

import numpy as np

from pages.shared.attribution_pictures import LEGEND, tile_html
from unlearn_core.artifacts.attribution_maps import Attributions, common_scale, overlay

_OPACITY = 0.8
_STYLE = """
<style>
.runmaps { display: grid; grid-template-columns: repeat(var(--columns), auto); gap: 3px 10px;
  justify-content: start; font-size: 13px; text-align: center;
  --side: max(64px, min((50vw - 90px) / var(--columns) - 10px, (100vh - 420px) / var(--rows) - 26px)); }
.runmaps .head { font-weight: 600; overflow-wrap: anywhere; max-width: var(--side); align-self: end; }
.runmaps img { width: var(--side); height: var(--side); border-radius: 6px; display: block; }
.runmaps .dim { opacity: 0.75; padding-bottom: 5px; max-width: var(--side); }
</style>
"""


def run_maps_html(
    shown: Sequence[Attributions], titles: Sequence[str], words: Sequence[Sequence[str]]
) -> str:
    """Return a row for each picture: itself, its map before, and its map in every run, on one scale per row.

    Args:
        shown: of n runs, the same m pictures in each; the first one gives the maps before.
        titles: of the n + 1 maps, the one before first.
        words: for each picture, the captions of its n + 1 maps.
    """
    cells = [f'<span class="head">{escape(title)}</span>' for title in ("picture", *titles)]
    for number, said in enumerate(words):
        maps = [shown[0].before[number], *(one.after[number] for one in shown)]
        scale, picture = common_scale(*maps), shown[0].inputs[number]
        tiles = [np.broadcast_to(picture, (*picture.shape[:2], 3))]
        tiles += [overlay(picture, values, scale, _OPACITY) for values in maps]
        names = [f"picture {shown[0].ids[number]}", *titles]
        under = [f"id {shown[0].ids[number]}", *said]
        cells += [
            tile_html(tile, f"{name}: {word}") for name, word, tile in zip(names, under, tiles, strict=True)
        ]
        cells += [f'<span class="dim">{escape(word)}</span>' for word in under]
    variables = f"--columns: {len(titles) + 1}; --rows: {len(words)}"
    return f'{_STYLE}<div class="runmaps" style="{variables}">{"".join(cells)}</div>{LEGEND}'
