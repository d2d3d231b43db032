"""The pages of the app: their files, titles and icons, in the order of the navigation."""

from dataclasses import dataclass

import streamlit as st

PAGE = "page"
"""In the session: the title of the page that is drawn."""


@dataclass(frozen=True)
class PageLink:
    """One page, as `st.Page`, `st.page_link` and `st.switch_page` take it."""

    file: str
    title: str
    icon: str


FORGET = PageLink("pages/forget/forget.py", "Forget", ":material/ink_eraser:")
BEFORE_AFTER = PageLink("pages/before_after/before_after.py", "Before / after", ":material/compare:")
WEIGHTS = PageLink("pages/weights/weights.py", "Weights", ":material/grid_on:")
ATTRIBUTIONS = PageLink(
    "pages/attributions/attributions.py", "Attributions", ":material/center_focus_strong:"
)
REPLAY = PageLink("pages/replay/replay.py", "Replay", ":material/movie:")
COMPARE = PageLink("pages/compare/compare.py", "Compare", ":material/compare_arrows:")
ADD = PageLink("pages/add/add.py", "Add", ":material/add_circle:")
RUNS = PageLink("pages/runs/runs.py", "Runs", ":material/list_alt:")

PAGES = (
    FORGET,
    BEFORE_AFTER,
    WEIGHTS,
    ATTRIBUTIONS,
    REPLAY,
    COMPARE,
    ADD,
    RUNS,
)


def go_to_forget() -> None:
    """Open *Forget*, or draw it anew where it is open.

    Streamlit cannot switch a page to itself while choices on it are bound to its link, and to another one
    only with parameters, which may be none.
    """
    if st.session_state[PAGE] == FORGET.title:
        st.rerun()
    st.switch_page(FORGET.file, query_params={})
