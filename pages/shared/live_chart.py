"""The chart of a run in progress."""

from collections.abc import Sequence

import plotly.graph_objects as go

from pages.shared.palette import BEFORE, FORGET, RETAIN, style
from pages.shared.words import FORGET_SET, RETAIN_SET, sample_of
from unlearn_core.artifacts.steps import StepRecord

HOW_TO_READ = (
    "Magenta: accuracy on the forget set; it should fall. Teal: accuracy on the retain set; it should stay."
)
REPAIR = "The repair phase starts at the dashed line: all are forgotten, and further steps restore the rest."


def repair_from(steps: Sequence[StepRecord]) -> int | None:
    """Return the step at which the repair phase starts; None if there is none."""
    if all(step.repairing is not None for step in steps):
        first = next((number for number, step in enumerate(steps) if step.repairing), None)
        return None if first is None else steps[max(0, first - 1)].step
    # Runs of earlier versions: their repair phase starts once all is forgotten.
    known = {step.step: step.forgotten == step.k for step in steps}
    kept = next((number for number, done in sorted(known.items()) if done), None)
    return kept if kept is not None and kept < max(known) else None


def live_chart(steps: Sequence[StepRecord], height: int = 240) -> go.Figure:
    """Draw D_f accuracy, a sample of D_r and the anchors' agreement over the steps, all in percent.

    Values that were not measured are left out.
    """
    figure = go.Figure()
    for name, values, line, mode in (
        (FORGET_SET.title, [one.forget_accuracy for one in steps], {"color": FORGET, "width": 3}, "lines"),
        (
            sample_of(RETAIN_SET),
            [one.retain_accuracy for one in steps],
            {"color": RETAIN, "width": 3},
            "lines+markers",
        ),
        (
            "anchors",
            [one.anchor_agreement for one in steps],
            {"color": RETAIN, "width": 1.5, "dash": "dot"},
            "lines",
        ),
    ):
        known = [(one.step, value) for one, value in zip(steps, values, strict=True) if value is not None]
        figure.add_scatter(
            x=[step for step, _ in known],
            y=[value for _, value in known],
            name=name,
            mode=mode,
            line=line,
            hovertemplate="step %{x}: %{y:.1f} %<extra>" + name + "</extra>",
        )
    repair_start = repair_from(steps)
    if repair_start is not None:
        figure.add_vline(repair_start, line={"color": BEFORE, "width": 1, "dash": "dash"})
    figure.update_xaxes(title="step", rangemode="tozero", dtick=None if len(steps) > 10 else 1)
    figure.update_yaxes(range=[-4, 104], ticksuffix=" %", tickvals=[0, 25, 50, 75, 100])
    return style(figure, height)
