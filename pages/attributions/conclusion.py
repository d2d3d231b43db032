"""What the maps show of forgetting, in two sentences."""

import numpy as np

from pages.attributions.attribution_rows import Yardstick
from pages.shared.words import plain, two_decimals
from unlearn_core.artifacts.attribution_maps import NO_CLASS, Attributions
from unlearn_core.artifacts.attribution_quality import AttributionQuality
from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.measuring.attribution.yardstick import median

_ALIKE = 0.02
"""Difference of two rank correlations below which maps changed as much."""


def conclusion(
    comparison: Comparison, shown: Attributions, forgotten: list[int], yardstick: Yardstick, title: str = ""
) -> str:
    """Return what the maps of one algorithm show of the forgotten pictures among them, as Markdown.

    Args:
        comparison: of the run.
        shown: the maps.
        forgotten: ids of the forget set.
        yardstick: rank correlations of forgotten and of kept pictures; nothing is said of unknown ones.
        title: of the algorithm, where several are shown.
    """
    rows = np.flatnonzero(np.isin(shown.ids, forgotten))
    if not len(rows):
        return "None of these pictures was to be forgotten."
    words = []
    if (shown.against[rows] != NO_CLASS).all():
        leads = (shown.scores_before[rows], shown.scores_after[rows])
        before, after = (one[:, 0] - one[:, 1] for one in leads)
        if len(rows) == 1:
            pair = (int(one[rows[0]]) for one in (shown.targets, shown.against))
            names = [plain(comparison.short_name(one)) for one in pair]
            was, now = _lead(names, before[0], "led"), _lead(names, after[0], "leads")
            words.append(f"**Before, {was} in score; now {now}.**")
        else:
            lost = int((after < 0).sum())
            never = int(((before < 0) & (after < 0)).sum())
            too = f" ({never} of them before as well)" if never else ""
            words.append(f"**In {lost} of {len(rows)} forgotten pictures the other class leads now{too}.**")
    known = [(name, one) for name, one in zip(("forgotten", "kept"), yardstick, strict=True) if one]
    if not known:
        return " ".join(words)
    words.append(_how_alike({name: median(values) for name, values in known}, title))
    counts = " and ".join(dict.fromkeys(str(len(values)) for _, values in known))
    return " ".join([*words, f"(medians of {counts})."])


def _how_alike(medians: dict[str, float], title: str) -> str:
    """Compare rank correlations of maps before and after, and say what that means for forgetting."""
    of = f", {title}" if title else ""
    said = ", ".join(f"{name} {two_decimals(one)}" for name, one in medians.items())
    if len(medians) < 2:
        return f"Rank correlation of maps before and after{of}: {said}"
    less = medians["kept"] - medians["forgotten"]
    much = "as much as" if abs(less) < _ALIKE else "more than" if less > 0 else "less than"
    changed = f"Maps of forgotten pictures changed {much} those of kept ones{of}."
    return f"{changed} Rank correlation before and after: {said}"


def trust_words(quality: AttributionQuality, title: str = "") -> str:
    """Return whether the maps before forgetting mark what decides, as Markdown.

    Args:
        quality: of the maps.
        title: of the algorithm, where several are shown.
    """
    falls = quality.deletion[:, 0, :2]
    if np.isnan(falls).any():
        return ""
    whole, emptied = (median(one) for one in falls.T.tolist())
    marked = "what decides" if emptied <= whole / 2 else "only a part of what decides"
    who = f"{title}: these maps" if title else "These maps"
    few = f"the median of {len(falls)} pictures" if len(falls) > 1 else "this picture"
    return (
        f"**{who} mark {marked}**: with the tenth of the pixels emptied that they rank first, the "
        f"probability before forgetting goes from {100 * whole:.0f} to {100 * emptied:.0f}% ({few})."
    )


def _lead(names: list[str], by: float, verb: str) -> str:
    """Return such as "2 led 8 by 6.7"."""
    ahead, behind = names if by >= 0 else reversed(names)
    return f"{ahead} {verb} {behind} by {abs(by):.1f}"
