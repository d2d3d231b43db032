"""Forget: pick pictures, press one button, watch the classifier forget them."""

import numpy as np
import streamlit as st

from pages.forget.choose_data import adopt, check_link, choose_source, select_data_of
from pages.forget.gallery import KEY
from pages.forget.offered_pictures import load_pictures, offer_pictures
from pages.forget.prepare_ahead import end_preparation, forget_preparation, prepare_ahead
from pages.forget.request_form import (
    choose_depth,
    choose_goal,
    choose_method,
    methods_off,
    more_settings,
    others_to_compare,
)
from pages.forget.welcome import (
    example_film,
    is_watched,
    link_to_example,
    link_to_what_is_under_way,
    open_example,
    welcome,
)
from pages.shared import selection
from pages.shared.app_state import (
    current_run,
    is_drawn_again,
    leave_run,
    my_runs,
    open_run,
    remember_group,
    show_news,
    start_runs,
    start_workers,
)
from pages.shared.continue_run import (
    ids_forgotten_before,
    newly_continued,
    start_afresh,
    start_of_next_run,
)
from pages.shared.errors import show_error
from pages.shared.glossary import explained
from pages.shared.image_tables import check_still_shown, known_table
from pages.shared.never_seen import known_never_seen, recognised_unseen
from pages.shared.run_panel import run_panel
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.common.counted import counted
from unlearn_core.errors import UserError
from unlearn_core.store.example import EXAMPLE
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run

_BAD_LINK = "bad_link"


def page() -> None:
    """Draw the page: pictures on the left, the request or its run on the right."""
    show_news()
    open_example()
    run = _run_of_the_url()
    if run is not None and run.id == EXAMPLE:
        welcome()
    if run is not None:
        adopt(run)
    elif (before := newly_continued()) is not None:
        select_data_of(before)
    else:
        _look_at_the_link()
    selection.take_over(st.session_state.get(KEY, {}).get("selected"))
    if _BAD_LINK in st.session_state:
        show_error(st.session_state[_BAD_LINK])
    left, right = st.columns([7, 6], gap="large")
    with left:
        st.markdown("##### 1 · Pick the pictures to forget")
        classifier, images = choose_source()
        known = None if images is None else known_table(classifier, images)
        never_seen = None if images is None else known_never_seen(classifier, images)
        pictures = st.container()
        forgotten = ids_forgotten_before() if run is None else ()
        if images is not None and known is not None:
            # First, as the browser then loads the gallery before the charts on the right.
            if run is None:
                selection.keep_to(set(known[0].ids.tolist()) - set(forgotten))
            with pictures:
                offer_pictures(classifier, images, known, never_seen, forgotten)
    start_workers()
    with right:
        if run is None:
            _setup(classifier, images, known and known[0], never_seen, len(forgotten))
        elif run.id == EXAMPLE and is_watched():
            example_film()
        else:
            run_panel(run.id)
    if images is not None and known is None:
        with pictures:
            load_pictures(classifier, images)
    if not is_drawn_again():
        st.session_state.pop(_BAD_LINK, None)


def _run_of_the_url() -> Run | None:
    try:
        return current_run()
    except UserError as error:
        # Kept until the page is complete: loading the pictures reruns it.
        st.session_state[_BAD_LINK] = error
        leave_run()
        return None


def _look_at_the_link() -> None:
    try:
        check_link()
    except UserError as error:
        st.session_state.setdefault(_BAD_LINK, error)


def _setup(
    classifier: str,
    images: str | None,
    table: ImageTable | None,
    never_seen: NeverSeen | None,
    before: int,
) -> None:
    """Draw the request; `before` pictures are those that the runs before were to forget."""
    st.markdown("##### 2 · Let the classifier forget them")
    after, entry = start_of_next_run(), classifier_entry(classifier)
    off = methods_off(entry)
    ids = selection.picked()
    # The choices that matter come first, though they depend on the method, which is chosen below.
    first = st.container()
    with st.expander("Compare with other methods", icon=":material/compare_arrows:"):
        others = others_to_compare(off)
    with st.expander("Another method, seed, steps and device", icon=":material/tune:"):
        method = choose_method(off)
        more = more_settings(str(method["method"]), 0 if table is None else len(table.ids))
        others = [other for other in others if other["method"] != method["method"]]
    with first:
        goal = choose_goal(table, ids)
        depth = choose_depth(str(method["method"]), goal["goal"], entry, before + len(ids))
        pressed = st.button(
            _on_the_button(len(ids), 1 + len(others)),
            key="forget",
            type="primary",
            icon=":material/ink_eraser:",
            disabled=not ids or table is None,
            width="stretch",
        )
        _about_the_pick(ids, table, never_seen, relabel=goal["goal"] == "relabel")
    request = {
        "classifier": classifier,
        "images": images,
        "pick": f"ids:{','.join(map(str, ids))}",
        "after": after,
        **goal,
        **method,
        **more,
        "options": {**more["options"], **depth},
    }
    if pressed:
        _forget([request, *({**request, **other} for other in others)])
    elif ids and table is not None and after is None:
        prepare_ahead(request)
    else:
        end_preparation()


def _on_the_button(pictures: int, methods: int) -> str:
    if not pictures:
        return "Forget"
    return f"Forget {counted(pictures)}" + (f" by {methods} methods" if methods > 1 else "")


def _about_the_pick(
    ids: list[int], table: ImageTable | None, never_seen: NeverSeen | None, relabel: bool
) -> None:
    """Say what is to be known of the picked pictures before they are forgotten."""
    if not ids:
        st.caption(
            "Click the pictures to forget, such as those that people withdraw (with Shift: a range), or use "
            "a quick pick."
        )
        runs = my_runs()
        link_to_example(runs)
        link_to_what_is_under_way(runs)
        return
    if table is not None and not relabel:
        wrong = int((table.predictions != table.labels)[np.isin(table.ids, ids)].sum())
        if wrong:
            are = "is" if wrong == 1 else "are"
            of = "This picture is" if len(ids) == 1 else f"{wrong} of these {len(ids)} {are}"
            st.caption(
                f":material/priority_high: {of} not recognised even now: there is nothing to forget in "
                f"{'it' if wrong == 1 else 'them'}."
            )
    unseen = never_seen and never_seen.of(np.array(ids, np.int64))
    if unseen is not None:
        st.caption(recognised_unseen(unseen), help=explained("if never trained on"))


def _forget(requests: list[dict[str, object]]) -> None:
    """Queue all requests, or none if one is invalid; show the run of the first one."""
    try:
        check_still_shown(str(requests[0]["classifier"]), str(requests[0]["images"]))
        runs = start_runs([ForgetRequest.parse(**fields) for fields in requests])
    except UserError as error:
        show_error(error)
    else:
        forget_preparation()
        start_afresh()
        open_run(runs[0])
        remember_group(runs)
        st.rerun()


page()
