"""The answer in three numbers: D_f, D_r and D_test before and after, with their uncertainty."""

import streamlit as st

from pages.shared.result_cards import GROUPS, decimals, delta_color, percent
from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST, Change, Comparison, group_change


def change_cards(comparison: Comparison) -> None:
    """Show one card for each group that has pictures."""
    groups = {"forget": FORGET, "retain": RETAIN, "test": TEST}
    changes = {name: group_change(comparison, group) for name, group in groups.items()}
    known = {name: change for name, change in changes.items() if change is not None}
    for column, (name, change) in zip(st.columns(len(known)), known.items(), strict=True):
        with column:
            _card(name, change)


def _card(name: str, change: Change) -> None:
    title, meaning = GROUPS[name]
    low, high = change.after_interval
    points, digits = change.after - change.before, decimals(change.n)
    by = f"{points:+.{digits}f}"
    what = (
        f"Share of {meaning} that are predicted as by the original classifier"
        if change.agreement
        else f"Accuracy in percent on {meaning}"
    )
    st.metric(
        f"{title} · agreement" if change.agreement else title,
        f"{percent(change.before, change.n)} → {percent(change.after, change.n)}",
        # The forget set is all there is of it, so its change is no estimate.
        f"{by} points" if name == "forget" else f"{by} ± {change.half_width:.{digits}f} points",
        delta_color=delta_color(name, points),
        delta_arrow="off",
        help=f"{what}, {change.n:,} in number."
        + ("" if name == "forget" else f" 95 % interval after: {low:.{digits}f} to {high:.{digits}f}."),
        border=True,
    )
