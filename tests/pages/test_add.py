"""The Add page: bring a classifier, bring pictures, take them out again; and a server that serves others."""

import argparse
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.shared.words import plain
from tests.pages.conftest import OpenApp
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.catalog.records.classifier_record import custom_classifiers
from unlearn_core.catalog.records.image_set_record import added_image_sets, delete_added
from unlearn_core.store.example import EXAMPLE

PAGE = "pages/add/add.py"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "net.pt"
    torch.save({"state_dict": seeded("timm:resnet10t", 4, 3, None).state_dict()}, path)
    return path.read_bytes()


def html_of(app: AppTest) -> str:
    return " ".join(str(getattr(one, "value", "")) for one in app.get("html"))


def packed(path: Path) -> bytes:
    for name in ("cat", "dog"):
        Image.new("RGB", (30, 30), "red").save(path / f"{name}.png")
    with zipfile.ZipFile(path / "pets.zip", "w") as archive:
        for name in ("cat", "dog"):
            archive.write(path / f"{name}.png", f"{name}/1.png")
        archive.writestr("dog/2.png", b"no picture")
    return (path / "pets.zip").read_bytes()


def test_a_checkpoint_is_tried_and_then_added(own_home: Path, open_app: OpenApp, checkpoint: bytes) -> None:
    app = open_app(PAGE)
    assert app.button(key="try").disabled
    app.segmented_control(key="add_from").set_value("file").run()
    app.file_uploader(key="add_file").set_value(("net.pt", checkpoint, "application/octet-stream"))
    app.selectbox(key="add_architecture").set_value("timm:resnet10t")
    app.number_input(key="add_size").set_value(64)
    app.text_area(key="add_names").set_value("cat\ndog\nbird\nfish")
    app.run()
    app.button(key="try").click().run()
    assert not app.exception
    assert not app.error
    words = " ".join(one.value for one in app.markdown)
    assert "timm:resnet10t" in words
    assert "cat · dog · bird · fish" in words
    assert custom_classifiers(own_home) == []
    app.number_input(key="add_size").set_value(32).run()
    assert "The form has changed since" in app.warning[0].value
    assert app.button(key="add").disabled
    app.number_input(key="add_size").set_value(64).run()
    assert not app.warning
    app.text_input(key="add_name_net").set_value("my net")
    app.button(key="add").click().run()
    assert not app.exception
    assert "my net" in app.success[0].value
    (record,) = custom_classifiers(own_home)
    assert (record.name, record.class_names) == ("my net", ("cat", "dog", "bird", "fish"))
    assert "my net" in app.dataframe[0].value["name"].tolist()
    app.selectbox(key="take_out").set_value("my net").run()
    app.button(key="take_out_now").click().run()
    assert custom_classifiers(own_home) == []


def test_a_wrong_architecture_is_one_sentence(own_home: Path, open_app: OpenApp, checkpoint: bytes) -> None:
    app = open_app(PAGE)
    app.segmented_control(key="add_from").set_value("file").run()
    app.file_uploader(key="add_file").set_value(("net.pt", checkpoint, "application/octet-stream"))
    app.selectbox(key="add_architecture").set_value("torchvision:resnet18")
    app.run()
    app.button(key="try").click().run()
    assert not app.exception
    assert plain("does not fit torchvision:resnet18") in app.error[0].value
    assert str(own_home) not in app.error[0].value


def test_findings_are_told_and_the_network_of_a_file_is_chosen(
    own_home: Path, open_app: OpenApp, tmp_path: Path
) -> None:
    own = seeded("torchvision:shufflenet_v2_x0_5", 1, 3, None).state_dict()
    content = {"last": own, "best": {name: tensor * 1.5 for name, tensor in own.items()}}
    torch.save({**content, "args": argparse.Namespace(lr=0.1)}, tmp_path / "net.pth")
    app = open_app(PAGE)
    app.segmented_control(key="add_from").set_value("file").run()
    upload = ("net (1).pth.tar", (tmp_path / "net.pth").read_bytes(), "application/octet-stream")
    app.file_uploader(key="add_file").set_value(upload)
    app.selectbox(key="add_architecture").set_value("torchvision:shufflenet_v2_x0_5")
    app.number_input(key="add_size").set_value(32)
    app.run()
    app.button(key="try").click().run()
    assert not app.exception
    assert not app.error
    told = html_of(app)
    for finding in ("(last, best); best is taken", "not tensors: args", "one logit x", "StructGuard, ESC"):
        assert finding in told
    (part,) = [box for box in app.selectbox if box.label == "Network of the file"]
    assert part.value == "best"
    part.set_value("last").run()
    assert not app.exception
    assert "last is taken" in html_of(app)
    app.button(key="add").click().run()
    assert not app.exception
    (record,) = custom_classifiers(own_home)
    assert (record.name, record.part, record.output) == ("net-1", "last", "one logit")
    app.switch_page("pages/forget/forget.py").run()
    app.selectbox(key="classifier").set_value("net-1").run()
    assert not app.exception
    offered = app.multiselect(key="compare_with:esc:retrain:struct-guard").options
    assert "ESC" not in offered
    assert "NegGrad" in offered
    assert any(
        "Not offered for this classifier: ESC, Retrain, StructGuard" in one.value for one in app.caption
    )


def test_the_intensities_of_deep_pictures_are_said_and_chosen(
    own_home: Path, open_app: OpenApp, tmp_path: Path
) -> None:
    ramp = (np.arange(32 * 32).reshape(32, 32) * 4).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "scan.png")
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        archive.write(tmp_path / "scan.png", "lungs/1.png")
    app = open_app(PAGE)
    for name, ends in (("found", None), ("chosen", (500.0, 900.0))):
        app.segmented_control(key="add_what").set_value("Pictures").run()
        content = (tmp_path / "scans.zip").read_bytes()
        app.file_uploader(key="add_zip").set_value((f"{name}.zip", content, "application/zip"))
        app.text_input(key="add_images_name").set_value(name)
        if ends is not None:
            app.number_input(key="add_window_low").set_value(ends[0])
            app.number_input(key="add_window_high").set_value(ends[1])
        app.button[0].click().run()
        assert not app.exception
        expected = "from 0 to 4,095" if ends is None else "from 500 to 900"
        assert f"Intensities {expected} became 0 to 255." in app.success[0].value
    assert [record.window for record in added_image_sets(own_home)] == [(500, 900), (0, 4095)]
    for name in ("found", "chosen"):
        delete_added(own_home, name)


def add(app: AppTest) -> None:
    next(one for one in app.button if one.label == "Add").click().run()


def test_pictures_are_added_under_a_name(own_home: Path, open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(PAGE)
    app.segmented_control(key="add_what").set_value("Pictures").run()
    app.file_uploader(key="add_zip").set_value(("pets.zip", packed(tmp_path), "application/zip"))
    # Without a name it has that of the file.
    add(app)
    assert not app.exception
    assert "pets" in app.success[0].value
    (record,) = added_image_sets(own_home)
    assert (record.name, record.pictures) == ("pets", 2)
    assert "1 of 3 was left out, the first because dog/2.png is not a picture" in app.warning[0].value
    app.file_uploader(key="add_zip").set_value(("broken.zip", b"PK broken", "application/zip"))
    app.text_input(key="add_images_name").set_value("more")
    add(app)
    assert len(app.error) == 1
    assert [one.name for one in added_image_sets(own_home)] == ["pets"]
    app.switch_page("pages/forget/forget.py").run()
    assert "pets" in app.selectbox(key="images").options
    app.selectbox(key="images").set_value("pets").run()
    assert not app.exception
    assert any("2 without a match" in one.value for one in app.caption)


def test_what_was_added_is_selected_on_forget(own_home: Path, open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(PAGE)
    app.query_params["run"] = EXAMPLE
    app.segmented_control(key="add_what").set_value("Pictures").run()
    app.file_uploader(key="add_zip").set_value(("pets.zip", packed(tmp_path), "application/zip"))
    app.text_input(key="add_images_name").set_value("to forget")
    add(app)
    app.button(key="forget_added").click().run()
    assert not app.exception
    assert not app.error
    assert "run" not in app.query_params
    assert app.selectbox(key="images").value == "to forget"
    # CIFAR-10 has cats and dogs too.
    assert app.selectbox(key="classifier").value == "cifar10-resnet20"
