"""Sanity checks of the maps of a run: the same maps with shuffled weights (arXiv 1810.03292)."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from pages.attributions.attribution_rows import forgotten_ids
from pages.shared.attribution_pictures import tile_html
from pages.shared.measurements import measured_as
from pages.shared.words import two_decimals
from unlearn_core.artifacts.attribution_maps import common_scale, overlay
from unlearn_core.artifacts.attribution_sanity import SanityCheck, read_sanity_check
from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.common.budget import Budget
from unlearn_core.engine.looks import SanityCheckRequest
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.attribution.yardstick import median

_PICTURES = Budget(4, 1)
_SAME_LAST, _SAME_ALL = 0.9, 0.5
"""Rank correlations from which a map counts as unchanged, with the last and with all layers shuffled."""

_OPACITY = 0.7
_COLUMNS = ("trained weights", "last layer shuffled", "all layers shuffled")
_STYLE = """
<style>
.sanity { display: grid; grid-template-columns: minmax(96px, 170px) repeat(3, 120px) minmax(160px, 1fr);
  gap: 6px 12px; align-items: center; font-size: 13px; }
.sanity .head { font-weight: 600; text-align: center; line-height: 1.2; }
.sanity img { width: 104px; height: 104px; border-radius: 6px; display: block; margin: 0 auto; }
.sanity .title { font-weight: 600; }
@media (max-width: 700px) {
  .sanity { grid-template-columns: repeat(3, 1fr); }
  .sanity .corner { display: none; }
  .sanity .title, .sanity .verdict { grid-column: 1 / -1; }
}
.sanity .dim { opacity: 0.75; display: block; text-align: center; font-variant-numeric: tabular-nums; }
</style>
"""


def show_sanity(comparison: Comparison, requests: Sequence[AttributionRequest], side: int) -> None:
    """Draw the check of each algorithm, on forgotten pictures of the run: first those that are shown."""
    forgotten = forgotten_ids(comparison)
    first = [one for one in requests[0].ids if one in forgotten]
    ids = tuple(dict.fromkeys([*first, *forgotten]))[: _PICTURES.of(side)]
    found = []
    for request in requests:
        title = algorithm_entry(request.algorithm).title
        check, _ = measured_as(
            read_sanity_check,
            SanityCheckRequest(replace(request, ids=ids)),
            f"{title}: maps of shuffled weights …",
        )
        found.append((title, check))
    st.markdown("##### Do these maps depend on the weights?")
    st.html(sanity_html(found, [str(one) for one in ids]))
    median = f", the median of {len(ids)} forgotten pictures" if len(ids) > 1 else ""
    st.caption(
        f"Maps of picture {ids[0]}; below each the rank correlation with that of the trained "
        f"weights{median}. Shuffled weights know nothing: a map that they leave as it is shows the picture, "
        "not the classifier (Adebayo et al., arXiv 1810.03292)."
    )


def sanity_html(found: Sequence[tuple[str, SanityCheck]], names: Sequence[str]) -> str:
    """Return a row for each algorithm, (title, its check), and what follows from it.

    Args:
        found: of the same pictures, by one algorithm each.
        names: of the pictures.
    """
    corner = '<span class="corner"></span>'
    cells = [corner, *(f'<span class="head">{name}</span>' for name in _COLUMNS), corner]
    for title, check in found:
        last, every = (
            median(one.tolist()) for one in (check.last_layer_correlation, check.all_layers_correlation)
        )
        cells.append(f'<span class="title">{escape(title)}</span>')
        maps = [one[0] for one in (check.trained, check.last_layer, check.all_layers)]
        for name, values, said in zip(
            _COLUMNS, maps, (f"id {names[0]}", two_decimals(last), two_decimals(every)), strict=True
        ):
            # Each on its own scale: scores of shuffled weights are much smaller.
            painted = overlay(check.inputs[0], values, common_scale(values), _OPACITY)
            cells.append(
                f'<span>{tile_html(painted, f"{title}: {name}")}<span class="dim">{said}</span></span>'
            )
        cells.append(f'<span class="verdict">{escape(verdict(last, every))}</span>')
    return f'{_STYLE}<div class="sanity">{"".join(cells)}</div>'


def verdict(last: float, every: float) -> str:
    """Return what follows from the rank correlations with the last and with all layers shuffled."""
    if every >= _SAME_ALL:
        return "Hardly changes with random weights: it shows the picture and says nothing about forgetting."
    if last >= _SAME_LAST:
        return "Hardly changes with a random last layer: it says nothing about forgetting in that layer."
    return "Changes with the weights: its change in a run can show forgetting."
