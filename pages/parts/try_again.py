"""Saying why a look failed, with a button that starts it anew."""

import streamlit as st

from pages.parts.app_state import show_error
from unlearn_core.errors import LookFailed, UserError


def show_failure(error: UserError, key: str = "try_again") -> None:
    """Show the sentence, and where a look failed *Try again*: the engine starts it anew as the page is drawn.

    `key` tells the button from others on the same page.
    """
    show_error(error)
    if isinstance(error, LookFailed):
        st.button("Try again", key=key, icon=":material/refresh:")


def tries_again(key: str = "try_again") -> bool:
    """Tell whether the button was just pressed, for what is asked once and not each time a page is drawn."""
    return bool(st.session_state.get(key))
