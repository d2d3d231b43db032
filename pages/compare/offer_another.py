"""A run that stands alone: forget the same pictures by another method, to compare both."""

import streamlit as st

from pages.shared.app_state import open_run, remember_group, start_runs
from pages.shared.errors import show_error
from pages.shared.links import FORGET, go_to_forget
from pages.shared.words import plain
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.errors import UserError
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.store.rows import Run

_METHODS = ("adv+imp", "neggrad")
"""The paper's and the simplest."""


def offer_another(run: Run) -> None:
    """Offer to forget the pictures of a run by other methods, for a comparison with it."""
    request = run.parsed_request()
    off = dict(classifier_entry(request.classifier).methods_off)
    left = [name for name in _METHODS if name != request.method and name not in off]
    if not left:
        return
    st.markdown(f"Or let the classifier forget the pictures of *{plain(run.name)}* by another method:")
    with st.container(horizontal=True):
        for name in left:
            entry = method_entry(name)
            if st.button(entry.title, key=f"by:{name}", icon=FORGET.icon, help=entry.summary):
                _forget_by(run, name)


def _forget_by(run: Run, method: str) -> None:
    """Start a run like this one by another method with its defaults, and watch it on *Forget*."""
    result = run.parsed_result()
    assert result is not None
    other = {
        "pick": f"ids:{','.join(map(str, result.ids))}",
        "method": method,
        "options": {},
        "retained": 0,
        "strength": 1.0,
    }
    try:
        started = start_runs([run.parsed_request().model_copy(update=other)])
    except UserError as error:
        show_error(error)
        return
    remember_group([run.id, *started])
    open_run(started[0])
    go_to_forget()
