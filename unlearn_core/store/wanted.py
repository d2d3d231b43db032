"""Whether what is prepared for a run that may follow is still wanted, and which run waits for it."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unlearn_core.errors import UserError

_FOLDER, _BEGINS = "workers", "preparing-"


@dataclass(frozen=True)
class Wanted:
    """A file that is there as long as it is wanted; it holds the id of the run that waits, if one does."""

    path: Path

    def waiting(self) -> str | None:
        """Return the run's id, "" if none waits yet; None if it is no longer wanted, or nobody can tell."""
        try:
            return self.path.read_text(encoding="ascii")
        except OSError:
            return None

    def wait(self, run_id: str) -> None:
        """Note that a run waits, unless what it waits for has ended."""
        with suppress(OSError), self.path.open("r+", encoding="ascii") as file:
            file.write(run_id)

    def end(self) -> None:
        """Remove the file: it has ended, or is no longer wanted."""
        with suppress(OSError):
            self.path.unlink()


def want(root: Path) -> Wanted:
    """Return a new file, in the store at `root`; `UserError` if it cannot be written."""
    path = root / _FOLDER / f"{_BEGINS}{uuid.uuid4().hex}"
    try:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    except OSError as error:
        raise UserError(f"{path.parent} cannot be written: {error.strerror or error}.") from error
    return Wanted(path)


def want_nothing(root: Path) -> None:
    """Remove all such files: those of a server or a worker that was killed."""
    for path in (root / _FOLDER).glob(f"{_BEGINS}*"):
        Wanted(path).end()
