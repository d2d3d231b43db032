"""Where everything that is kept lives on disk."""

import os
from pathlib import Path


def home() -> Path:
    """Return the folder of the store: `UNLEARN_HOME`, else `~/.unlearn-lens`."""
    return Path(os.environ.get("UNLEARN_HOME") or Path.home() / ".unlearn-lens").expanduser()
