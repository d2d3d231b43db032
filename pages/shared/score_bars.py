"""The scores of a class and its opponent before and after, as small bars."""

from collections.abc import Sequence
from html import escape

import numpy as np

from unlearn_core.artifacts.attribution_maps import AGAINST, FOR, NO_CLASS, Attributions
from unlearn_core.artifacts.predictions import Comparison

BARS_STYLE = f"""
<style>
.scores {{ display: grid; grid-template-columns: auto auto minmax(50px, 96px) auto; gap: 1px 6px;
  align-items: center; font-size: 12px; line-height: 1.2; font-weight: 400; }}
.scores .when {{ opacity: 0.75; }}
.scores .class {{ max-width: 84px; overflow-wrap: break-word; }}
.scores .track {{ position: relative; height: 9px; }}
.scores .track i {{ position: absolute; top: 0; bottom: 0; min-width: 1px; border-radius: 2px; }}
.scores .first {{ background: rgb{FOR}; }}
.scores .second {{ background: rgb{AGAINST}; }}
.scores b {{ font-variant-numeric: tabular-nums; font-weight: 600; text-align: right; }}
.scores .ahead {{ font-weight: 600; }}
</style>
"""


def score_bars_html(comparison: Comparison, shown: Attributions, row: int) -> str:
    """Return the bars of one picture; "" for maps of version 0.1.0, which were kept without scores."""
    classes = [int(one[row]) for one in (shown.targets, shown.against) if one[row] != NO_CLASS]
    scores = np.stack([shown.scores_before[row], shown.scores_after[row]])[:, : len(classes)].tolist()
    if np.isnan(scores).any():
        return ""
    low, high = min(0.0, *scores[0], *scores[1]), max(0.0, *scores[0], *scores[1])
    names = [comparison.short_name(one) for one in classes]
    cells = [
        cell
        for when, pair in zip(("before", "after"), scores, strict=True)
        for cell in _bars(when, names, pair, low, (high - low) or 1.0)
    ]
    title = "Scores (logits) before and after"
    return f'<span class="scores" title="{title}">{"".join(cells)}</span>'


def _bars(when: str, names: Sequence[str], pair: Sequence[float], low: float, span: float) -> list[str]:
    cells = []
    for place, (name, score) in enumerate(zip(names, pair, strict=True)):
        left, width = 100 * (min(score, 0) - low) / span, 100 * abs(score) / span
        look = f'class="{("first", "second")[place]}" style="left: {left:.1f}%; width: {width:.1f}%"'
        ahead = " ahead" if len(pair) > 1 and score == max(pair) else ""
        cells.append(
            f'<span class="when">{when if place == 0 else ""}</span>'
            f'<span class="class{ahead}">{escape(name)}</span>'
            f'<span class="track"><i {look}></i></span>'
            f"<b>{f'{score:.1f}'.replace('-', '−')}</b>"
        )
    return cells
