"""Metric cards: a number for each set of pictures, with its change and its uncertainty."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from pages.shared.words import SETS, decimals, percent
from unlearn_core.artifacts.predictions import GROUP_NAMES, Comparison, group_change
from unlearn_core.artifacts.results import Result


@dataclass(frozen=True)
class _Card:
    """Percent of n pictures, `before` where it is known; with a 95 % interval where it is an estimate."""

    n: int
    after: float
    before: float | None = None
    agreement: bool = False
    half_width: float | None = None
    interval: tuple[float, float] | None = None


def result_cards(result: Result) -> None:
    """Show accuracy before and after on each set of pictures, or agreement where there are no labels."""
    cards = {}
    for name, accuracy in result.accuracy.by_group().items():
        agreement = result.agreement.by_group().get(name)
        if accuracy.before is not None and accuracy.after is not None:
            cards[name] = _Card(accuracy.n, accuracy.after, accuracy.before)
        elif agreement is not None:
            cards[name] = _Card(accuracy.n, agreement, agreement=True)
    _draw(cards)


def change_cards(comparison: Comparison) -> None:
    """Show the same with 95 % intervals; the forget set is measured whole, so it has none."""
    cards = {}
    for group, name in enumerate(GROUP_NAMES):
        change = group_change(comparison, group) if name in SETS else None
        if change is not None:
            card = _Card(change.n, change.after, change.before, change.agreement)
            if name != "forget":
                card = replace(card, half_width=change.half_width, interval=change.after_interval)
            cards[name] = card
    _draw(cards)


def _draw(cards: Mapping[str, _Card]) -> None:
    for column, (name, card) in zip(st.columns(len(cards)), cards.items(), strict=True):
        words, digits = SETS[name], decimals(card.n)
        title = f"{words.title.capitalize()} {words.symbol}"
        meaning = f"Accuracy in percent on {words.meaning}"
        if card.agreement:
            title += " · agreement"
            meaning = f"Percentage of {words.meaning} predicted as by the original classifier"
        if card.n:
            meaning += f", {card.n:,} in number"
        if card.interval is not None:
            low, high = card.interval
            meaning += f". 95 % interval after: {low:.{digits}f} to {high:.{digits}f}"
        after = percent(card.after, card.n)
        change = 0.0 if card.before is None else card.after - card.before
        column.metric(
            title,
            f"{after} %" if card.before is None else f"{percent(card.before, card.n)} → {after}",
            None if card.before is None else _change(change, digits, card.half_width),
            delta_color=_colour(name, change),
            delta_arrow="off",
            help=f"{meaning}.",
            border=True,
        )


def _change(points: float, digits: int, half_width: float | None) -> str:
    if half_width is not None:
        return f"{points:+.{digits}f} ± {half_width:.{digits}f} points"
    return f"{points:+.{digits}f} points" if abs(points) >= 0.005 else "no change"


def _colour(name: str, points: float) -> Literal["off", "normal", "inverse"]:
    """Return how `st.metric` colours a change: only on the forget set a decrease is good."""
    if abs(points) < 0.005:
        return "off"
    return "inverse" if name == "forget" else "normal"
