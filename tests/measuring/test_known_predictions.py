"""Predictions that are known already: those shipped, and those of an image table."""

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.quick import QUICK
from unlearn_core.artifacts import shipped_predictions
from unlearn_core.artifacts.image_table import read_image_table
from unlearn_core.artifacts.predictions import Predictions
from unlearn_core.artifacts.shipped_predictions import read_shipped_predictions, write_shipped_predictions
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import fingerprint, load_images
from unlearn_core.catalog.sources.photos import SHIPPED
from unlearn_core.catalog.sources.uploaded_photos import add_upload, upload_folder
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.known_image_table import known_predictions, write_known_image_table
from unlearn_core.measuring.predict import predict
from unlearn_core.measuring.write_image_table import write_image_table
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

OWN_PHOTOS = Path(shipped_predictions.SHIPPED).parent / "photos"
MNIST = ("mnist-resnet", "mnist")
PHOTOS = ("imagenet-efficientnet-lite0", "photos")


@pytest.mark.parametrize("pair", [MNIST, PHOTOS])
def test_the_shipped_predictions_are_what_the_classifier_says(pair: tuple[str, str]) -> None:
    classifier = load_classifier(pair[0])
    images = load_images(pair[1], classifier)
    shipped = read_shipped_predictions(*pair, fingerprint(pair[1], pair[0]))
    assert shipped is not None
    said = predict(classifier.module, images.pixels, images.labels, torch.device("cpu"))
    np.testing.assert_array_equal(shipped.classes, said.classes)
    for one, other in zip(astuple(shipped)[1:], astuple(said)[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_of_other_pictures_nothing_is_known(own_home: Path) -> None:
    assert read_shipped_predictions(*MNIST, "other pictures") is None
    assert read_shipped_predictions(MNIST[0], "../mnist", "a path") is None
    assert known_predictions(own_home, "cifar10-resnet20", "mnist") is None


def test_of_photos_only_the_uploads_are_measured(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = known_predictions(own_home, *PHOTOS)
    assert before is not None
    name = "giant_panda.jpg"
    add_upload(upload_folder(own_home), name, (OWN_PHOTOS / name).read_bytes())
    assert known_predictions(own_home, *PHOTOS) is None
    measured = []

    def counting(module: torch.nn.Module, pictures: Any, *rest: Any) -> Predictions:
        measured.append(len(pictures))
        return predict(module, pictures, *rest)

    monkeypatch.setattr("unlearn_core.measuring.write_image_table.predict", counting)
    table = read_image_table(write_image_table(own_home, *PHOTOS))
    assert measured == [1]
    photo = SHIPPED.index(name)
    assert table.predictions.tolist() == [*before.classes.tolist(), before.classes[photo]]
    np.testing.assert_allclose(table.top_confidences[-1], before.top_confidences[photo], atol=0.05)


def test_what_a_run_predicted_is_known_to_the_next(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = load_classifier("mnist-resnet")
    digits = load_images("mnist", classifier)
    for place in range(0, 5000, 250):
        folder = tmp_path / "set" / str(digits.labels[place])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.pixels[place].squeeze()).save(folder / f"{place}.png")
    pair = ("mnist-resnet", f"folder:{tmp_path / 'set'}")
    assert known_predictions(store.root, *pair) is None
    measured = []

    def counting(module: torch.nn.Module, pictures: Any, *rest: Any) -> Predictions:
        measured.append(len(pictures))
        return predict(module, pictures, *rest)

    monkeypatch.setattr("unlearn_core.jobs.data_split.predict", counting)
    results, counts = [], []
    for _ in range(2):
        measured.clear()
        run = store.create(ForgetRequest(classifier=pair[0], images=pair[1], pick="random:1", options=QUICK))
        run_forget(store, run.id)
        result = store.get(run.id).parsed_result()
        assert result is not None
        results.append((result.accuracy, result.agreement, result.ids))
        counts.append(measured.count(20))
    assert known_predictions(store.root, *pair) is not None
    assert results[0] == results[1]
    assert counts == [2, 1]


def test_damaged_shipped_predictions_are_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mnist-resnet@mnist.npz").write_bytes(b"PK no archive")
    monkeypatch.setattr(shipped_predictions, "SHIPPED", tmp_path)
    assert read_shipped_predictions(*MNIST, fingerprint(MNIST[1], MNIST[0])) is None


def test_a_table_holds_the_predictions_and_gives_the_shipped_ones(own_home: Path) -> None:
    table = read_image_table(write_image_table(own_home, *MNIST))
    known = known_predictions(own_home, *MNIST)
    shipped = read_shipped_predictions(*MNIST, fingerprint(MNIST[1], MNIST[0]))
    assert known is not None
    assert shipped is not None
    for one, other in zip(astuple(known), astuple(shipped), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(table.top_confidences, shipped.top_confidences)


def test_a_run_has_the_same_result_when_the_predictions_are_known(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def result(store: Store) -> dict[str, Any]:
        request = ForgetRequest.parse(pick="hardest:2", options=QUICK, max_steps=40)
        run_id = store.create(request).id
        run_forget(store, run_id)
        found = store.get(run_id).parsed_result()
        assert found is not None
        return found.model_dump(exclude={"run", "seconds"})

    known = result(Store(own_home))
    monkeypatch.setattr(shipped_predictions, "SHIPPED", tmp_path)
    assert known_predictions(own_home, *MNIST) is None
    assert result(Store(own_home)) == known


def test_predictions_come_back_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = read_shipped_predictions(*MNIST, fingerprint(MNIST[1], MNIST[0]))
    assert shipped is not None
    monkeypatch.setattr(shipped_predictions, "SHIPPED", tmp_path / "shipped")
    write_shipped_predictions("a", "b", "c", shipped)
    read = read_shipped_predictions("a", "b", "c")
    assert read is not None
    for one, other in zip(astuple(read), astuple(shipped), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_table_of_what_is_known_is_the_same_without_the_classifier(own_home: Path, tmp_path: Path) -> None:
    path = write_known_image_table(own_home, *MNIST)
    assert path is not None
    made, measured = read_image_table(path), load_images(MNIST[1], load_classifier(MNIST[0]))
    np.testing.assert_array_equal(made.thumbnails, measured.pixels)
    np.testing.assert_array_equal(made.labels, measured.labels)
    assert made.class_names == measured.class_names
    assert write_known_image_table(own_home, *PHOTOS) is None
    assert write_known_image_table(own_home, *MNIST) == path == write_image_table(own_home, *MNIST)
