"""The scores of a class and its opponent before and after, as small bars."""

from collections.abc import Sequence
from html import escape

import numpy as np

from unlearn_core.artifacts.attribution_maps import AGAINST, FOR, NO_CLASS, Attributions
from unlearn_core.artifacts.predictions import Comparison

BARS_STYLE = f"""
<style>
.scores {{ display: grid; grid-template-columns: auto minmax(40px, 110px) auto; gap: 1px 7px;
  justify-content: start; align-items: center; font-size: 12px; line-height: 1.25; font-weight: 400; }}
.scores .names {{ grid-column: 1 / -1; }}
.scores .names i {{ display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin: 0 4px 0 0; }}
.scores .names span {{ margin-right: 10px; }}
.scores .when {{ opacity: 0.75; }}
.scores .track {{ position: relative; height: 9px; }}
.scores .track i {{ position: absolute; top: 0; bottom: 0; min-width: 1px; border-radius: 2px; }}
.scores .first {{ background: rgb{FOR}; }}
.scores .second {{ background: rgb{AGAINST}; }}
.scores b {{ font-variant-numeric: tabular-nums; font-weight: 400; text-align: right; }}
.scores b.ahead {{ font-weight: 700; }}
</style>
"""
_COLOURS = ("first", "second")


def score_bars_html(comparison: Comparison, shown: Attributions, row: int) -> str:
    """Return the bars of one picture; "" for maps of version 0.1.0, which were kept without scores."""
    classes = [int(one[row]) for one in (shown.targets, shown.against) if one[row] != NO_CLASS]
    scores = np.stack([shown.scores_before[row], shown.scores_after[row]])[:, : len(classes)].tolist()
    if np.isnan(scores).any():
        return ""
    low, high = min(0.0, *scores[0], *scores[1]), max(0.0, *scores[0], *scores[1])
    names = "".join(
        f'<span><i class="{colour}"></i>{escape(comparison.short_name(one))}</span>'
        for colour, one in zip(_COLOURS, classes, strict=False)
    )
    bars = "".join(
        _bars(when, pair, low, (high - low) or 1.0)
        for when, pair in zip(("before", "after"), scores, strict=True)
    )
    title = "Scores (logits) before and after"
    return f'<span class="scores" title="{title}"><span class="names">{names}</span>{bars}</span>'


def _bars(when: str, pair: Sequence[float], low: float, span: float) -> str:
    """Return a bar for each score of one classifier, on a track that begins at `low`."""
    cells = []
    for colour, score in zip(_COLOURS, pair, strict=False):
        left, width = 100 * (min(score, 0) - low) / span, 100 * abs(score) / span
        look = f'class="{colour}" style="left: {left:.1f}%; width: {width:.1f}%"'
        ahead = ' class="ahead"' if len(pair) > 1 and score == max(pair) else ""
        cells.append(
            f'<span class="when">{when if colour == _COLOURS[0] else ""}</span>'
            f'<span class="track"><i {look}></i></span>'
            f"<b{ahead}>{f'{score:.1f}'.replace('-', '−')}</b>"
        )
    return "".join(cells)
