"""Words that several pages share: what the sets of pictures are called, and how values are written."""

import math
import re
from typing import NamedTuple


class SetWords(NamedTuple):
    """A set's title and its symbol."""

    title: str
    symbol: str

    @property
    def name(self) -> str:
        """Title and symbol, as on cards and in legends."""
        return f"{self.title} ({self.symbol})"


FORGET_SET = SetWords("to forget", "D_f")
RETAIN_SET = SetWords("kept", "D_r")
TEST_SET = SetWords("never seen", "D_test")

SETS = {"forget": FORGET_SET, "retain": RETAIN_SET, "test": TEST_SET}
"""By the names that results and predictions use."""


_MARKDOWN = re.compile(r"([\\`*_\[\]<>$:~#!|])")


def sample_of(words: SetWords) -> str:
    """Return what a curve is called that was measured on a sample of a set."""
    return f"{words.title} ({words.symbol}, sample)"


def plain(text: str) -> str:
    """Escape what Markdown would draw: names in a stranger's file may hold links and pictures."""
    return _MARKDOWN.sub(r"\\\1", text)


def two_decimals(value: float) -> str:
    """Write a correlation or an error with two decimals, an unknown one as a dash."""
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")


def decimals(n: int) -> int:
    """Return the decimals that show a single one of `n` pictures: 1, above a thousand 2."""
    return 1 if n <= 1000 else 2


def percent(value: float, n: int = 0) -> str:
    """Write a percentage of `n` pictures, without trailing zeros."""
    return f"{value:.{decimals(n)}f}".rstrip("0").removesuffix(".")
