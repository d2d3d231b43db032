"""Weights from a hub: one question tells whether it can be reached."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, get_session

_SECONDS = 5


@contextmanager
def cache_alone_when_offline() -> Iterator[None]:
    """Let the hub's client look into its cache alone while the hub does not answer.

    By itself the client asks again and again, file by file, for the better part of a minute.
    """
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _answers()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _answers() -> bool:
    try:
        get_session().head(constants.ENDPOINT, timeout=_SECONDS)
    # Each version of the client has connection errors of another library.
    except Exception as error:
        if "Connect" in type(error).__name__ or "Timeout" in type(error).__name__:
            return False
        raise
    return True
