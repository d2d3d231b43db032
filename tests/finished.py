"""A finished run, made once: tests that only look at one, or damage it, take a copy."""

import shutil
from dataclasses import dataclass

from unlearn_core.artifacts.results import Result
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import Store


def result_of(store: Store, run_id: str) -> Result:
    """Return the result of a run that has one."""
    result = store.get(run_id).parsed_result()
    assert result is not None
    return result


@dataclass(frozen=True)
class FinishedRun:
    """A run of two digits by the default method, in a store that nothing is written to."""

    store: Store
    run_id: str

    def copy_to(self, store: Store, name: str | None = None) -> Run:
        """Return a run of another store with the same request, files and result."""
        made = self.store.get(self.run_id)
        result = made.parsed_result()
        assert result is not None
        run = store.create(made.parsed_request(), name)
        shutil.copytree(self.store.folder(made.id), store.folder(run.id), dirs_exist_ok=True)
        store.update(run.id, steps_done=made.steps_done, started=made.started, phase=made.phase)
        store.finish(run.id, RunState.DONE, result=result.model_copy(update={"run": run.id}))
        return store.get(run.id)
