"""Attribution maps of a few pictures in several runs, side by side."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import numpy as np

from pages.shared.attribution_pictures import legend_html, tile_html
from pages.shared.explained_words import FOR_A_CLASS, Side
from unlearn_core.artifacts.attribution_maps import Attributions, common_scale, overlay
from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.measuring.attribution.request import CONTRAST

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


def contest(picture: int, predictions: Sequence[Comparison]) -> str:
    """Return the target for a picture's maps in several runs of one classifier and image set.

    Its label stands against what most runs predict instead, or where all predict the label, against the
    runner-up before.
    """
    places = [int(np.flatnonzero((one.image_set == 0) & (one.ids == picture))[0]) for one in predictions]
    label = int(predictions[0].labels[places[0]])
    new = [int(one.after[place]) for one, place in zip(predictions, places, strict=True)]
    others = Counter(one for one in new if one != label)
    return f"{label}-{others.most_common(1)[0][0]}" if others else CONTRAST


def run_maps_html(
    shown: Sequence[Sequence[Attributions]],
    titles: Sequence[str],
    words: Sequence[Sequence[str]],
    side: Side = FOR_A_CLASS,
) -> str:
    """Return a row for each picture: itself, its map before, and its map in every run, on one scale per row.

    Args:
        shown: for each picture, its maps alone in n runs; the first run gives the map before.
        titles: of the n + 1 maps, the one before first.
        words: for each picture, the captions of it and of its n + 1 maps.
        side: their legend.
    """
    cells = [f'<span class="head">{escape(title)}</span>' for title in ("picture", *titles)]
    for runs, said in zip(shown, words, strict=True):
        maps = [runs[0].before[0], *(one.after[0] for one in runs)]
        scale, picture = common_scale(*maps), runs[0].inputs[0]
        tiles = [np.broadcast_to(picture, (*picture.shape[:2], 3))]
        tiles += [overlay(picture, values, scale, _OPACITY) for values in maps]
        names = [f"picture {runs[0].ids[0]}", *titles]
        cells += [
            tile_html(tile, f"{name}: {word}") for name, word, tile in zip(names, said, tiles, strict=True)
        ]
        cells += [f'<span class="dim">{escape(word)}</span>' for word in said]
    variables = f"--columns: {len(titles) + 1}; --rows: {len(words)}"
    return f'{_STYLE}<div class="runmaps" style="{variables}">{"".join(cells)}</div>{legend_html([side])}'
