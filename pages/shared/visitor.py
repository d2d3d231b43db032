"""Identifies visitors on a shared server."""

import hashlib
import re
import secrets

import streamlit as st

from unlearn_core.catalog.entries import PHOTOS_PREFIX
from unlearn_core.common.sharing import is_shared

_SLOT = "visitor"
# Tornado's XSRF cookie: version, mask, masked token, time.
_COOKIE = re.compile(r"2\|([0-9a-f]{8})\|([0-9a-f]{32})\|\d+")


def visitor() -> str:
    """Return an id for this browser, 16 hexadecimal digits; "" on a server that is not shared.

    It is derived from the random XSRF token that the server gives each browser, so it survives reloads until
    the browser is closed. A browser without cookies is a new visitor at every visit.
    """
    if not is_shared():
        return ""
    if _SLOT not in st.session_state:
        token = _token(st.context.cookies.get("_streamlit_xsrf", "")) or secrets.token_hex(16)
        st.session_state[_SLOT] = hashlib.sha256(f"visitor {token}".encode()).hexdigest()[:16]
    return str(st.session_state[_SLOT])


def photos_of_visitor() -> str:
    """Return the name of the image set with the shipped photos and this visitor's uploads."""
    return f"{PHOTOS_PREFIX}{visitor()}" if is_shared() else "photos"


def may_see(owner: str) -> bool:
    """Return whether an owner is everybody ("") or this visitor."""
    return owner in ("", visitor())


def _token(cookie: str) -> str:
    """Return the token without its mask, which differs at every visit; "" if there is none."""
    found = _COOKIE.fullmatch(cookie)
    if found is None:
        return ""
    mask, masked = (bytes.fromhex(part) for part in found.groups())
    return bytes(byte ^ mask[place % len(mask)] for place, byte in enumerate(masked)).hex()
