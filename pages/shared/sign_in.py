"""The door of a server on which people sign in, with OpenID Connect through Streamlit's `st.login`."""

import logging
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from streamlit import config
from streamlit.errors import Error, StreamlitSecretNotFoundError
from streamlit.navigation.page import StreamlitPage

from unlearn_core.errors import UserError

_FILES = "secrets.files"
_log = logging.getLogger(__name__)


def is_asked() -> bool:
    """Return whether people must sign in: the operator's secrets.toml has a section [auth].

    Raises `UserError` for a file that is missing or cannot be read: then nobody may enter.
    """
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError as error:
        found = any(Path(file).exists() for file in st.get_option(_FILES))
        if found or config.is_manually_set(_FILES):
            _log.error("The file secrets.toml is missing or is not TOML.")
            raise UserError("Nobody can sign in: the server's file secrets.toml cannot be read.") from error
        return False


def may_enter() -> bool:
    """Return whether this person may see the app; if not, show how to sign in."""
    try:
        if not is_asked() or st.user.get("is_logged_in"):
            return True
        _ask()
    except UserError as error:
        st.error(str(error), icon=":material/error:")
    return False


def subject() -> str:
    """Return who has signed in: the provider and its permanent name of this person; "" without sign-in."""
    return f"{st.user['iss']} {st.user['sub']}" if is_asked() else ""


def sign_out_pages() -> list[StreamlitPage]:
    """Return the navigation's entry for signing out, if people sign in."""
    if not is_asked():
        return []
    return [st.Page(st.logout, title="Sign out", icon=":material/logout:", url_path="sign_out")]


def _ask() -> None:
    if any(find_spec(name) is None for name in ("authlib", "httpx")):
        raise UserError('Nobody can sign in: install what it needs with pip install ".[sign-in]".')
    st.title("Unlearn Lens")
    for name in _providers():
        if st.button(f"Sign in with {name}" if name else "Sign in", type="primary", icon=":material/login:"):
            try:
                st.login(name or None)
            except Error as error:
                _log.error("Sign-in is not set up correctly: %s", error)
                raise UserError("Nobody can sign in: the server's log says what is missing.") from error


def _providers() -> list[str]:
    """Return the names of the providers in secrets.toml; "" is the only one, without a name."""
    sections = [name for name, value in st.secrets["auth"].items() if isinstance(value, Mapping)]
    return [name for name in sections if name != "client_kwargs"] or [""]
