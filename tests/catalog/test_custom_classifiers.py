"""Classifiers that a user brings: from torchvision, timm, a file or a function of their own."""

import sys
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.custom import build_network
from unlearn_core.catalog.custom.add_classifier import add_classifier, prepare
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.catalog.entries import classifier_entry, fitting_image_sets
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification, custom_classifiers
from unlearn_core.catalog.untrusted.guard import Limits
from unlearn_core.catalog.untrusted.uploads import store_upload
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import offered, switched_off
from unlearn_core.store.cleanup import remove_added
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

SMALL = "timm:resnet10t"
PIXELS = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return seeded(SMALL, 7, 3, None).eval()


def as_file(path: Path, content: object) -> ClassifierSpecification:
    torch.save(content, path)
    return ClassifierSpecification(source=f"file:{path}", architecture=SMALL, input_size=64)


def test_a_zoo_network_is_kept_as_plain_tensors_and_loads_again(own_home: Path) -> None:
    specification = ClassifierSpecification(
        source="torchvision:squeezenet1_1:random", classes=5, input_size=64, mean=(0.5,), std=(0.25,)
    )
    _, module = prepare(specification)
    name = add_classifier(own_home, specification)
    loaded = load_classifier(name)
    assert name == "torchvision:squeezenet1_1:random"
    assert torch.equal(loaded.module(PIXELS), module(PIXELS))
    assert torch.allclose(module(PIXELS), module.network((PIXELS - 0.5) / 0.25))  # type: ignore[operator]
    assert (loaded.channels, loaded.input_size) == (3, 64)
    assert loaded.class_names == tuple(f"class {index}" for index in range(5))
    files = {file.name for file in own_home.rglob("classifiers/*/*")}
    assert files == {"classifier.json", "weights.safetensors"}
    entry = classifier_entry(name)
    assert (entry.classes, entry.brought) == (5, True)
    assert [one.name for one in fitting_image_sets(entry)] == ["photos"]


def test_the_same_wish_gives_the_same_weights() -> None:
    specification = ClassifierSpecification(source="timm:resnet10t:random", classes=4)
    first, second = (prepare(specification)[1].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda own: own,
        lambda own: {"state_dict": own, "epoch": 7, "optimizer": {"state": {0: {"m": torch.zeros(3)}}}},
        lambda own: {"model": own},
        lambda own: {"state_dict": {f"module.{name}": tensor for name, tensor in own.items()}},
        lambda own: {
            "state_dict": {f"model.{name}": tensor for name, tensor in own.items()},
            "pytorch-lightning_version": "2.4",
        },
        lambda own: {f"_orig_mod.{name}": tensor for name, tensor in own.items()},
        lambda own: {
            name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in own.items()
        },
        lambda own: {
            name: tensor for name, tensor in own.items() if not name.endswith("num_batches_tracked")
        },
    ],
    ids=["plain", "wrapped", "model", "DataParallel", "Lightning", "compiled", "half", "old torch"],
)
def test_a_checkpoint_is_understood(network: nn.Module, tmp_path: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    record, module = prepare(as_file(tmp_path / "net.pt", wrap(network.state_dict())))
    assert (record.name, len(record.class_names), record.channels) == ("net", 7, 3)
    expected = network(
        (PIXELS - torch.tensor(record.mean)[:, None, None]) / torch.tensor(record.std)[:, None, None]
    )
    assert torch.allclose(module(PIXELS), expected, atol=0.02)


def test_a_moving_average_is_taken_before_the_network_itself(network: nn.Module, tmp_path: Path) -> None:
    average = {name: tensor + 1 for name, tensor in network.state_dict().items()}
    specification = as_file(
        tmp_path / "net.pt", {"state_dict": network.state_dict(), "state_dict_ema": average}
    )
    _, module = prepare(specification)
    assert torch.equal(module.state_dict()["network.fc.bias"], average["fc.bias"])


def test_safetensors_and_grey_pictures(tmp_path: Path) -> None:
    grey = seeded(SMALL, 3, 1, None).state_dict()
    save_file(grey, tmp_path / "grey.safetensors")
    record, module = prepare(
        ClassifierSpecification(
            source=f"file:{tmp_path / 'grey.safetensors'}",
            architecture=SMALL,
            input_size=32,
            mean=(0.5,),
            std=(0.5,),
        )
    )
    assert (record.channels, len(record.class_names), record.source) == (1, 3, "file:grey.safetensors")
    assert module(torch.rand(1, 1, 32, 32)).shape == (1, 3)


def test_torchvision_tensors_take_any_number_of_channels_and_classes(tmp_path: Path) -> None:
    torch.save(seeded("torchvision:mobilenet_v2", 4, 1, None).state_dict(), tmp_path / "net.pth")
    record, _ = prepare(
        ClassifierSpecification(
            source=f"file:{tmp_path / 'net.pth'}", architecture="torchvision:mobilenet_v2", input_size=32
        )
    )
    assert (record.channels, len(record.class_names)) == (1, 4)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"architecture": None}, r"net\.pt contains only tensors: give their architecture"),
        ({"architecture": "timm:resnet18"}, r"net\.pt does not fit timm:resnet18: .*conv1\.weight"),
        ({"architecture": "timm:resnet"}, r"timm has no classifier resnet; do you mean"),
        ({"architecture": "resnet18"}, "is not an architecture; write torchvision:NAME or timm:NAME"),
        ({"classes": 9}, r"net\.pt has 7 classes, not 9"),
        ({"channels": 1}, r"net\.pt takes 3 channels, not 1"),
        ({"class_names": ("cat",)}, "has 7 classes, but 1 names are given"),
        ({"class_names": ("cat",) * 7}, "Two classes have the name 'cat'"),
        ({"std": (0.0,)}, "must be above 0"),
        ({"mean": (0.5, 0.5)}, "need 3 numbers each"),
        ({"mean": (float("nan"),)}, "must be finite"),
        ({"name": "../../x\n"}, "A name must have 1 to 100 letters"),
        ({"source": "file:/nowhere/net.pt"}, r"There is no file net\.pt"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    own_home: Path, network: nn.Module, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    specification = as_file(tmp_path / "net.pt", network.state_dict()).model_copy(update=change)
    with pytest.raises(UserError, match=sentence):
        add_classifier(own_home, specification)
    assert custom_classifiers(own_home) == []
    assert not list(own_home.glob("classifiers/*"))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("torchvision:resnet19", "torchvision has no classifier resnet19; do you mean"),
        ("torchvision:resnet18:IMAGENET9", "resnet18 has no weights IMAGENET9; available: IMAGENET1K_V1"),
        ("timm:nothing_like_it_at_all", r"timm has no classifier nothing_like_it_at_all"),
        ("resnet18", "is not a classifier; write torchvision:NAME"),
        ("tests.catalog.test_custom_classifiers:not_there", "failed: AttributeError"),
        ("tests.catalog.test_custom_classifiers:a_number", "returned int, not a torch module"),
        (
            "tests.catalog.test_custom_classifiers:talks_nonsense",
            r"one row of logits per picture; it returns a tensor of 4 × 2 × 224",
        ),
        ("tests.catalog.test_custom_classifiers:too_small", "fails on pictures of 224 × 224"),
    ],
)
def test_an_unknown_source_is_one_sentence(own_home: Path, source: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        add_classifier(own_home, ClassifierSpecification(source=source))


def a_number() -> int:
    return 7


def talks_nonsense() -> nn.Module:
    return nn.Conv2d(3, 2, 1)


def too_small() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 2))


class Own(nn.Module):
    """A network of somebody's own: a functional ReLU and a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(8, 4)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc(torch.relu(self.conv(pixels)).mean((2, 3)))


def own() -> nn.Module:
    return Own()


def test_a_function_of_ones_own_takes_pixels_as_they_are(own_home: Path) -> None:
    name = add_classifier(
        own_home, ClassifierSpecification(source="tests.catalog.test_custom_classifiers:own", input_size=16)
    )
    loaded = load_classifier(name)
    assert loaded.module(PIXELS).shape == (2, 4)
    assert torch.equal(loaded.module(PIXELS), loaded.module.network(PIXELS))  # type: ignore[operator]
    assert loaded.cam_layers == ("network.conv",)
    assert "tests.catalog.test_custom_classifiers" in sys.modules
    reasons = dict(switched_off(name))
    assert set(reasons) == {"DeepLIFT", "Guided backpropagation", "LRP"}


def test_a_network_of_tokens_has_no_grid_for_grad_cam(own_home: Path) -> None:
    name = add_classifier(
        own_home, ClassifierSpecification(source="timm:vit_tiny_patch16_224:random", input_size=32, classes=3)
    )
    assert "layer-gradcam" not in [entry.name for entry in offered(name)]
    assert "spatial outputs" in dict(switched_off(name))["Grad-CAM"]


def test_arguments_that_make_a_network_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_network, "BUILDING", Limits(6, 10**9))
    endless = ClassifierSpecification(
        source="timm:resnet10t:random", arguments='{"layers": [1, 1, 1, 1000000]}', input_size=64
    )
    with pytest.raises(UserError, match=r"with these arguments takes more than (6 seconds|1\.0 GB)"):
        prepare(endless)


def test_a_name_is_given_once_and_taken_out_again_when_no_run_needs_it(own_home: Path) -> None:
    specification = ClassifierSpecification(
        source="timm:resnet10t:random", classes=3, name="mine", input_size=32
    )
    add_classifier(own_home, specification)
    with pytest.raises(UserError, match="There is already a classifier mine"):
        add_classifier(own_home, specification)
    with pytest.raises(UserError, match="There is already a classifier mnist-resnet"):
        add_classifier(own_home, specification.model_copy(update={"name": "mnist-resnet"}))
    store = Store(own_home)
    run = store.create(ForgetRequest(classifier="mine", images="photos"))
    store.finish(run.id, RunState.FAILED)
    with pytest.raises(UserError, match=rf"Run {run.id} .* uses mine"):
        remove_added(store, "mine")
    store.delete(run.id)
    remove_added(store, "mine")
    with pytest.raises(UserError, match="no classifier mine"):
        load_classifier("mine")
    with pytest.raises(UserError, match="no custom classifier or added image set mine"):
        remove_added(store, "mine")


def test_damaged_tensors_of_a_kept_one_are_one_sentence(own_home: Path) -> None:
    add_classifier(own_home, ClassifierSpecification(source="timm:resnet10t:random", classes=3, name="mine"))
    (weights,) = own_home.rglob("classifiers/*/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="damaged safetensors"):
        load_classifier("mine")


def test_a_server_that_serves_others_takes_no_paths_and_no_code(
    own_home: Path, network: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARN_SHARED", "1")
    specification = as_file(tmp_path / "net.pt", network.state_dict())
    for refused in (
        specification,
        ClassifierSpecification(source="tests.catalog.test_custom_classifiers:own"),
    ):
        with pytest.raises(UserError, match="is shared"):
            prepare(refused)
    place = store_upload(own_home, "../../net.pt", b"")
    assert place.parent.parent == own_home / "incoming"
    uploaded = as_file(place, network.state_dict())
    assert prepare(uploaded)[0].name == "net"
    sly = f"file:{own_home / 'incoming' / '..' / '..' / 'net.pt'}"
    with pytest.raises(UserError, match="is shared"):
        prepare(specification.model_copy(update={"source": sly}))


def test_a_network_too_large_for_the_memory_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    specification = ClassifierSpecification(source="timm:resnet10t:random", classes=3)
    memory = psutil.virtual_memory()._replace(total=2**20)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    with pytest.raises(
        UserError, match=r"timm:resnet10t has 5 million weights; forgetting with it needs 0 GB"
    ):
        prepare(specification)
