"""The one error that is meant for users."""

import re
from pathlib import Path

_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of what follows."""


class UserError(Exception):
    """An error that the user can correct; its message is one clear sentence.

    The command line prints it and exits with code 2, the app shows it in an error box. Every other
    exception is a bug. Names of files that it quotes stay on its line.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(_NO_TEXT.sub("�", sentence))


def first_line(error: BaseException) -> str:
    """Return the first line of an error, without its full stop; its type where it says nothing.

    Torch's hints for programmers are left out.
    """
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.partition(" Hint: ")[0][:300].rstrip(".")


def no_such_file(path: Path) -> UserError:
    """Return the error for a path that is not a file."""
    if path.is_dir():
        return UserError(f"{path.name} is a folder, not a file.")
    return UserError(f"There is no file {path.name}.")
