"""The runs that were started together: how many remain, then their comparison."""

import streamlit as st

from pages.shared.app_state import group_of, store
from pages.shared.links import COMPARE
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.store.rows import UNDER_WAY, Run


def compare_group(run: Run) -> None:
    """Show how many of the runs started together remain, or link to their comparison."""
    runs = [one for one in store().runs() if one.id in group_of(run.id)]
    if not runs:
        return
    left = sum(one.state in UNDER_WAY for one in runs)
    if left:
        are = "is" if left == 1 else "are"
        st.caption(f"{left} of the {len(runs)} methods {are} not finished yet: see Runs.")
        return
    lack = [method_entry(one.parsed_request().method).title for one in runs if one.parsed_result() is None]
    if lack:
        st.caption(f"There is no result of {' and '.join(lack)}: see Runs.")
    if len(runs) - len(lack) > 1:
        st.page_link(COMPARE.file, label=f"Compare the {len(runs) - len(lack)} methods", icon=COMPARE.icon)
