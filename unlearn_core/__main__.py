"""The command line: python -m unlearn_core."""

import os
import sys

from unlearn_core.commands.main import main
from unlearn_core.common.threads import patient_threads


def run() -> int:
    """Run the command line with threads that wait without spinning; the library leaves this to its user."""
    os.environ.update(patient_threads(os.environ))
    return main()


if __name__ == "__main__":
    sys.exit(run())
