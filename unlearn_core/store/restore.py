"""Makes rows anew of runs whose row was lost."""

from pathlib import Path

from sqlmodel import Session, select

from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.run_file import RUN_FILE, read_run_file


def lost_runs(session: Session, folder: Path) -> list[Run]:
    """Return the rows, oldest first, of the runs in a store's folder that the database does not have.

    A folder without `run.json` counts only if the database has no run at all: else it is what was left of a
    deleted one.
    """
    known = set(session.exec(select(Run.id)))
    lost = [
        read_run_file(one)
        for one in folder.glob("*")
        if one.is_dir()
        and one.name not in known
        and ((one / RUN_FILE).exists() or (not known and any(one.iterdir())))
    ]
    return sorted(lost, key=lambda run: run.created)


def in_words(runs: list[Run]) -> str:
    """Return the sentence about rows that were made anew."""
    damaged = sum(run.checked().state == RunState.DAMAGED for run in runs)
    words = f"{len(runs)} run{'s were' if len(runs) > 1 else ' was'} not in the store's database"
    rest = f", {damaged} of them damaged" if damaged else ""
    return f"{words} and {'are' if len(runs) > 1 else 'is'} back from the run folders{rest}."
