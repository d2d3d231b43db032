"""Visitors of a shared server who ask for the same get the same result, which is calculated once."""

import hashlib
import os
import shutil
from pathlib import Path

from unlearn_core import __version__
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.image_sets import fingerprint
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.run_file import RUN_FILE
from unlearn_core.store.runs import Store

_FILE = "asked.txt"
"""In the folder of a visitor's run: what its result depends on, as a digest."""


def take_over(store: Store, run: Run) -> bool:
    """End a visitor's run with files and result of one that asked for the same; return whether there is one.

    Runs without a visitor are always carried out.
    """
    if not run.visitor:
        return False
    asked = digest_of(run.parsed_request())
    (store.folder(run.id) / _FILE).write_text(asked, encoding="utf-8")
    for other in store.runs():
        done = other.id != run.id and other.request == run.request and other.state == RunState.DONE
        if done and _asked(store, other) == asked:
            result = other.parsed_result()
            assert result is not None
            try:
                _link_files(store.folder(other.id), store.folder(run.id))
            except OSError:
                # The other run is being deleted, or the disk has no links: this one is carried out.
                _unlink_files(store.folder(run.id))
                return False
            store.update(run.id, steps_done=other.steps_done, phase=other.phase)
            store.finish(run.id, RunState.DONE, result=result.model_copy(update={"run": run.id}))
            return True
    return False


def digest_of(request: ForgetRequest) -> str:
    """Return a digest of what a result depends on: program, classifier, pictures and request."""
    images = [name for name in (request.images, request.measure_on) if name is not None]
    parts = [
        __version__,
        classifier_entry(request.classifier).digest,
        *(str(fingerprint(name, request.classifier)) for name in images),
        request.model_dump_json(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _asked(store: Store, run: Run) -> str:
    path = store.folder(run.id) / _FILE
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _link_files(source: Path, target: Path) -> None:
    """Give a run the files of another, without its caches; finished files are never changed in place."""
    for path in source.iterdir():
        if path.name == "snapshots":
            # An interrupted attempt may have left some of its own.
            shutil.rmtree(target / path.name, ignore_errors=True)
            shutil.copytree(path, target / path.name, copy_function=os.link)
        elif path.is_file() and path.name not in (_FILE, RUN_FILE):
            (target / path.name).unlink(missing_ok=True)
            os.link(path, target / path.name)


def _unlink_files(folder: Path) -> None:
    """Remove what was linked: a run writes some of its files in place, and they are another's."""
    shutil.rmtree(folder / "snapshots", ignore_errors=True)
    for path in folder.iterdir():
        if path.is_file() and path.stat().st_nlink > 1:
            path.unlink()
