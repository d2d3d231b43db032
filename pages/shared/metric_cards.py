"""Metric cards: a number for each set of pictures, with its change and its uncertainty."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from pages.shared.glossary import explained
from pages.shared.words import SETS, decimals, percent
from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.artifacts.predictions import GROUP_NAMES, Change, Comparison, group_change, read_comparison
from unlearn_core.artifacts.results import Depth, Result
from unlearn_core.common.counted import counted
from unlearn_core.errors import UserError

_CARD = 180
"""Pixels: three stand in the right column of a laptop, two in that of a projector of 1024 × 768."""


_FEW = 25
"""Percent: so few, or all but so few, are said to be none or all in words."""


def result_cards(result: Result, folder: Path) -> None:
    """Show accuracy before and after on each set of pictures, or agreement if there are no labels.

    The predictions in the run's folder tell by how much a change may be chance.
    """
    try:
        comparison = read_comparison(folder)
    except UserError:
        # Those pages say it that show the predictions themselves.
        comparison = None
    changes = {}
    for name, accuracy in result.accuracy.by_group().items():
        agreement = result.agreement.by_group().get(name)
        measured = None if comparison is None else group_change(comparison, GROUP_NAMES.index(name))
        chance = 0.0 if measured is None else measured.half_width
        if accuracy.before is not None and accuracy.after is not None:
            changes[name] = Change(False, accuracy.n, accuracy.before, accuracy.after, chance, (0.0, 0.0))
        elif agreement is not None:
            changes[name] = Change(True, 0, 100.0, agreement, chance, (0.0, 0.0))
    _draw(changes)


def change_cards(comparison: Comparison, unseen: NeverSeen | None) -> None:
    """Show the same with 95% intervals, except on D_f, which is measured completely.

    `unseen`, of D_f, stands beside it.
    """
    changes = {name: group_change(comparison, GROUP_NAMES.index(name)) for name in SETS}
    _draw({name: change for name, change in changes.items() if change is not None}, True, unseen)


def depth_card(result: Result) -> None:
    """Show how much it takes until forgotten pictures are recognised again; nothing for older runs."""
    depth = result.depth
    if depth is None:
        return
    copies = depth.changed_copies
    low, high = copies.interval
    with st.container(border=True):
        st.markdown(
            f"**Depth** · of slightly changed copies of the forgotten pictures "
            f"**{percent(copies.before)} → {percent(copies.after)}%** are recognised",
            help=f"{explained('depth')}  \n20 copies of each of {counted(copies.n)}; 95% interval after: "
            f"{low:.0f} to {high:.0f}%.",
        )
        if result.accuracy.forget.after == 0:
            st.caption(_what_brings_them_back(depth))
        if result.never_seen is not None:
            st.caption(
                if_never_seen(result.never_seen.recognised, result.accuracy.forget.after == 0),
                help=explained("if never trained on"),
            )


def if_never_seen(recognised: float, is_forgotten: bool) -> str:
    """Say how many percent of the pictures classifiers recognise that never saw them, and what that means."""
    words = (
        f"For comparison: classifiers that were never trained on these pictures recognise "
        f"{percent(recognised)}% of them"
    )
    if recognised > 100 - _FEW:
        more = (
            " This one refuses them now, as was asked; it differs from one that never saw them."
            * is_forgotten
        )
        return f"{words} all the same, as they resemble others.{more}"
    if recognised < _FEW:
        alike = " In this, this classifier now is as it would be without them." * is_forgotten
        return f"{words}.{alike}"
    return f"{words}, those that resemble others."


def _what_brings_them_back(depth: Depth) -> str:
    """Say how far the weights must go back, or how coarsely be stored, to recognise the pictures again."""
    if depth.return_point is None:
        way = "At no point of the way back to the weights before is half of the pictures recognised."
    else:
        way = (
            f"{100 - depth.return_point:.0f}% of the way back to the weights before, half of the pictures "
            "are recognised again."
        )
    eight, four = percent(depth.rounded_8_bits), percent(depth.rounded_4_bits)
    if depth.rounded_8_bits == depth.rounded_4_bits == 0:
        return f"{way} Stored in 8 or 4 bits per weight, as on a phone, none come back."
    return (
        f"{way} Stored in fewer bits per weight, as on a phone, {eight}% (8 bits) and {four}% (4 bits) "
        "come back."
    )


def _draw(changes: Mapping[str, Change], intervals: bool = False, unseen: NeverSeen | None = None) -> None:
    # Cards of one width go on in the next line where the window is narrow.
    row = st.container(horizontal=True, gap="xsmall", key="cards")
    for name, change in changes.items():
        words, digits = SETS[name], decimals(change.n)
        # Of the numbers as they are shown, so that the three agree.
        points = float(percent(change.after, change.n)) - float(percent(change.before, change.n))
        by = f"{points:+.{digits}f} points" if abs(points) >= 0.005 else "no change"
        # A difference within its own uncertainty is neither better nor worse.
        is_whole = name == "forget"
        unsure = abs(points) < (0.005 if is_whole else max(0.005, change.half_width))
        meaning = explained("agreement" if change.agreement else words.name)
        if change.n:
            meaning = f"{counted(change.n)}. {meaning}"
        if intervals and not is_whole:
            low, high = change.after_interval
            by = f"{points:+.{digits}f} ± {change.half_width:.{digits}f} points"
            meaning += f" 95% interval after: {low:.{digits}f} to {high:.{digits}f}."
        row.metric(
            f"{words.title.capitalize()} ({words.symbol}){' · agreement' if change.agreement else ''}",
            f"{percent(change.before, change.n)} → {percent(change.after, change.n)}",
            by,
            # Only on the pictures to forget a decrease is good: green is better, red is worse.
            delta_color="off" if unsure else "inverse" if is_whole else "normal",
            delta_arrow="off",
            help=meaning,
            border=True,
            width=_CARD,
            height="stretch",
        )
        if is_whole and unseen is not None:
            row.metric(
                "If never trained on",
                percent(100 * unseen.recognised().mean(), unseen.recognised().size),
                f"{counted(len(unseen.logits), 'classifier')} each",
                delta_color="off",
                delta_arrow="off",
                help=explained("if never trained on"),
                border=True,
                width=_CARD,
                height="stretch",
            )
