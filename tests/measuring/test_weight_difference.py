"""The weights of two classifiers, layer by layer."""

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.finished import FinishedRun
from unlearn_core.artifacts.weight_maps import read_weight_maps
from unlearn_core.catalog.classifiers import WEIGHTS
from unlearn_core.engine.looks import WeightDifferenceRequest
from unlearn_core.errors import UserError
from unlearn_core.store.run_file import write_run_checksums
from unlearn_core.store.runs import Store


def test_against_the_catalogs_classifier_it_is_the_change_of_the_run(
    store: Store, finished_run: FinishedRun
) -> None:
    run = finished_run.copy_to(store)
    maps = read_weight_maps(store.folder(run.id))
    with np.load(WeightDifferenceRequest(run.id, classifier="mnist-resnet").answer(store.root)) as found:
        for number, change in enumerate(maps.change):
            np.testing.assert_allclose(found[f"change_{number}"], change, rtol=1e-4, atol=1e-8)


def test_two_runs_differ_by_what_their_files_differ(store: Store, finished_run: FinishedRun) -> None:
    run, other = finished_run.copy_to(store), finished_run.copy_to(store)
    (store.folder(other.id) / "weights.safetensors").write_bytes(
        (WEIGHTS / "mnist-resnet.safetensors").read_bytes()
    )
    write_run_checksums(store.folder(other.id))
    after, before = (
        load_file(path)["network.conv1.weight"]
        for path in (store.folder(run.id) / "weights.safetensors", WEIGHTS / "mnist-resnet.safetensors")
    )
    with np.load(WeightDifferenceRequest(run.id, other_run=other.id).answer(store.root)) as found:
        wanted = (after - before).square().mean((2, 3)).sqrt()
        np.testing.assert_allclose(found["change_0"], wanted, rtol=1e-4, atol=1e-8)


def test_another_architecture_is_one_sentence(store: Store, finished_run: FinishedRun) -> None:
    run = finished_run.copy_to(store)
    with pytest.raises(UserError, match="Only classifiers of one architecture"):
        WeightDifferenceRequest(run.id, classifier="cifar10-resnet20").answer(store.root)
