"""The one error that is meant for people."""


class UserError(Exception):
    """Something the person who asked can mend; its message is one clear sentence.

    The command line prints it and exits with code 2, the app shows it in an error box. Every other
    exception is a fault of the program.
    """
