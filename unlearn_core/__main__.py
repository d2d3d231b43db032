"""The command line: python -m unlearn_core."""

import os
import sys

from unlearn_core.commands.main import main
from unlearn_core.common.threads import patient_threads


def run() -> int:
    """Run the command line with threads that wait without spinning; the library leaves this to its user."""
    os.environ.update(patient_threads(os.environ))
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
        # A locale without UTF-8, as in many containers: names of files with umlauts could not be told apart
        # from bytes. Python decides this when it starts.
        os.environ["PYTHONUTF8"] = "1"
        # The console stays what it is.
        os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:replace")
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return main()


if __name__ == "__main__":
    sys.exit(run())
