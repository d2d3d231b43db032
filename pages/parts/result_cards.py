"""What came of a run in big numbers, each with its change."""

from typing import Any, Literal

import streamlit as st

GROUPS = {
    "forget": ("Forget set D_f", "the pictures to forget"),
    "retain": ("Retain set D_r", "all other training pictures"),
    "test": ("Test set D_test", "pictures never trained on"),
}


def result_cards(result: dict[str, Any]) -> None:
    """Show accuracy on D_f, D_r and D_test before and after, or agreement where there are no labels."""
    shown = [name for name in GROUPS if _has_numbers(result, name)]
    for column, name in zip(st.columns(len(shown)), shown, strict=True):
        title, meaning = GROUPS[name]
        accuracy = result["accuracy"][name]
        with column:
            if accuracy["before"] is None:
                st.metric(
                    f"{title} · agreement",
                    f"{percent(result['agreement'][name])} %",
                    help=f"Share of {meaning} that are predicted as by the original classifier.",
                    border=True,
                )
            else:
                change = accuracy["after"] - accuracy["before"]
                st.metric(
                    title,
                    f"{percent(accuracy['before'])} → {percent(accuracy['after'])}",
                    f"{change:+.1f} points" if abs(change) >= 0.05 else "no change",
                    delta_color=delta_color(name, change),
                    delta_arrow="off",
                    help=f"Accuracy in percent on {meaning}, {accuracy['n']:,} in number.",
                    border=True,
                )


def percent(value: float) -> str:
    """Write a percentage with one decimal, and without it where it is whole."""
    return f"{value:.1f}".removesuffix(".0")


def _has_numbers(result: dict[str, Any], name: str) -> bool:
    return result["accuracy"][name]["before"] is not None or result["agreement"].get(name) is not None


def delta_color(name: str, change: float) -> Literal["off", "normal", "inverse"]:
    """Return how `st.metric` colours a change: falling is good for the forget set alone."""
    if abs(change) < 0.05:
        return "off"
    return "inverse" if name == "forget" else "normal"
