"""What the store did by itself and a person should know, told once: on the first page or by `runs list`."""

import logging
from contextlib import suppress
from pathlib import Path

_FILE = "news.txt"

_log = logging.getLogger(__name__)


def tell(root: Path, sentence: str) -> None:
    """Log a sentence, and keep it in the store's root until somebody reads it."""
    if _log.hasHandlers():
        # Without one Python would print it, and then the command that reads it once more.
        _log.warning(sentence)
    with suppress(OSError), (root / _FILE).open("a", encoding="utf-8") as file:
        file.write(sentence + "\n")


def take_news(root: Path) -> list[str]:
    """Return the sentences that nobody has read yet; the next call returns none of them."""
    try:
        sentences = (root / _FILE).read_text(encoding="utf-8").splitlines()
        (root / _FILE).unlink()
    except (OSError, ValueError):
        return []
    return sentences
