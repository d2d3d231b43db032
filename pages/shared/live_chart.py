"""The chart of a run in progress."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from pages.shared.palette import AFTER, BEFORE, FORGET, RETAIN, style
from pages.shared.words import FORGET_SET, RETAIN_SET, sample_of
from unlearn_core.artifacts.results import FrontierPoint
from unlearn_core.artifacts.steps import StepRecord
from unlearn_core.common.counted import counted

RELABELLED = "given the new class"
_Curve = tuple[str, dict[int, float | None], dict[str, Any], str]


def how_to_read(steps: Sequence[StepRecord], relabel: bool, n: int) -> str:
    """Explain the curves that the chart has; `n` kept pictures are in the sample."""
    words = [
        "Percentage that is recognised. Magenta: the pictures to forget; it should fall.",
    ]
    if any(step.retain_accuracy is not None for step in steps):
        words.append(f"Teal: a sample of {counted(n, 'kept picture')}, for measuring alone; it should stay.")
    if relabel:
        words.append("Orange: the pictures to forget that have their new class; it should rise.")
    if any(step.anchor_agreement is not None for step in steps):
        words.append("Dotted: look-alikes with the prediction that they should keep.")
    if repair_from(steps) is not None:
        words.append(
            "At the dashed line all is forgotten that was asked for, and the repair of the rest begins."
        )
    return " ".join(words)


def repair_from(steps: Sequence[StepRecord]) -> int | None:
    """Return the step at which the repair phase starts; None if there is none."""
    if all(step.repairing is not None for step in steps):
        first = next((number for number, step in enumerate(steps) if step.repairing), None)
        return None if first is None else steps[max(0, first - 1)].step
    # Runs of earlier versions: their repair phase starts once all is forgotten.
    known = {step.step: step.forgotten == step.k for step in steps}
    kept = next((number for number, done in sorted(known.items()) if done), None)
    return kept if kept is not None and kept < max(known) else None


def live_chart(
    steps: Sequence[StepRecord],
    height: int = 240,
    *,
    relabel: bool = False,
    frontier: Sequence[FrontierPoint] = (),
) -> go.Figure:
    """Draw accuracy on D_f and on a sample of D_r, and the look-alikes' agreement over the steps, in percent.

    Values that were not measured are left out.

    Args:
        steps: so far.
        height: in pixels.
        relabel: the pictures are to get a new class; how many have it is drawn too.
        frontier: of the result, which also knows the sample's accuracy after the last step.
    """
    figure = go.Figure()
    for name, values, line, mode in _curves(steps, relabel, frontier):
        known = [(step, value) for step, value in values.items() if value is not None]
        figure.add_scatter(
            x=[step for step, _ in known],
            y=[value for _, value in known],
            name=name,
            mode=mode,
            line=line,
            hovertemplate="step %{x}: %{y:.1f}%<extra>" + name + "</extra>",
        )
    repair_start = repair_from(steps)
    if repair_start is not None:
        figure.add_vline(repair_start, line={"color": BEFORE, "width": 1, "dash": "dash"})
    figure.update_xaxes(title="step", rangemode="tozero", dtick=None if len(steps) > 10 else 1)
    figure.update_yaxes(range=[-4, 104], ticksuffix="%", tickvals=[0, 25, 50, 75, 100])
    return style(figure, height)


def _curves(steps: Sequence[StepRecord], relabel: bool, frontier: Sequence[FrontierPoint]) -> list[_Curve]:
    """Return name, values by step, line and mode of every curve."""
    retained = {one.step: one.retain_accuracy for one in steps} | {one.step: one.retain for one in frontier}
    curves: list[_Curve] = [
        (
            FORGET_SET.name,
            {one.step: one.forget_accuracy for one in steps},
            {"color": FORGET, "width": 3},
            "lines",
        ),
        (sample_of(RETAIN_SET), retained, {"color": RETAIN, "width": 3}, "lines+markers"),
        (
            "look-alikes",
            {one.step: one.anchor_agreement for one in steps},
            {"color": RETAIN, "width": 1.5, "dash": "dot"},
            "lines",
        ),
    ]
    if relabel:
        given: dict[int, float | None] = {one.step: 100 * one.forgotten / one.k for one in steps}
        curves.append((RELABELLED, given, {"color": AFTER, "width": 3}, "lines"))
    return curves
