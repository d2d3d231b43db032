"""The finished run that ships with the project, so that there is something to see at once.

It is a run like any other, stored smaller: the weights as half-precision differences from the shipped
classifier, and fewer snapshots. `benchmarks/make_example.py` makes it.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from unlearn_core.artifacts.results import Result
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.common.files import write_compressed
from unlearn_core.common.tensor_files import writing_tensors
from unlearn_core.errors import UserError
from unlearn_core.store.processes import this_process
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.run_file import write_run_checksums
from unlearn_core.store.runs import Store

EXAMPLE = "example"
"""Its run id; it is nobody's secret."""

SHIPPED = Path(__file__).parents[1] / "catalog" / "shipped"
_ROW, _CHANGE, _WEIGHTS, _SNAPSHOTS = "run.json", "change.npz", "weights.safetensors", "snapshots"
_KEPT_BESIDE = ("steps.jsonl", "predictions.npz", "weight_maps.npz", "look_alikes.npz")

Arrays = dict[str, NDArray[Any]]


class _ThereError(UserError):
    """The store has the example."""


def install_example(store: Store) -> Run:
    """Add the example to a store unless it is there, as another process may just have added it; return it.

    Raises `UserError` if the store cannot be written.
    """
    folder, row = SHIPPED / EXAMPLE, json.loads((SHIPPED / EXAMPLE / _ROW).read_text(encoding="utf-8"))
    request, result = ForgetRequest.model_validate(row["request"]), Result.model_validate(row["result"])
    now = datetime.now(UTC)

    def fill(own: Path) -> None:
        # Not `copytree`: everybody may read the installed files, but nobody else the copies.
        for file in (*(folder / name for name in _KEPT_BESIDE), *(folder / _SNAPSHOTS).iterdir()):
            copy = own / file.relative_to(folder)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, copy)
        with np.load(folder / _CHANGE, allow_pickle=False) as change:
            weights = _changed(_original(request), dict(change))
        with writing_tensors():
            save_file(weights, own / _WEIGHTS)
        write_run_checksums(own)

    run = Run(
        id=EXAMPLE,
        name=row["name"],
        state=RunState.DONE,
        created=now,
        started=now,
        finished=now,
        request=request.model_dump_json(),
        result=json.dumps(result.to_json()),
        phase="keep",
        steps_done=result.steps,
        owner=this_process(),
    )
    with suppress(_ThereError):
        store.add([run], fill, _check_missing)
    return store.get(EXAMPLE)


def _check_missing(kept: Sequence[Run]) -> None:
    if any(run.id == EXAMPLE for run in kept):
        raise _ThereError("The example is there.")


def write_example(store: Store, run_id: str, name: str) -> None:
    """Make a finished run of a shipped classifier the example; thin its snapshots before."""
    run, own, folder = store.get(run_id), store.folder(run_id), SHIPPED / EXAMPLE
    result = run.parsed_result()
    assert result is not None
    folder.mkdir(exist_ok=True)
    row = {
        "name": name,
        "request": run.parsed_request().model_dump(mode="json"),
        "result": result.model_copy(update={"run": EXAMPLE}).to_json(),
    }
    (folder / _ROW).write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    for file in _KEPT_BESIDE:
        shutil.copyfile(own / file, folder / file)
    shutil.rmtree(folder / _SNAPSHOTS, ignore_errors=True)
    shutil.copytree(own / _SNAPSHOTS, folder / _SNAPSHOTS)
    before, after = _original(run.parsed_request()), load_file(own / _WEIGHTS)
    change = {
        key: (after[key] - before[key]).astype(np.float16)
        for key in before
        if not np.array_equal(before[key], after[key])
    }
    write_compressed(folder / _CHANGE, change)


def _original(request: ForgetRequest) -> Arrays:
    return load_file(SHIPPED / "weights" / f"{classifier_entry(request.classifier).name}.safetensors")


def _changed(before: Arrays, change: Arrays) -> Arrays:
    return {
        name: values + change[name].astype(values.dtype) if name in change else values
        for name, values in before.items()
    }
