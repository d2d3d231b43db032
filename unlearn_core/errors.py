"""The one error that is meant for users."""


class UserError(Exception):
    """An error that the user can correct; its message is one clear sentence.

    The command line prints it and exits with code 2, the app shows it in an error box. Every other
    exception is a bug.
    """


def first_line(error: BaseException) -> str:
    """Return the first line of an error, without its full stop; its type where it says nothing.

    Torch's hints for programmers are left out.
    """
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.partition(" Hint: ")[0][:300].rstrip(".")
