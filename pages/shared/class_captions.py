"""Class names placed among their dots: easier to read than a legend."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from unlearn_core.catalog.class_names import short_class_name

_MOST = 12
"""Classes; more names would cover the dots."""


def class_captions(
    places: NDArray[np.floating], labels: NDArray[np.integer], names: Sequence[str], axes: str = ""
) -> list[go.layout.Annotation]:
    """Return Plotly annotations, one per class, at the median of its dots; none if there are many classes.

    Args:
        places: of dots on a plane, (n, 2).
        labels: of the dots, (n,).
        names: of all classes.
        axes: number of the subplot's axes, "" for the first.
    """
    present = np.unique(labels)
    if len(present) > _MOST:
        return []
    return [
        go.layout.Annotation(
            text=f"<b>{short_class_name(names[label])}</b>",
            x=float(middle[0]),
            y=float(middle[1]),
            xref=f"x{axes}",
            yref=f"y{axes}",
            showarrow=False,
            # Dark in both themes: a white plate would glare in the dark one.
            font={"size": 13, "color": "#FFFFFF"},
            bgcolor="rgba(52, 58, 70, 0.8)",
            borderpad=1,
        )
        for label, middle in ((one, np.median(places[labels == one], axis=0)) for one in present.tolist())
    ]
