"""A run in progress: phase, progress, chart, cancel; and its result at the end."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from pages.shared.app_state import engine, leave_run, let_browser_draw, open_run, store
from pages.shared.compare_group import compare_group
from pages.shared.continue_run import forget_more_button, start_afresh
from pages.shared.errors import show_error
from pages.shared.few_kept import say_if_few
from pages.shared.glossary import explained
from pages.shared.links import ATTRIBUTIONS, BEFORE_AFTER, REPLAY, WEIGHTS, go_to_forget
from pages.shared.live_chart import how_to_read, live_chart
from pages.shared.live_pictures import live_pictures, look_alikes
from pages.shared.metric_cards import depth_card, result_cards
from pages.shared.outcome_words import (
    NO_RESULT,
    NOT_MEASURED,
    NOTHING_CHANGED,
    is_costly,
    is_deep,
    outcome_sentences,
)
from pages.shared.palette import CONFIG
from pages.shared.run_progress import show_progress
from pages.shared.visitor import may_see, visitor
from pages.shared.words import plain
from unlearn_core.artifacts.results import Result
from unlearn_core.artifacts.steps import RETAIN_SAMPLE, StepRecord
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.common.counted import counted
from unlearn_core.errors import UserError
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.store.queue import ahead_of, seconds_to_wait
from unlearn_core.store.rows import UNDER_WAY, Run, RunState
from unlearn_core.store.run_origin import found_by

_POLL_SECONDS_AT_FIRST, _POLL_SECONDS, _POLL_SECONDS_IN_LINE = 0.4, 0.8, 2.0
"""Between two looks at a run, which cost it time on a small machine; a whole class may stand in line."""
_RESUME = "Goes on from where the run last saved its state, with the same result as without the interruption."
_AFRESH = (
    "Starts from the classifier before this run. The pictures stay picked: choose others, another depth or "
    "another method."
)
_STOPPED = {
    "forgotten": "It took {steps}, {seconds:.0f} s.",
    "step limit": "The limit of {steps} was reached before all was forgotten ({seconds:.0f} s). "
    "Allow more steps, or try another method.",
    "cancelled": "Cancelled after {steps}. The result is that of the last step.",
}
_CARRIED_OUT = "All {steps} were carried out ({seconds:.0f} s)."


def run_panel(run_id: str) -> None:
    """Show a run and update it until it is final."""
    run = store().get(run_id)
    every = _poll_seconds(run, _place_in_line(run))
    with st.container(key="run_panel"):
        st.fragment(_panel, run_every=every)(run_id, every)


def _poll_seconds(run: Run, in_line: str) -> float | None:
    if run.state not in UNDER_WAY:
        return None
    if in_line:
        return _POLL_SECONDS_IN_LINE
    return _POLL_SECONDS if run.steps_done else _POLL_SECONDS_AT_FIRST


def _panel(run_id: str, every: float | None) -> None:
    try:
        run = store().get(run_id)
    except UserError as error:
        show_error(error)
        return
    in_line = _place_in_line(run)
    if every is not None and _poll_seconds(run, in_line) != every:
        # Only a full rerun creates the fragment with another interval.
        st.rerun()
    _head(run)
    steps = _steps(run_id)
    if run.state in UNDER_WAY:
        show_progress(run, steps, in_line)
    else:
        _outcome(run)
        _next(run)
    if run.parsed_request().strength != 1:
        # The steps are those of the whole way, of which these weights went a part.
        return
    live_pictures(run, steps)
    if steps:
        result = run.parsed_result()
        relabel = run.parsed_request().goal == "relabel"
        figure = live_chart(steps, relabel=relabel, frontier=() if result is None else result.frontier)
        # Not `st.empty`: that would make the chart vanish at every look at the run.
        chart = st.container()
        st.caption(how_to_read(steps, relabel, _in_the_sample(run, result)), help=explained("repair"))
    look_alikes(run)
    if steps:
        # Last, for the pictures to come first.
        let_browser_draw()
        chart.plotly_chart(figure, key=f"live_{run_id}", config=CONFIG)


def _in_the_sample(run: Run, result: Result | None) -> int:
    """Return on how many kept pictures a step is measured, before the result at most on how many."""
    most = RETAIN_SAMPLE.of(classifier_entry(run.parsed_request().classifier).input_size)
    # Unlabelled pictures have agreement, and no accuracy.
    return most if result is None else min(most, result.agreement.retain_n or result.accuracy.retain.n)


def _steps(run_id: str) -> Sequence[StepRecord]:
    try:
        return store().steps(run_id)
    except UserError as error:
        show_error(error)
        return ()


def _head(run: Run) -> None:
    request = run.parsed_request()
    words, button = st.columns([3, 2], vertical_alignment="center")
    method = method_entry(request.method)
    words.markdown(
        f"**{method.title}** · {request.goal}",
        help=f"Run {run.id}.  \n**{method.title}**: {method.summary}  \n"
        f"**{request.goal}**: {explained(request.goal)}",
    )
    with button:
        if run.state in UNDER_WAY:
            stopping = run.cancel_requested
            mine = may_see(run.visitor)
            pressed = st.button(
                "Stopping …" if stopping else "Cancel",
                key="cancel",
                icon=":material/stop_circle:",
                disabled=stopping or not mine,
                width="stretch",
            )
            if pressed and mine:
                _cancel(run.id)
        else:
            if st.button("New run", key="new", icon=":material/add:", width="stretch", help=_AFRESH):
                leave_run()
                start_afresh()
                go_to_forget()


def _cancel(run_id: str) -> None:
    try:
        engine().cancel(run_id)
    except UserError as error:
        show_error(error)
    else:
        st.rerun(scope="fragment")


def _place_in_line(run: Run) -> str:
    """Return how many runs come before a queued one, and about how long they take; "" if none does."""
    if run.state != RunState.QUEUED:
        return ""
    runs = store().runs()
    ahead, seconds = ahead_of(run, runs), seconds_to_wait(run, runs)
    if not ahead:
        return ""
    words = f"Waiting: {ahead} {'run' if ahead == 1 else 'runs'} before this one"
    if seconds is None:
        return words
    return f"{words}, about {f'{seconds:.0f} s' if seconds < 90 else f'{seconds / 60:.0f} min'}"


def _outcome(run: Run) -> None:
    result = run.parsed_result()
    if run.state == RunState.FAILED:
        st.error(plain(run.error or "The run failed."), icon=":material/error:")
    elif run.state == RunState.INTERRUPTED:
        st.warning(plain(f"Interrupted: {run.error}"), icon=":material/power_off:")
    elif result is None or (result.stopped == "cancelled" and not result.steps):
        waited = NO_RESULT if result is None and run.steps_done else NOTHING_CHANGED
        kept = found_by(store().folder(run.id)) is not None
        st.info(NOT_MEASURED if kept else waited, icon=":material/stop_circle:")
    else:
        fixed = method_entry(result.method).fixed_length and result.stopped == "step limit"
        how = (_CARRIED_OUT if fixed else _STOPPED[result.stopped]).format(
            steps=counted(result.steps, "step"), seconds=result.seconds.total
        )
        words = " ".join((*outcome_sentences(result, run.parsed_request().strength), how))
        if is_costly(result):
            st.warning(words, icon=":material/trending_down:")
        elif result.stopped == "forgotten":
            # Green is for what also holds for changed copies.
            show = st.success if is_deep(result) else st.info
            is_reached = run.parsed_request().strength == 1
            show(words, icon=":material/check_circle:" if is_reached else ":material/tune:")
        else:
            st.warning(words, icon=":material/info:")
        # The sentence comes with the first pictures, its numbers after them: they need more of the browser.
        let_browser_draw()
        result_cards(result, store().folder(run.id))
        say_if_few(run, result)
        depth_card(result)
        _say_more(result)


def _say_more(result: Result) -> None:
    """Show the remarks, and how many pictures of earlier forget sets are recognised."""
    for remark in result.remarks:
        st.caption(f":material/priority_high: {plain(remark)}")
    if result.earlier:
        back = sum(one.recognised for one in result.earlier)
        total = sum(one.n for one in result.earlier)
        are = "is" if back == 1 else "are"
        st.caption(f"Of {counted(total)} forgotten by earlier runs, {back} {are} recognised.")


def _next(run: Run) -> None:
    """Offer the next actions after a run that ended."""
    result = run.parsed_result()
    if run.state != RunState.DONE:
        with st.container(horizontal=True):
            resumable = run.state == RunState.INTERRUPTED and may_see(run.visitor)
            if resumable and st.button(
                "Resume", key="resume", type="primary", icon=":material/resume:", help=_RESUME
            ):
                _resume(run)
            kind: Literal["primary", "secondary"] = "secondary" if resumable else "primary"
            if st.button("Run again", key="again", type=kind, icon=":material/replay:"):
                _run_again(run)
    if result is None or not result.steps:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for page in (BEFORE_AFTER, WEIGHTS, ATTRIBUTIONS, REPLAY):
            st.page_link(page.file, label=page.title, icon=page.icon, query_params={"run": run.id})
        if run.state == RunState.DONE:
            forget_more_button(run)
    compare_group(run)


def _run_again(run: Run) -> None:
    try:
        open_run(engine().again(run.id, visitor()))
    except UserError as error:
        show_error(error)
    else:
        st.rerun()


def _resume(run: Run) -> None:
    try:
        engine().resume(run.id)
    except UserError as error:
        show_error(error)
    else:
        st.rerun()
