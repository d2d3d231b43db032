"""Files and weights that a library's own loader understands, and what no tensor tells."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.custom.add_classifier import add_classifier, prepare
from unlearn_core.catalog.custom.behaviour import real_pictures
from unlearn_core.catalog.custom.build_network import build
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.errors import UserError

MEAN, STD = (torch.tensor(value).view(-1, 1, 1) for value in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
SWIN = {"embed_dim": 24, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2]}
"""Arguments of a small Swin transformer."""
VIT = {"embed_dim": 48, "depth": 2, "num_heads": 3}


def logits(module: nn.Module, size: int) -> Tensor:
    with torch.no_grad():
        return module(real_pictures(3, size))


def own_logits(network: nn.Module, size: int) -> Tensor:
    with torch.no_grad():
        return network.eval()((real_pictures(3, size) - MEAN) / STD)


def seen_photos(network: nn.Module, size: int) -> nn.Module:
    """Give a network the BatchNorm statistics of photos, as training does."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
    with torch.no_grad():
        network.train()((real_pictures(3, size, 8) - MEAN) / STD)
    return network.eval()


def googlenet(**arguments: Any) -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.googlenet(weights=None, init_weights=False, **arguments)


def test_pretrained_weights_keep_the_transform_of_the_input(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = torchvision.models.GoogLeNet_Weights.DEFAULT
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    stand_in = seen_photos(googlenet(num_classes=1000), 64)
    torch.save(stand_in.state_dict(), tmp_path / "hub" / "checkpoints" / weights.url.rpartition("/")[2])
    name = add_classifier(own_home, ClassifierSpecification(source="torchvision:googlenet", input_size=64))
    module = load_classifier(name).module
    assert torch.allclose(
        logits(module, 64), own_logits(torchvision.models.googlenet(weights=weights), 64), atol=1e-4
    )
    assert not any("aux" in part for part in module.state_dict())


@pytest.mark.parametrize("transformed", [False, True])
def test_of_a_file_the_transform_is_taken_that_fits_its_statistics(tmp_path: Path, transformed: bool) -> None:
    network = seen_photos(googlenet(num_classes=5, transform_input=transformed), 64)
    torch.save(network.state_dict(), tmp_path / "net.pt")
    specification = ClassifierSpecification(
        source=f"file:{tmp_path / 'net.pt'}", architecture="torchvision:googlenet", input_size=64
    )
    record, module = prepare(specification)
    assert torch.allclose(logits(module, 64), own_logits(network, 64), atol=1e-4)
    assert json.loads(record.arguments) == {"transform_input": transformed}
    assert f"no tensor tells, is {'on' if transformed else 'off'}" in record.findings[1]
    chosen = {"transform_input": not transformed}
    record, other = prepare(specification.model_copy(update={"arguments": json.dumps(chosen)}))
    assert json.loads(record.arguments) == chosen
    assert not torch.allclose(logits(other, 64), logits(module, 64), atol=1e-4)


def old_densenet(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        re.sub(r"(denselayer\d+\.(?:norm|relu|conv))(\d)\.", r"\1.\2.", name): tensor
        for name, tensor in tensors.items()
    }


def old_swin(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors as the authors' code names them, with its buffers."""

    def renamed(name: str) -> str:
        name = re.sub(
            r"layers\.(\d)\.downsample", lambda found: f"layers.{int(found[1]) - 1}.downsample", name
        )
        return name.replace("head.fc.", "head.")

    buffers = {"layers.0.blocks.0.attn_mask": torch.zeros(4, 49, 49)}
    buffers["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(49, 49, dtype=torch.long)
    return {renamed(name): tensor for name, tensor in tensors.items()} | buffers


@pytest.mark.parametrize(
    ("architecture", "arguments", "make", "rename", "size", "given"),
    [
        (
            "torchvision:densenet121",
            {},
            lambda: torchvision.models.densenet121(num_classes=4),
            old_densenet,
            32,
            32,
        ),
        (
            "timm:swin_tiny_patch4_window7_224",
            SWIN,
            lambda: timm.create_model("swin_tiny_patch4_window7_224", num_classes=4, img_size=56, **SWIN),
            old_swin,
            56,
            56,
        ),
        (
            "timm:vit_tiny_patch16_224",
            VIT,
            lambda: timm.create_model("vit_tiny_patch16_224", num_classes=4, img_size=64, **VIT),
            dict,
            64,
            None,
        ),
    ],
    ids=["old DenseNet", "authors' Swin", "ViT of its own size"],
)
def test_names_buffers_and_sizes_of_others(
    own_home: Path,
    tmp_path: Path,
    architecture: str,
    arguments: dict[str, Any],
    make: Callable[[], nn.Module],
    rename: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    size: int,
    given: int | None,
) -> None:
    torch.manual_seed(0)
    network = make()
    torch.save(rename(network.state_dict()), tmp_path / "net.pt")
    specification = ClassifierSpecification(
        source=f"file:{tmp_path / 'net.pt'}",
        architecture=architecture,
        arguments=json.dumps(arguments),
        input_size=given,
        mean=tuple(MEAN.flatten().tolist()),
        std=tuple(STD.flatten().tolist()),
    )
    loaded = load_classifier(add_classifier(own_home, specification))
    assert loaded.input_size == size
    assert torch.allclose(logits(loaded.module, size), own_logits(network, size), atol=1e-5)


def test_places_are_resized_to_a_given_size_and_this_is_said(tmp_path: Path) -> None:
    network = timm.create_model("vit_tiny_patch16_224", num_classes=4, img_size=64, **VIT)
    torch.save(network.state_dict(), tmp_path / "net.pt")
    record, _ = prepare(
        ClassifierSpecification(
            source=f"file:{tmp_path / 'net.pt'}",
            architecture="timm:vit_tiny_patch16_224",
            arguments=json.dumps(VIT),
            input_size=96,
        )
    )
    assert record.input_size == 96
    assert record.findings == (
        "The tensors are converted by timm's own loader, resized to pictures of 96 × 96.",
        "The mean and standard deviation are those usual for timm:vit_tiny_patch16_224: "
        "no tensor tells them.",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("no", "are not JSON"),
        ("[1]", "are not a JSON object"),
        ('{"pretrained": true}', "pretrained is not an argument"),
        ('{"checkpoint_path": "/etc/passwd"}', "checkpoint_path is not an argument"),
        ('{"no_such": 1}', "cannot be built"),
        ('{"act_layer": "no_such"}', "cannot be built"),
    ],
)
def test_arguments_that_do_not_fit_are_one_sentence(arguments: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        prepare(ClassifierSpecification(source="timm:resnet10t:random", classes=3, arguments=arguments))


def test_second_heads_that_earlier_versions_kept_are_left_out(own_home: Path) -> None:
    specification = ClassifierSpecification(source="timm:resnet10t:random", classes=3, input_size=32)
    name = add_classifier(own_home, specification)
    (weights,) = own_home.rglob("classifiers/*/weights.safetensors")
    save_file(load_file(weights) | {"network.AuxLogits.fc.weight": torch.zeros(3, 768)}, weights)
    assert load_classifier(name).class_names == ("class 0", "class 1", "class 2")


def test_weights_that_a_network_keeps_in_another_form_follow_a_run() -> None:
    arguments = {"embed_dims": [16, 16, 32, 32], "depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1]}
    network = build("timm:tiny_vit_5m_224", 4, 3, 64, json.dumps(arguments)).eval()
    pixels = real_pictures(3, 64)
    with torch.inference_mode():
        before = network(pixels)
    for _ in range(2):
        network(pixels).sum().backward()
    biases = [weight for name, weight in network.named_parameters() if name.endswith("attention_biases")]
    assert len(biases) == 3
    assert all(weight.grad is not None and weight.grad.any() for weight in biases)
    with torch.no_grad():
        for weight in biases:
            weight.normal_(0, 3, generator=torch.Generator().manual_seed(0))
        assert not torch.allclose(network(pixels), before, rtol=0.1)
    assert torch.equal(copy.deepcopy(network)(pixels), network(pixels))
