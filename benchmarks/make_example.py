"""Makes the finished run that ships with the project (`unlearn_core/store/example.py`).

    OMP_NUM_THREADS=1 python -m benchmarks.make_example

Sixteen random digits, forgotten with the default method and options, seed 0. Of the snapshots it keeps
`SNAPSHOTS`, spread over the steps, each written anew as the difference from the one kept before.
"""

from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import numpy as np

from unlearn_core import load_classifier
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.store.example import write_example
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store
from unlearn_core.store.snapshots import SnapshotWriter, read_snapshots

NAME = "Example: sixteen digits"
SNAPSHOTS = 9


def thin(folder: Path) -> None:
    """Keep `SNAPSHOTS` of a folder's snapshots, the first and the last among them."""
    original = load_classifier("mnist-resnet").module
    start = {name: tensor.clone() for name, tensor in original.state_dict().items()}
    snapshots = list(read_snapshots(folder, start))
    rmtree(folder)
    writer = SnapshotWriter(folder, start)
    for place in np.unique(np.linspace(0, len(snapshots) - 1, SNAPSHOTS).round().astype(int)):
        step, weights = snapshots[place]
        original.load_state_dict(weights)
        writer.write(step, original)


def main() -> None:
    """Run it and write it into the package."""
    with TemporaryDirectory() as home:
        store = Store(Path(home))
        run_id = store.create(ForgetRequest(pick="random:16"), NAME).id
        run_forget(store, run_id)
        thin(store.folder(run_id) / "snapshots")
        write_example(store, run_id, NAME)


if __name__ == "__main__":
    main()
