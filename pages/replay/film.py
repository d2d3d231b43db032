"""The frames of a film: its ends at once, those between one by one."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import streamlit as st

from pages.shared.measurements import Arrays, measured_file, read_arrays
from unlearn_core.engine.looks import FrameRequest
from unlearn_core.measuring.attribution.request import AttributionRequest

_PER_FRAME = ("steps", "classes", "tops", "maps", "places")
_KNOWN = "frames"


def with_known_frames(film: Arrays, request: AttributionRequest) -> Arrays:
    """Return a film with the frames that this tab has already, in the order of the steps."""
    frames = [film, *_known(request).values()]
    order = np.argsort(np.concatenate([frame["steps"] for frame in frames]), kind="stable")
    return {**film, **{name: np.concatenate([one[name] for one in frames])[order] for name in _PER_FRAME}}


def missing_steps(film: Arrays, chosen: int) -> list[int]:
    """Return the steps whose frames a film has not, the nearest to the chosen one first."""
    missing = set(film["all_steps"].tolist()) - set(film["steps"].tolist())
    return sorted(missing, key=lambda step: (abs(step - chosen), step))


def make_frame(request: AttributionRequest, step: int) -> None:
    """Have a frame measured unless it was before; what could not be measured raises `FailedLookError`."""
    _known(request)[step] = read_arrays(measured_file(FrameRequest(request, step)))


def film_file(film: Arrays) -> Callable[[], bytes]:
    """Return what makes the file to download, when it is asked for."""

    def packed() -> bytes:
        file = BytesIO()
        np.savez_compressed(file, **dict(film))  # type: ignore[arg-type]
        return file.getvalue()

    return packed


def _known(request: AttributionRequest) -> dict[int, Arrays]:
    """Return the frames between of the film that this tab shows; those of another film are dropped."""
    known = st.session_state.get(_KNOWN)
    if known is None or known[0] != request:
        known = st.session_state[_KNOWN] = (request, {})
    frames: dict[int, Arrays] = known[1]
    return frames
