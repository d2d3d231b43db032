"""Errors on a page: each is one sentence in a box."""

import errno
from contextlib import suppress

import streamlit as st
from streamlit.errors import StreamlitDuplicateElementKey

from pages.shared.words import plain
from unlearn_core.common.log import log_event
from unlearn_core.common.sharing import public_message
from unlearn_core.errors import UserError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_NO_MEMORY = ("failed to map segment", "can't start new thread")


class FailedLookError(UserError):
    """A measurement in a worker failed; a further call starts it again."""


def show_error(error: UserError) -> None:
    """Show the error in a box, with *Try again* where that may help."""
    st.error(plain(str(error)), icon=":material/error:")
    if isinstance(error, FailedLookError):
        # The engine does not reuse a failed look: rerunning the page starts a new one.
        # Of several that failed for the same reason one button is enough: it starts them all again.
        with suppress(StreamlitDuplicateElementKey):
            st.button("Try again", key=f"try_again_{hash(str(error))}", icon=":material/refresh:")


def show_fault(fault: Exception) -> bool:
    """Show one sentence instead of Streamlit's box for what no page expected; return True, it is shown."""
    log_event("page failed", fault=fault)
    if isinstance(fault, UserError):
        show_error(fault)
    elif isinstance(fault, OSError) and fault.errno in _NO_ROOM:
        show_error(UserError(f"The server cannot write its files: {fault.strerror}."))
    elif isinstance(fault, MemoryError) or any(words in str(fault) for words in _NO_MEMORY):
        show_error(UserError("The server has no memory left: end other programs, or give it more."))
    else:
        show_error(UserError(public_message(fault)))
    return True
