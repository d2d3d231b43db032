"""What may be asked of a server that serves others (`UNLEARN_SHARED=1`)."""

import os

from unlearn_core.errors import UserError


def is_shared() -> bool:
    """Tell whether this server serves others: then it takes uploads and the catalog, no paths and no code."""
    return os.environ.get("UNLEARN_SHARED", "") not in ("", "0")


def public_message(fault: BaseException | None) -> str:
    """Return the sentence for a fault of the program; others are not told what it says of this machine."""
    words = type(fault).__name__ if is_shared() else f"{type(fault).__name__}: {fault}"
    return f"The program failed: {words}."


def refuse_when_shared(what: str) -> None:
    """Raise `UserError` on a server that serves others."""
    if is_shared():
        raise UserError(f"This server serves others and takes {what} from nobody: upload a file instead.")
