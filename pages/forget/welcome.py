"""The first minute: a finished example, one line on what this is, and the way to one's own run."""

import time
from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from pages.shared import selection
from pages.shared.app_state import leave_run, my_runs, open_run, store
from pages.shared.errors import show_error
from pages.shared.links import FORGET, RUNS
from pages.shared.live_chart import live_chart
from pages.shared.live_pictures import live_pictures
from pages.shared.palette import CONFIG
from pages.shared.words import plain
from unlearn_core.artifacts.steps import StepRecord
from unlearn_core.errors import UserError
from unlearn_core.store.example import EXAMPLE, install_example
from unlearn_core.store.rows import UNDER_WAY, Run

_SEEN, _WATCHED_SINCE = "seen_example", "watched_since"
_SECONDS, _EVERY = 10.0, 0.4
_WORDS = (
    "**A classifier has learned 4,000 handwritten digits. Here it forgot sixteen of them**, as the law may "
    "demand when people withdraw their data, or when labels were wrong. It was not trained anew, saw no "
    "other digit, and still knows nearly all. Forgetting is measured, not proved."
)
_FORGETTING = (
    "Each ring is the confidence in the digit's label. Step by step the weights change until every digit "
    "is taken for another one."
)
_LEAD, _ICON = "What is this? See an example", ":material/help:"
_UNDER_WAY = ":material/hourglass_top:"
_REPAIR = "All are forgotten. The repair now restores what that did to the other digits."


def open_example() -> None:
    """Open the example at a tab's first visit, unless there is another run or the link names something."""
    if not st.session_state.get(_SEEN) and not st.query_params and [run.id for run in my_runs()] == [EXAMPLE]:
        open_run(EXAMPLE)
    st.session_state[_SEEN] = True


def welcome() -> None:
    """Say in one line what this is, with the two ways on."""
    with st.container(border=True, key="welcome"):
        words, example, own = st.columns([5, 2, 2], vertical_alignment="center")
        words.markdown(_WORDS)
        example.button(
            "Watch an example",
            icon=":material/play_arrow:",
            key="watch",
            on_click=_watch,
            width="stretch",
        )
        own.button(
            "Do it yourself",
            icon=":material/touch_app:",
            key="yourself",
            type="primary",
            on_click=_do_it,
            width="stretch",
        )


def link_to_example(runs: list[Run]) -> None:
    """Lead to the example among the runs, which says what this is; a home that lacks it gets it then."""
    if any(run.id == EXAMPLE for run in runs):
        st.page_link(FORGET.file, label=_LEAD, icon=_ICON, query_params={"run": EXAMPLE})
    elif st.button(_LEAD, icon=_ICON, type="tertiary", key="get_example"):
        try:
            install_example(store())
        except UserError as error:
            show_error(error)
        else:
            open_run(EXAMPLE)
            st.rerun()


def link_to_what_is_under_way(runs: list[Run]) -> None:
    """Lead to the one of the runs that is under way, or to the list of several."""
    runs = [run for run in runs if run.state in UNDER_WAY]
    if len(runs) == 1:
        label = f"Under way: {plain(runs[0].name)}"
        st.page_link(FORGET.file, label=label, icon=_UNDER_WAY, query_params={"run": runs[0].id})
    elif runs:
        st.page_link(RUNS.file, label=f"{len(runs)} runs are under way", icon=_UNDER_WAY)


def is_watched() -> bool:
    """Return whether the example is being played."""
    return _WATCHED_SINCE in st.session_state


def example_film() -> None:
    """Play the steps of the example in ten seconds."""
    st.fragment(_film, run_every=_EVERY)(store().get(EXAMPLE))


def _film(run: Run) -> None:
    if st.session_state[_WATCHED_SINCE] is None:
        # From its first picture, not from the click.
        st.session_state[_WATCHED_SINCE] = time.monotonic()
    steps: Sequence[StepRecord] = ()
    share = (time.monotonic() - st.session_state[_WATCHED_SINCE]) / _SECONDS
    # It may be deleted while it plays.
    with suppress(UserError):
        steps = store().steps(run.id)
    if share >= 1 or not steps:
        del st.session_state[_WATCHED_SINCE]
        st.rerun()
    shown = steps[: max(1, round(share * len(steps)))]
    last = shown[-1]
    st.progress(share, f"{last.forgotten} of {last.k} forgotten · step {last.step}")
    st.markdown(_REPAIR if last.repairing else _FORGETTING)
    live_pictures(run, shown)
    st.plotly_chart(live_chart(shown), key="example_film", config=CONFIG)


def _watch() -> None:
    st.session_state[_WATCHED_SINCE] = None


def _do_it() -> None:
    st.session_state.pop(_WATCHED_SINCE, None)
    leave_run()
    selection.pick([])
