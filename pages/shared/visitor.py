"""Identifies visitors on a shared server."""

import hashlib
import re
import secrets

import streamlit as st

from pages.shared.sign_in import subject
from unlearn_core.catalog.sources.registry import PHOTOS_PREFIX
from unlearn_core.common.sharing import is_shared, visitor_called

_SLOT = "visitor"
# Tornado's XSRF cookie: version, mask, masked token, time.
_COOKIE = re.compile(r"2\|([0-9a-f]{8})\|([0-9a-f]{32})\|\d+")


def visitor() -> str:
    """Return an id of this visitor, 16 hexadecimal digits; "" on a server that is not shared.

    It is derived from who has signed in, where people do, so it is the same in each of their browsers.
    Otherwise it is the browser's: derived from the random XSRF token that the server gives each, it survives
    reloads until the browser is closed. A browser without cookies is a new visitor at every visit.
    """
    if not is_shared():
        return ""
    if _SLOT not in st.session_state:
        signed_in = subject()
        st.session_state[_SLOT] = visitor_called(signed_in) if signed_in else _of_this_browser()
    return str(st.session_state[_SLOT])


def photos_of_visitor() -> str:
    """Return the name of the image set with the shipped photos and this visitor's uploads."""
    return f"{PHOTOS_PREFIX}{visitor()}" if is_shared() else "photos"


def may_see(owner: str) -> bool:
    """Return whether an owner is everybody ("") or this visitor."""
    return owner in ("", visitor())


def _of_this_browser() -> str:
    token = _token(st.context.cookies.get("_streamlit_xsrf", "")) or secrets.token_hex(16)
    return hashlib.sha256(f"visitor {token}".encode()).hexdigest()[:16]


def _token(cookie: str) -> str:
    """Return the token without its mask, which differs at every visit; "" if there is none."""
    found = _COOKIE.fullmatch(cookie)
    if found is None:
        return ""
    mask, masked = (bytes.fromhex(part) for part in found.groups())
    return bytes(byte ^ mask[place % len(mask)] for place, byte in enumerate(masked)).hex()
