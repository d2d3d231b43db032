"""The bar of a run under way: one for all of it, which only goes forward, and what is done now."""

from collections.abc import Sequence

import streamlit as st

from pages.shared.time_left import repair_progress, seconds_left
from unlearn_core.artifacts.steps import StepRecord
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.store.rows import Run

_PHASES = {
    "waiting": "Waiting for a worker",
    "load": "Loading",
    "measure": "Measuring the predictions before",
    "attack": "Making look-alikes to protect",
    "importance": "Measuring which weights may change",
    "optimise": "Forgetting",
    "keep": "Saving weights and measurements",
}
_PREPARATIONS = ("load", "measure", "attack", "importance")
_PREPARED, _FORGOTTEN, _COPIES, _REPAIRED = 0.2, 0.55, 0.75, 0.9
"""Where the bar is at the end of each stage; about as long as they take for sixteen digits."""
_FURTHEST = "furthest"


def show_progress(run: Run, steps: Sequence[StepRecord], in_line: str) -> None:
    """Draw the bar of a run; `in_line` are the words about the runs before it, "" if none is."""
    if in_line:
        st.progress(0.0, in_line)
        return
    share, words = _stage(run, steps) if steps else _preparation(run)
    # Pictures may come back while others are forgotten, and methods prepare in an order of their own.
    known, furthest = st.session_state.get(_FURTHEST, ("", 0.0))
    share = max(share, furthest) if known == run.id else share
    st.session_state[_FURTHEST] = (run.id, share)
    st.progress(share, words)


def _preparation(run: Run) -> tuple[float, str]:
    done = _PREPARATIONS.index(run.phase) + run.phase_share if run.phase in _PREPARATIONS else 0.0
    words = f"{_PHASES.get(run.phase, run.phase)} …{_how_far(run)}"
    return _PREPARED * done / len(_PREPARATIONS), words


def _stage(run: Run, steps: Sequence[StepRecord]) -> tuple[float, str]:
    last = steps[-1]
    share, doing = _between(_PREPARED, _FORGOTTEN, last.forgotten / last.k), ""
    if run.phase in ("measure", "keep"):
        share, doing = _between(_REPAIRED, 1, run.phase_share), "measuring and saving the result"
    elif last.repairing:
        done, doing = repair_progress(steps)
        share = _between(_COPIES, _REPAIRED, done)
    elif last.forgotten == last.k and last.demanded_share is not None:
        # What its running share has reached may still be demanded for longer, and be lost for some steps.
        done = min(max(step.demanded_share or 0 for step in steps), 0.99)
        share = _between(_FORGOTTEN, _COPIES, done)
        doing = f"slightly changed copies are being forgotten too ({100 * done:.0f}%)"
    elif method_entry(run.parsed_request().method).fixed_length:
        doing = "trains to the end of its recipe"
    elif (left := seconds_left(steps)) is not None:
        doing = f"all forgotten in about {left:.0f} s"
    words = [f"{last.forgotten} of {last.k} forgotten", f"step {last.step}", doing]
    return share, " · ".join(filter(None, words))


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _how_far(run: Run) -> str:
    """Return how much of a phase is done, as a number of look-alikes where it makes some."""
    if run.phase_total:
        return f" ({round(run.phase_share * run.phase_total):,} of {run.phase_total:,})"
    return f" {100 * run.phase_share:.0f}%" if run.phase_share else ""
