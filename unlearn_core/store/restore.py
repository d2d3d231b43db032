"""Makes rows anew of runs whose row was lost."""

from pathlib import Path

from sqlmodel import Session, select

from unlearn_core.store.rows import Run, RunState, is_run_id
from unlearn_core.store.run_file import has_run_file, read_run_file


def lost_runs(session: Session, folder: Path) -> list[Run]:
    """Return the rows, oldest first, of the runs in a store's folder that the database does not have.

    A folder without `run.json` counts only if the database has no run at all: else it is what was left of a
    deleted one.
    """
    known = set(session.exec(select(Run.id)))
    lost = [
        read_run_file(one)
        for one in run_folders(folder)
        if one.name not in known and (has_run_file(one) or (not known and _holds_something(one)))
    ]
    return sorted(lost, key=lambda run: run.created)


def run_folders(folder: Path) -> list[Path]:
    """Return the folders of runs in that of a store, whatever is in them."""
    return [one for one in folder.glob("*") if is_run_id(one.name) and one.is_dir()]


def _holds_something(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except PermissionError:
        return True


def in_words(runs: list[Run]) -> str:
    """Return the sentence about rows that were made anew."""
    damaged = sum(run.checked().state == RunState.DAMAGED for run in runs)
    words = f"{len(runs)} run{'s were' if len(runs) > 1 else ' was'} not in the store's database"
    rest = f", {damaged} of them damaged" if damaged else ""
    return f"{words} and {'are' if len(runs) > 1 else 'is'} back from the run folders{rest}."
