"""The longest names that are read: longer ones make no sense, and take quadratic time."""

from collections.abc import Iterable

from unlearn_core.errors import UserError

MOST_CHARACTERS, MOST_FOLDERS = 1_000, 50
"""Of a path or a class, and around a file."""


def check_class_names(names: Iterable[str]) -> None:
    """Raise `UserError` for names of classes that are longer."""
    longest = max(map(len, names), default=0)
    if longest > MOST_CHARACTERS:
        raise UserError(f"The name of a class has {longest:,} characters: the most is {MOST_CHARACTERS:,}.")
