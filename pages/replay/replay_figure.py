"""A run as a film: curves, the plane of features and maps of a few pictures, all at the same step."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from pages.shared.class_captions import class_captions
from pages.shared.live_chart import live_chart
from pages.shared.measurements import Arrays
from pages.shared.palette import AFTER, FORGET, class_colours, style
from pages.shared.thumbnails import png_uri
from unlearn_core.artifacts.predictions import FORGET as FORGET_GROUP
from unlearn_core.artifacts.results import FrontierPoint
from unlearn_core.artifacts.steps import StepRecord
from unlearn_core.catalog.class_names import short_class_names

_AGAINST_FOR = ((0.0, "rgb(33, 96, 190)"), (0.5, "rgb(198, 198, 198)"), (1.0, "rgb(224, 120, 11)"))
"""Nothing is grey, as on *Attributions*: white would glare in the dark theme."""
_FULL = 127
"""The value of the full colour in a map."""

_MILLISECONDS = 450
HEIGHT = 480
_BELOW = 0.38
"""The pictures' share of the height."""

_ROOM = 1.25
"""Height of a map with the caption above it, relative to the map."""


def replay_figure(
    film: Arrays,
    steps: Sequence[StepRecord],
    names: Sequence[str],
    chosen: int,
    frontier: Sequence[FrontierPoint] = (),
    relabel: bool = False,
) -> go.Figure:
    """Draw one frame of a film, with the others ready for its play button.

    Args:
        film: as `measuring.replay` writes it.
        steps: of the run.
        names: of the classes.
        chosen: number of the frame that is shown first.
        frontier: of the result, for the last point of the curve of kept pictures.
        relabel: how many pictures have their new class is drawn too.
    """
    figure = live_chart(steps, HEIGHT, relabel=relabel, frontier=frontier)
    static = len(figure.data)
    count = len(film["ids"])
    names = short_class_names(tuple(names))
    frames = [_moving(film, names, number) for number in range(len(film["steps"]))]
    figure.add_traces([dict(trace) for trace in frames[chosen]])
    moving = list(range(static, static + len(frames[0])))
    figure.frames = [
        {"name": str(step), "data": data, "traces": moving}
        for step, data in zip(film["steps"].tolist(), _changes(frames), strict=True)
    ]
    style(figure, HEIGHT)
    figure.update_layout(
        margin={"t": 46},
        legend={"x": 0, "y": 1.0},
        **_axes(film, count),
        images=[_picture(film, row, count) for row in range(count)],
        annotations=_captions(film, names, chosen),
        updatemenus=[_buttons()],
    )
    return figure


def _moving(film: Arrays, names: Sequence[str], number: int) -> list[dict[str, Any]]:
    """Return the traces that differ between frames: cursor, dots, maps and captions."""
    step = int(film["steps"][number])
    places, forgotten = film["places"][number], film["point_groups"] == FORGET_GROUP
    labels = [names[label] for label in film["point_labels"]]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": [step, step],
            "y": [0, 100],
            "mode": "lines+text",
            # The slider above does not move with the film.
            "text": [f"step {step}", ""],
            "textposition": "top left" if 2 * step > film["all_steps"][-1] else "top right",
            "line": {"color": AFTER, "width": 2},
            "showlegend": False,
            "hoverinfo": "skip",
        }
    ]
    for inside, size, opacity in ((~forgotten, 5, 0.55), (forgotten, 10, 1.0)):
        marker: dict[str, Any] = {"size": size, "opacity": opacity}
        if inside is forgotten:
            marker |= {"color": FORGET, "symbol": "diamond"}
        else:
            marker["color"] = class_colours(film["point_labels"][inside])
        traces.append(
            {
                "type": "scatter",
                "x": places[inside, 0],
                "y": places[inside, 1],
                "mode": "markers",
                "marker": marker,
                "xaxis": "x2",
                "yaxis": "y2",
                "text": [label for label, one in zip(labels, inside, strict=True) if one],
                "customdata": film["point_ids"][inside],
                "hovertemplate": "%{text}, id %{customdata}<extra></extra>",
                "showlegend": False,
            }
        )
    for row in range(len(film["ids"])):
        traces += [_map(film, row, number), _words(film, names, row, number)]
    return traces


def _captions(film: Arrays, names: Sequence[str], number: int) -> list[go.layout.Annotation]:
    kept = film["point_groups"] != FORGET_GROUP
    return class_captions(film["places"][number, kept], film["point_labels"][kept], names, "2")


def _changes(frames: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Reduce every trace to what differs between frames: Plotly keeps the rest."""
    changing = [
        {"type", *(key for key in traces[0] if any(_differ(trace[key], traces[0][key]) for trace in traces))}
        for traces in zip(*frames, strict=True)
    ]
    return [
        [{key: trace[key] for key in keys} for keys, trace in zip(changing, frame, strict=True)]
        for frame in frames
    ]


def _differ(one: Any, other: Any) -> bool:
    return not np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one != other)


def _map(film: Arrays, row: int, number: int) -> dict[str, Any]:
    """Return a map as int8: Plotly sends such arrays packed, fifty times smaller."""
    scale = float(np.percentile(np.abs(film["maps"][:, row]), 99.7)) or 1.0
    shades = np.rint(_FULL * np.clip(film["maps"][number, row] / scale, -1, 1)).astype(np.int8)
    return {
        "type": "heatmap",
        "z": shades[::-1],
        "zmin": -_FULL,
        "zmax": _FULL,
        "colorscale": _AGAINST_FOR,
        "showscale": False,
        "hoverinfo": "skip",
        "xaxis": f"x{3 + row}",
        "yaxis": f"y{3 + row}",
    }


def _words(film: Arrays, names: Sequence[str], row: int, number: int) -> dict[str, Any]:
    side = film["maps"].shape[-1]
    name = names[film["classes"][number, row]]
    right = film["classes"][number, row] == film["labels"][row]
    said = f"{name} · {100 * film['tops'][number, row]:.0f}%"
    return {
        "type": "scatter",
        "x": [side / 2],
        "y": [side * 1.12],
        "mode": "text",
        "text": [said if right else f"<b>{said}</b>"],
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
        "xaxis": f"x{3 + row}",
        "yaxis": f"y{3 + row}",
    }


def _axes(film: Arrays, count: int) -> dict[str, Any]:
    """Return the axes: curves on the left, the plane on the right, pictures with their maps below."""
    low, high = film["places"].min((0, 1)), film["places"].max((0, 1))
    room = 0.06 * (high - low)
    axes: dict[str, Any] = {
        "xaxis": {"domain": [0, 0.52], "anchor": "y", "title": "step"},
        "yaxis": {"domain": [0.55, 1]},
        "xaxis2": _bare([0.58, 1], "y2", [low[0] - room[0], high[0] + room[0]]),
        "yaxis2": _bare([0.47, 1], "x2", [low[1] - room[1], high[1] + room[1]]),
    }
    side = film["maps"].shape[-1]
    for row in range(count):
        left = row / count
        axes[f"xaxis{3 + row}"] = _bare([left + 0.5 / count, left + 0.97 / count], f"y{3 + row}", [0, side])
        axes[f"yaxis{3 + row}"] = _bare([0, _BELOW], f"x{3 + row}", [0, _ROOM * side]) | {
            "scaleanchor": f"x{3 + row}",
            "constrain": "domain",
            "constraintoward": "bottom",
        }
        axes[f"xaxis{3 + row}"] |= {"constrain": "domain", "constraintoward": "left"}
    return axes


def _bare(domain: list[float], anchor: str, reach: list[float]) -> dict[str, Any]:
    return {
        "domain": domain,
        "anchor": anchor,
        "range": reach,
        "showticklabels": False,
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "fixedrange": True,
    }


def _picture(film: Arrays, row: int, count: int) -> dict[str, Any]:
    return {
        "source": png_uri(film["inputs"][row]),
        "xref": "paper",
        "yref": "paper",
        "x": row / count + 0.48 / count,
        "y": 0,
        "xanchor": "right",
        "yanchor": "bottom",
        "sizex": 0.46 / count,
        "sizey": _BELOW / _ROOM,
        "sizing": "contain",
    }


def _buttons() -> dict[str, Any]:
    moving = {"frame": {"duration": _MILLISECONDS, "redraw": True}, "transition": {"duration": 0}}
    return {
        "type": "buttons",
        "direction": "left",
        # Under the plane: above it there is Plotly's toolbar and, in a narrow window, the legend.
        "x": 0.58,
        "y": 0.46,
        "xanchor": "left",
        "yanchor": "top",
        "showactive": False,
        "buttons": [
            {"label": "▶ Play", "method": "animate", "args": [None, moving]},
            {"label": "❚❚ Pause", "method": "animate", "args": [[None], {"mode": "immediate", **moving}]},
        ],
    }
