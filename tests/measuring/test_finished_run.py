"""Film, dial, drift and files of a real run: their ends must be what the run itself measured."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unlearn_core.artifacts.predictions import FORGET, read_comparison
from unlearn_core.artifacts.weight_maps import read_weight_maps
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.export import write_attribution_files
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.measuring.replay import write_frame, write_replay
from unlearn_core.measuring.representation.drift import write_drift
from unlearn_core.measuring.representation.pca_map import others_share, write_image_map
from unlearn_core.measuring.weights.conv_filter import write_filter
from unlearn_core.measuring.weights.interpolation import write_interpolation, write_point
from unlearn_core.measuring.weights.retain_importance import write_retain_importance
from unlearn_core.store.runs import Store


def test_a_film_begins_before_and_ends_after(cached_store: Store, finished: str) -> None:
    comparison = read_comparison(cached_store.folder(finished))
    ids = [*comparison.ids[comparison.in_group(FORGET)].tolist(), 3, 700]
    places = np.searchsorted(comparison.ids, ids)
    request = AttributionRequest.parse(finished, ids, "saliency")
    path = write_replay(cached_store.root, request)
    with np.load(path) as film:
        assert film["steps"].tolist() == [0, film["all_steps"][-1]]
        assert film["classes"].shape == (2, 4)
        assert film["maps"].shape == (2, 4, 28, 28)
        assert film["places"].shape == (2, len(film["point_ids"]), 2)
        assert film["classes"][0].tolist() == comparison.before[places].tolist()
        assert film["classes"][-1].tolist() == comparison.after[places].tolist()
        assert not np.array_equal(film["maps"][0], film["maps"][-1])
        np.testing.assert_allclose(film["tops"][0], comparison.before_top[places], atol=1e-5)
        np.testing.assert_allclose(film["tops"][-1], comparison.after_top[places], atol=1e-5)
    changed = path.stat().st_mtime_ns
    assert write_replay(cached_store.root, request).stat().st_mtime_ns == changed


def test_a_frame_between_is_made_when_it_is_asked_for(cached_store: Store, finished: str) -> None:
    request = AttributionRequest.parse(finished, [3, 700], "saliency")
    with np.load(write_replay(cached_store.root, request)) as film:
        steps, ends = film["all_steps"].tolist(), {name: film[name] for name in ("maps", "places")}
    assert len(steps) > 3
    path = write_frame(cached_store.root, request, steps[1])
    with np.load(path) as frame:
        assert frame["steps"].tolist() == [steps[1]]
        assert frame["classes"].shape == frame["tops"].shape == (1, 2)
        for name, both in ends.items():
            near, far = (np.abs(frame[name][0] - end).mean() for end in both)
            assert 0 < near < far
    changed = path.stat().st_mtime_ns
    assert write_frame(cached_store.root, request, steps[1]).stat().st_mtime_ns == changed
    with pytest.raises(UserError, match="no snapshot of step 12345"):
        write_frame(cached_store.root, request, 12345)


def test_the_dial_goes_from_before_to_after_and_past_it(cached_store: Store, finished: str) -> None:
    comparison = read_comparison(cached_store.folder(finished))
    forgotten = comparison.in_group(FORGET)
    with np.load(write_interpolation(cached_store.root, finished)) as line:
        assert line["strengths"].tolist() == [0, 1]
        assert line["all_strengths"].tolist() == [round(0.05 * number, 2) for number in range(31)]
        assert line["ids"].tolist() == comparison.ids[forgotten].tolist()
        assert line["classes"][0].tolist() == comparison.before[forgotten].tolist()
        assert line["classes"][1].tolist() == comparison.after[forgotten].tolist()
        assert line["forget"].tolist() == [50, 0]
        assert line["retain"].min() > 90
        ends = {name: line[name] for name in line.files}
    for strength in (0.95, 1.5):
        with np.load(write_point(cached_store.root, finished, strength)) as point:
            assert point["strengths"].tolist() == [strength]
            for name in ("retain", "test", "classes", "tops"):
                assert point[name].shape == (1, *ends[name].shape[1:])
            assert (point["tops"] != ends["tops"]).all()
    with np.load(write_point(cached_store.root, finished, 1.0)) as point:
        assert (point["tops"][0] == ends["tops"][1]).all()
    for wrong in (-0.1, 1.6, float("nan")):
        with pytest.raises(UserError, match=r"strength from 0 to 1\.5"):
            write_point(cached_store.root, finished, wrong)


def test_what_moved_is_measured_from_the_forgotten_pictures(cached_store: Store, finished: str) -> None:
    comparison = read_comparison(cached_store.folder(finished))
    with np.load(write_drift(cached_store.root, finished)) as drift:
        forgotten = comparison.group[drift["positions"]] == FORGET
        assert forgotten.sum() == 2
        np.testing.assert_allclose(drift["distance"][forgotten], 0, atol=1e-5)
        assert (drift["distance"][~forgotten] > 0).all()
        own = comparison.ids[drift["positions"][forgotten]]
        assert set(drift["nearest"].tolist()) <= set(own.tolist())
        assert len(drift["cka"]) == len(drift["layers"]) > 10
        assert (drift["cka"] <= 1 + 1e-6).all()
        assert not np.array_equal(drift["before"], drift["after"])


def test_maps_are_written_as_arrays_and_pictures(cached_store: Store, finished: str, tmp_path: Path) -> None:
    requests = [AttributionRequest.parse(finished, [3, 14], name) for name in ("saliency", "occlusion")]
    paths = list(write_attribution_files(cached_store.root, requests, str(tmp_path / "out")))
    assert len(paths) == 2 * 2 * 3 * 2
    before, after, difference = (
        np.load(tmp_path / "out" / f"14-occlusion-{kind}.npy") for kind in ("before", "after", "difference")
    )
    assert before.shape == (28, 28)
    np.testing.assert_array_equal(difference, after - before)
    assert Image.open(tmp_path / "out" / "3-saliency-after.png").size == (28, 28)


def test_what_cannot_be_written_or_followed_is_one_sentence(
    cached_store: Store, finished: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    request = AttributionRequest.parse(finished, [3], "saliency")
    with pytest.raises(UserError, match="cannot be written"):
        list(write_attribution_files(cached_store.root, [request], str(tmp_path / "file")))
    with pytest.raises(UserError, match="Choose 1 to 8"):
        write_replay(cached_store.root, AttributionRequest.parse(finished, range(9), "saliency"))
    with pytest.raises(UserError, match="There is no run 00000000"):
        write_interpolation(cached_store.root, "00000000")


def test_a_map_has_a_place_for_every_picture(own_home: Path) -> None:
    with np.load(write_image_map(own_home, "mnist-resnet", "mnist")) as places:
        assert places["ids"].tolist() == list(range(5000))
        assert places["places"].shape == (5000, 2)
        assert np.ptp(places["places"], axis=0).min() > 1
        np.testing.assert_allclose(np.linalg.norm(places["features"].astype(float), axis=1), 1, atol=0.01)
        for score in ("memorisation", "odd_label"):
            assert 0 <= places[score].min() < places[score].max() <= 1


def test_the_share_of_other_labels_counted_by_hand() -> None:
    """Twelve vectors close together on a circle: of the other eleven the ten nearest count."""
    angles = np.linspace(0, 0.1, 12)
    unit = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    labels = np.array([0] * 11 + [1])
    shares = others_share(unit, labels)
    assert shares[11] == 1
    assert shares[0] == 0
    assert shares[10] == np.float32(0.1)
    assert others_share(unit[:1], labels[:1]).tolist() == [0]


def test_one_filter_is_shown_and_its_change_undone(cached_store: Store, finished: str) -> None:
    comparison = read_comparison(cached_store.folder(finished))
    forgotten = comparison.in_group(FORGET)
    for layer, number, size in (("network.layer4.0.conv2", 7, (3, 3)), ("network.fc", 4, (1, 1))):
        with np.load(write_filter(cached_store.root, finished, layer, number)) as found:
            assert found["kernels_before"].shape == (12, *size)
            moved = np.abs(found["kernels_after"] - found["kernels_before"]).sum((1, 2))
            assert moved[0] > 0
            assert moved[0] >= moved[-1]
            assert len(found["strongest_before"]) == 8
            assert found["classes"].tolist() == comparison.after[forgotten].tolist()
            assert found["undone_classes"].shape == found["classes"].shape
            assert not np.array_equal(found["tops"], found["undone_tops"])
    with pytest.raises(UserError, match="filters 0 to 9, not 10"):
        write_filter(cached_store.root, finished, "network.fc", 10)
    with pytest.raises(UserError, match="There is no layer"):
        write_filter(cached_store.root, finished, "network.head", 0)


def test_importance_for_retained_pictures_has_the_shape_of_the_maps(
    cached_store: Store, finished: str
) -> None:
    maps = read_weight_maps(cached_store.folder(finished))
    with np.load(write_retain_importance(cached_store.root, finished)) as found:
        assert len(found.files) == len(maps.layers)
        for number, importance in enumerate(maps.importance):
            assert found[f"importance_{number}"].shape == importance.shape
            assert 0 <= found[f"importance_{number}"].min() <= found[f"importance_{number}"].max() <= 1


def test_pictures_outside_a_measured_sample_are_explained_too(cached_store: Store, finished: str) -> None:
    run = load_finished_run(cached_store.root, finished)
    ids = [*run.comparison.ids[run.comparison.in_group(FORGET)].tolist(), 3]
    rest = ~np.isin(run.comparison.ids, ids)
    arrays = {name: value[rest] for name, value in vars(run.comparison).items() if name != "class_names"}
    sampled = replace(run, comparison=replace(run.comparison, **arrays))
    for target in ("label", "new"):
        assert sampled.targets(ids, target).tolist() == run.targets(ids, target).tolist()
    with pytest.raises(UserError, match="There is no picture 1000000 in mnist"):
        sampled.targets([1000000], "new")
