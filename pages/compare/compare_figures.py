"""Figures of several runs on the same axes."""

from collections.abc import Sequence

import plotly.graph_objects as go

from pages.shared.palette import CLASSES, GRID, style
from unlearn_core.artifacts.steps import StepRecord
from unlearn_core.store.compare_runs import RunNumbers


def titles(lines: Sequence[RunNumbers]) -> list[str]:
    """Return the method of each run; where several used the same with its depth, or with the run's id."""
    methods = [line.method for line in lines]
    deep = [f"{line.method} {line.depth}" if line.depth else line.method for line in lines]
    found = []
    for method, with_depth, line in zip(methods, deep, lines, strict=True):
        if methods.count(method) == 1:
            found.append(method)
        else:
            found.append(with_depth if deep.count(with_depth) == 1 else f"{with_depth} {line.run}")
    return found


def frontier_figure(lines: Sequence[RunNumbers], height: int = 340) -> go.Figure:
    """Draw D_r accuracy against the percentage forgotten, from each run's start to its end (marked)."""
    figure = go.Figure()
    for colour, title, line in zip(CLASSES, titles(lines), lines, strict=False):
        points = line.frontier
        figure.add_scatter(
            x=[point.forgotten for point in points],
            y=[point.retain for point in points],
            text=[f"step {point.step}" for point in points],
            name=title,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": [5] * (len(points) - 1) + [13], "symbol": "circle"},
            hovertemplate="%{text}: %{x:.0f}% forgotten, %{y:.1f}% kept<extra>" + title + "</extra>",
        )
    figure.update_xaxes(title="forgotten, %", range=[-4, 105])
    figure.update_yaxes(title="kept (D_r, sample), %", gridcolor=GRID)
    return style(figure, height)


def curves_figure(
    lines: Sequence[RunNumbers], steps: Sequence[Sequence[StepRecord]], retained: bool, height: int = 340
) -> go.Figure:
    """Draw one measurement of every step, one curve per run.

    Args:
        lines: of the comparison.
        steps: of each run.
        retained: draw accuracy on a sample of D_r, else on D_f.
        height: in pixels.
    """
    figure = go.Figure()
    for colour, title, own in zip(CLASSES, titles(lines), steps, strict=False):
        values = [(one.seconds, one.retain_accuracy if retained else one.forget_accuracy) for one in own]
        known = [(seconds, value) for seconds, value in values if value is not None]
        figure.add_scatter(
            x=[seconds for seconds, _ in known],
            y=[value for _, value in known],
            name=title,
            mode="lines",
            line={"color": colour, "width": 2.5},
            hovertemplate="%{x:.1f} s: %{y:.1f}%<extra>" + title + "</extra>",
        )
    figure.update_xaxes(title="seconds", rangemode="tozero")
    figure.update_yaxes(range=[-4, 104], ticksuffix="%", tickvals=[0, 25, 50, 75, 100])
    return style(figure, height)
