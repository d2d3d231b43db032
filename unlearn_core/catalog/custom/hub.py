"""Weights from the Hugging Face hub: one request decides whether it is reachable."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, get_session

_SECONDS = 5


@contextmanager
def cache_alone_when_offline() -> Iterator[None]:
    """Restrict the hub's client to its cache if the hub does not respond.

    Otherwise the client retries every file, for most of a minute.
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
    # Versions of the client raise connection errors of different libraries.
    except Exception as error:
        if "Connect" in type(error).__name__ or "Timeout" in type(error).__name__:
            return False
        raise
    return True
