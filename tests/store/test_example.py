"""The example that ships: a finished run like any other, whose files say what its weights say."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from unlearn_core.artifacts.look_alikes import read_look_alikes
from unlearn_core.artifacts.predictions import FORGET, read_comparison
from unlearn_core.artifacts.weight_maps import read_weight_maps
from unlearn_core.engine.looks import ReplayRequest
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.depth import measure_depth
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.measuring.predict import predict
from unlearn_core.store.example import EXAMPLE, install_example
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store, open_store


def test_two_processes_may_add_the_example_to_a_new_store(own_home: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        runs = list(both.map(install_example, [Store(own_home), Store(own_home)]))
    assert [run.id for run in runs] == [EXAMPLE] * 2
    assert [run.id for run in open_store().runs()] == [EXAMPLE]


def test_the_example_says_what_its_weights_say(own_home: Path) -> None:
    store = open_store()
    run = install_example(store)
    result, folder = run.parsed_result(), store.folder(EXAMPLE)
    assert (run.state, run.id) == (RunState.DONE, EXAMPLE)
    assert result is not None
    finished, comparison = load_finished_run(store.root, EXAMPLE), read_comparison(folder)
    said = predict(finished.after.module, finished.images.pixels, comparison.labels, torch.device("cpu"))
    np.testing.assert_array_equal(said.classes, comparison.after)
    np.testing.assert_allclose(said.top_confidences, comparison.after_top, atol=2e-3)
    assert result.accuracy.forget.after == 0
    assert sorted(result.ids) == comparison.ids[comparison.in_group(FORGET)].tolist()
    depth = measure_depth(
        finished.before.module,
        finished.after.module,
        finished.pixels(result.ids),
        torch.from_numpy(finished.targets(result.ids, "label")),
    )
    assert result.depth is not None
    assert depth.changed_copies.after == pytest.approx(result.depth.changed_copies.after, abs=1)
    assert depth.return_point == result.depth.return_point
    assert len(read_weight_maps(folder).layers) == 14
    assert read_look_alikes(folder) is not None
    assert len(store.steps(EXAMPLE)) == result.steps + 1
    film = ReplayRequest(AttributionRequest.parse(EXAMPLE, result.ids[:1], "saliency")).answer(store.root)
    with np.load(film) as frames:
        assert frames["steps"].tolist()[0] == 0
        assert frames["steps"].tolist()[-1] == result.steps


def test_a_second_one_or_a_full_disk_leaves_nothing_half(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("unlearn_core.store.example.save_file", full)
        with pytest.raises(UserError, match="cannot be written: No space left"):
            install_example(store)
    assert not store.runs()
    assert not store.folder(EXAMPLE).exists()
    install_example(store)
    assert install_example(store).id == EXAMPLE
    assert [run.id for run in store.runs()] == [EXAMPLE]
    assert read_look_alikes(store.folder(EXAMPLE)) is not None
