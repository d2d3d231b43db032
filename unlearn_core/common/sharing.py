"""Restrictions of a shared server (`UNLEARN_SHARED=1`)."""

import hmac
import os
import secrets
from pathlib import Path

from unlearn_core.common.files import make_once
from unlearn_core.common.home import home
from unlearn_core.errors import UserError

VISITORS_KEY = "visitors.key"
"""The file in the home with the key to the ids of visitors who signed in."""


def is_shared() -> bool:
    """Return whether this server is shared: it then accepts uploads, but no paths and no code."""
    return os.environ.get("UNLEARN_SHARED", "") not in ("", "0")


def no_home_there(folder: Path, reason: object) -> UserError:
    """Return the error for a home that cannot be written; on a shared server it does not name the folder."""
    where = "" if is_shared() else f" in {folder}"
    return UserError(f"The store{where} cannot be written ({reason}): set UNLEARN_HOME to another folder.")


def public_message(fault: BaseException | None) -> str:
    """Return the message for a bug; on a shared server without details of the machine."""
    words = type(fault).__name__ if is_shared() else f"{type(fault).__name__}: {fault}"
    return f"The program failed: {words}."


def refuse_when_shared(what: str) -> None:
    """Raise `UserError` on a shared server."""
    if is_shared():
        raise UserError(f"This server is shared and does not accept {what}: upload a file instead.")


def visitor_called(subject: str) -> str:
    """Return the id of a visitor who signed in, 16 hexadecimal digits: always the same one in this home.

    Without the key in the home, who knows the subject cannot tell the id.
    """
    key = make_once(home() / VISITORS_KEY, lambda: secrets.token_bytes(32), Path.write_bytes)
    return hmac.digest(key.read_bytes(), subject.encode(), "sha256").hex()[:16]
