"""Weight interpolation: accuracy between the classifiers before and after a run, and beyond."""

import plotly.graph_objects as go

from pages.shared.measurements import Arrays
from pages.shared.palette import BEFORE, FORGET, RETAIN, TEST, style
from pages.shared.words import FORGET_SET, RETAIN_SET, TEST_SET, sample_of

_CURVES = (
    ("forget", FORGET_SET.name, FORGET, 3.0),
    ("retain", sample_of(RETAIN_SET), RETAIN, 3.0),
    ("test", sample_of(TEST_SET), TEST, 2.0),
)


def interpolation_figure(line: Arrays, chosen: float, height: int = 330) -> go.Figure:
    """Draw accuracy on each set against the share of the change of the weights, with a cursor at `chosen`.

    Args:
        line: as `measuring.weights.interpolation` writes it, with the points measured so far.
        chosen: 0 before, 1 after.
        height: in pixels.
    """
    figure = go.Figure()
    for key, name, colour, width in _CURVES:
        figure.add_scatter(
            x=100 * line["strengths"],
            y=line[key],
            name=name,
            # Dots while some are missing: a straight line between two of them was not measured.
            mode="lines+markers" if len(line["strengths"]) < len(line["all_strengths"]) else "lines",
            line={"color": colour, "width": width},
            hovertemplate="%{x:.0f}% of the change: %{y:.1f}%<extra>" + name + "</extra>",
        )
    figure.add_vline(x=100 * chosen, line={"color": BEFORE, "width": 2, "dash": "dash"})
    figure.update_xaxes(
        tickvals=[0, 50, 100, 150], ticktext=["before", "half way", "after", "150%"], range=[-2, 152]
    )
    figure.update_yaxes(range=[-4, 104], ticksuffix="%", tickvals=[0, 25, 50, 75, 100])
    return style(figure, height)
