"""Whether what is prepared for a run that may follow is still wanted, and which run waits for it."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unlearn_core.errors import UserError


@dataclass(frozen=True)
class Wanted:
    """A file that is there as long as it is wanted; it holds the id of the run that waits, if one does."""

    path: Path

    def waiting(self) -> str | None:
        """Return the run's id, "" if none waits yet; None if it is no longer wanted."""
        try:
            return self.path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None

    def wait(self, run_id: str) -> None:
        """Note that a run waits, unless what it waits for has ended."""
        with suppress(FileNotFoundError), self.path.open("r+", encoding="ascii") as file:
            file.write(run_id)

    def end(self) -> None:
        """Remove the file: it has ended, or is no longer wanted."""
        self.path.unlink(missing_ok=True)


def want(root: Path) -> Wanted:
    """Return a new file, in the store at `root`; `UserError` if it cannot be written."""
    path = root / "workers" / f"preparing-{uuid.uuid4().hex}"
    try:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    except OSError as error:
        raise UserError(f"{path.parent} cannot be written: {error.strerror or error}.") from error
    return Wanted(path)
