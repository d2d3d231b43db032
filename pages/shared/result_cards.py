"""What came of a run in big numbers, each with its change."""

from typing import Literal

import streamlit as st

from unlearn_core.artifacts.results import Result

GROUPS = {
    "forget": ("Forget set D_f", "the pictures to forget"),
    "retain": ("Retain set D_r", "all other training pictures"),
    "test": ("Test set D_test", "pictures never trained on"),
}


def result_cards(result: Result) -> None:
    """Show accuracy on D_f, D_r and D_test before and after, or agreement where there are no labels."""
    accuracies, agreements = result.accuracy.by_group(), result.agreement.by_group()
    shown = [
        name for name in GROUPS if accuracies[name].before is not None or agreements.get(name) is not None
    ]
    for column, name in zip(st.columns(len(shown)), shown, strict=True):
        title, meaning = GROUPS[name]
        accuracy, agreement = accuracies[name], agreements.get(name)
        with column:
            if accuracy.before is not None and accuracy.after is not None:
                change, n = accuracy.after - accuracy.before, accuracy.n
                st.metric(
                    title,
                    f"{percent(accuracy.before, n)} → {percent(accuracy.after, n)}",
                    f"{change:+.{decimals(n)}f} points" if abs(change) >= 0.005 else "no change",
                    delta_color=delta_color(name, change),
                    delta_arrow="off",
                    help=f"Accuracy in percent on {meaning}, {n:,} in number.",
                    border=True,
                )
            elif agreement is not None:
                st.metric(
                    f"{title} · agreement",
                    f"{percent(agreement, accuracy.n)} %",
                    help=f"Share of {meaning} that are predicted as by the original classifier.",
                    border=True,
                )


def decimals(n: int) -> int:
    """Return how many decimals it takes that one of `n` pictures shows: 1, or 2 above a thousand."""
    return 1 if n <= 1000 else 2


def percent(value: float, n: int = 0) -> str:
    """Write a percentage of `n` pictures, without decimals where it is whole."""
    return f"{value:.{decimals(n)}f}".rstrip("0").removesuffix(".")


def delta_color(name: str, change: float) -> Literal["off", "normal", "inverse"]:
    """Return how `st.metric` colours a change: falling is good for the forget set alone."""
    if abs(change) < 0.005:
        return "off"
    return "inverse" if name == "forget" else "normal"
