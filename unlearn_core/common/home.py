"""Where everything that is kept lives on disk."""

import contextlib
import os
from pathlib import Path


def home() -> Path:
    """Return the folder of the store: `UNLEARN_HOME`, else `~/.unlearn-lens`."""
    return Path(os.environ.get("UNLEARN_HOME") or Path.home() / ".unlearn-lens").expanduser()


def make_private(folder: Path) -> None:
    """Let nobody but the owner into a folder; a file system without such rights is left as it is."""
    with contextlib.suppress(PermissionError):
        folder.chmod(0o700)


def data_dir() -> Path:
    """Return where image sets that torchvision downloads lie: `UNLEARN_DATA_DIR`, else `data` in the home."""
    return Path(os.environ.get("UNLEARN_DATA_DIR") or home() / "data").expanduser()
