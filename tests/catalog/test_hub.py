"""Networks of a hub, as its client keeps them on the disk: nothing is fetched here."""

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.custom.add_classifier import add_classifier
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.errors import UserError

LOOKS = {
    "input_size": [3, 64, 64],
    "mean": [0.5] * 3,
    "std": [0.2] * 3,
    "interpolation": "bicubic",
    "crop_pct": 1.0,
    "fixed_input_size": False,
    "first_conv": "conv1.0",
    "classifier": "fc",
    "license": "mit",
}
CONFIG = {
    "architecture": "resnet10t",
    "num_classes": 3,
    "pretrained_cfg": LOOKS,
    "label_names": ["ant", "bee", "cow"],
}


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return seeded("timm:resnet10t", 3, 3, None).state_dict()


def add(home: Path, config: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    folder = home.parent / "hub" / "models--somebody--net"
    (folder / "snapshots" / "0").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0", encoding="utf-8")
    (folder / "snapshots" / "0" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(tensors, folder / "snapshots" / "0" / "model.safetensors")
    return add_classifier(home, ClassifierSpecification(source="timm:hf-hub:somebody/net", name="net"))


def test_all_that_a_hub_says_is_used(own_home: Path, network: dict[str, Tensor]) -> None:
    loaded = load_classifier(add(own_home, CONFIG, network))
    assert (loaded.class_names, loaded.input_size) == (("ant", "bee", "cow"), 64)
    assert loaded.module.std.flatten().tolist() == pytest.approx([0.2] * 3)  # type: ignore[operator]


@pytest.mark.usefixtures("network")
def test_a_thousand_names_of_a_hub_are_used(own_home: Path) -> None:
    names = [f"species {number}" for number in range(1000)]
    tensors = seeded("timm:resnet10t", 1000, 3, None).state_dict()
    loaded = load_classifier(add(own_home, {**CONFIG, "num_classes": 1000, "label_names": names}, tensors))
    assert loaded.class_names == tuple(names)
    assert loaded.wordnet_ids == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"label_names": ["ant", "ant", "cow"]}, "Two classes have the name 'ant'"),
        ({"model_args": {"stem_width": 16}}, "cannot be downloaded"),
        ({"architecture": 5}, "timm has no classifier 5"),
        ({"model_args": {"channels": [9, 9, 9, 99_999]}}, "with these arguments has .* million weights"),
    ],
)
def test_what_a_hub_says_wrongly_is_one_sentence(
    own_home: Path, network: dict[str, Tensor], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        add(own_home, {**CONFIG, **changes}, network)
    assert not list(own_home.glob("classifiers/*"))


@pytest.mark.parametrize("arguments", [{"stem_width": 16}, {"act_layer": "gelu"}, {"global_pool": "max"}])
@pytest.mark.usefixtures("network")
def test_arguments_of_a_hub_are_kept(own_home: Path, arguments: dict[str, Any]) -> None:
    import timm

    torch.manual_seed(0)
    network = timm.create_model("resnet10t", num_classes=3, **arguments).eval()
    name = add(own_home, {**CONFIG, "model_args": arguments}, network.state_dict())
    pixels = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(load_classifier(name).module(pixels), network((pixels - 0.5) / 0.2), atol=1e-5)


def test_arguments_of_a_hub_that_load_something_else_are_refused(
    own_home: Path, network: dict[str, Tensor]
) -> None:
    with pytest.raises(UserError, match="checkpoint_path is not an argument"):
        add(own_home, {**CONFIG, "model_args": {"checkpoint_path": "/etc/passwd"}}, network)


def test_values_that_are_no_numbers_are_found(own_home: Path, network: dict[str, Tensor]) -> None:
    with pytest.raises(UserError, match="NaN or infinite"):
        add(own_home, CONFIG, {**network, "fc.bias": network["fc.bias"] * float("nan")})
