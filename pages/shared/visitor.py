"""Whose browser this is, on a server that serves others."""

import hashlib
import re
import secrets

import streamlit as st

from unlearn_core.catalog.sources.registry import PHOTOS_PREFIX
from unlearn_core.common.sharing import is_shared

_SLOT = "visitor"
# Tornado's cookie against forged requests: version, mask, token under the mask, time.
_COOKIE = re.compile(r"2\|([0-9a-f]{8})\|([0-9a-f]{32})\|\d+")


def visitor() -> str:
    """Return a name for this browser, 16 hexadecimal digits, or "" where there is one person alone.

    It is made from the random token that the server gives each browser against forged requests, so it lasts
    over reloads, until the browser is closed. A browser without cookies is a new visitor at every visit.
    """
    if not is_shared():
        return ""
    if _SLOT not in st.session_state:
        token = _token(st.context.cookies.get("_streamlit_xsrf", "")) or secrets.token_hex(16)
        st.session_state[_SLOT] = hashlib.sha256(f"visitor {token}".encode()).hexdigest()[:16]
    return str(st.session_state[_SLOT])


def photos_of_visitor() -> str:
    """Return the image set of shipped photos and this visitor's own."""
    return f"{PHOTOS_PREFIX}{visitor()}" if is_shared() else "photos"


def may_see(owner: str) -> bool:
    """Tell whether something belongs to everybody or to this visitor."""
    return owner in ("", visitor())


def _token(cookie: str) -> str:
    """Return the token without its mask, which is another one at every visit; "" where there is none."""
    found = _COOKIE.fullmatch(cookie)
    if found is None:
        return ""
    mask, masked = (bytes.fromhex(part) for part in found.groups())
    return bytes(byte ^ mask[place % len(mask)] for place, byte in enumerate(masked)).hex()
