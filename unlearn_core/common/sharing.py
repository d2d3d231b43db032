"""Restrictions of a shared server (`UNLEARN_SHARED=1`)."""

import os

from unlearn_core.errors import UserError


def is_shared() -> bool:
    """Return whether this server is shared: it then accepts uploads, but no paths and no code."""
    return os.environ.get("UNLEARN_SHARED", "") not in ("", "0")


def public_message(fault: BaseException | None) -> str:
    """Return the message for a bug; on a shared server without details of the machine."""
    words = type(fault).__name__ if is_shared() else f"{type(fault).__name__}: {fault}"
    return f"The program failed: {words}."


def refuse_when_shared(what: str) -> None:
    """Raise `UserError` on a shared server."""
    if is_shared():
        raise UserError(f"This server is shared and does not accept {what}: upload a file instead.")
