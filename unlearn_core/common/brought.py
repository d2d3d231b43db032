"""Files of a server that a worker of a cluster was brought: where they lie there and here."""

import os
from pathlib import Path

from unlearn_core.common.home import home

SERVER_HOME = "UNLEARN_SERVER_HOME"
"""Set on a worker whose home has copies of the server's files: the folder of the server's store."""
OUTSIDE = "outside"
"""In such a home: files that lie outside of the server's home."""


def place_of(root: Path, text: str | Path) -> str:
    """Return where the copy of a server's file lies below a worker's home.

    Args:
        root: the server's home.
        text: the path as a request names it, which may be relative or begin with `~`.
    """
    path = Path(os.path.normpath(text))
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    if path.is_absolute():
        return Path(OUTSIDE, "root", *path.parts[1:]).as_posix()
    return Path(OUTSIDE, "relative", *(part for part in path.parts if part != "..")).as_posix()


def here(text: str | Path) -> Path:
    """Return where a path of a request lies on this machine."""
    server = os.environ.get(SERVER_HOME)
    if server is not None:
        copy = home() / place_of(Path(server), text)
        if copy.exists():
            return copy
    return Path(text).expanduser()


def there(path: Path) -> Path:
    """Return where the server has a resolved path of this machine, so that digests of it are the same."""
    server, own = os.environ.get(SERVER_HOME), home().resolve()
    if server is None or not path.is_relative_to(own):
        return path
    place = path.relative_to(own)
    if place.parts[:1] == (OUTSIDE,):
        return Path("/", *place.parts[2:])
    return Path(server).resolve() / place
