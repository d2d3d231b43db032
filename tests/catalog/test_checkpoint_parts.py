"""Which network of a checkpoint file is taken, and what beside it is left out."""

import argparse
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils import prune

from unlearn_core.catalog.custom.add_classifier import prepare
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.catalog.custom.checkpoint import read_checkpoint
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification, check_name, default_name
from unlearn_core.errors import UserError

ARCHITECTURE = "torchvision:shufflenet_v2_x0_5"
PIXELS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"

Tensors = dict[str, Tensor]


def network() -> nn.Module:
    return seeded(ARCHITECTURE, 7, 3, None).eval()


@pytest.fixture(scope="module")
def own() -> Tensors:
    return network().state_dict()


def moved(tensors: Tensors) -> Tensors:
    return {name: tensor + 1 for name, tensor in tensors.items()}


def under(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def specified(path: Path, content: object, **fields: Any) -> ClassifierSpecification:
    torch.save(content, path)
    return ClassifierSpecification(
        source=f"file:{path}", architecture=ARCHITECTURE, input_size=32, mean=(0.0,), std=(1.0,), **fields
    )


def logits(module: nn.Module) -> Tensor:
    with torch.no_grad():
        return module(PIXELS)


COUNTERS = {"total_ops": torch.zeros(1), "conv1.total_params": torch.zeros(1), "n_averaged": torch.tensor(3)}


@pytest.mark.parametrize(
    ("wrap", "finding"),
    [
        (lambda own: own | COUNTERS, "Left out, as no prediction uses them: total_ops, conv1.total_params"),
        (lambda own: {"state_dict": own | {"criterion.weight": torch.ones(7)}}, "criterion.weight"),
        (lambda own: {"state_dict": own | {"val_acc.tp": torch.zeros(7)}}, "val_acc.tp"),
        (lambda own: {"state_dict": own, "best_acc1": np.float64(0.71)}, "not tensors: best_acc1"),
        (lambda own: {"state_dict": own, "args": argparse.Namespace(lr=0.1)}, "not tensors: args"),
        (lambda own: {"state_dict": own, "config": Path("/data/x")}, "not tensors: config"),
        (lambda own: {"state_dict": own, "day": datetime.date(2024, 2, 29)}, "not tensors: day"),
        (lambda own: {"state_dict": own, "curve": np.zeros(3)}, "not tensors: curve"),
    ],
)
def test_what_training_leaves_behind_is_left_out_and_said(
    own: Tensors, tmp_path: Path, wrap: Callable[[Tensors], object], finding: str
) -> None:
    record, module = prepare(specified(tmp_path / "net.pt", wrap(own)))
    assert torch.equal(logits(module), logits(network()))
    assert len(record.findings) == 1
    assert finding in record.findings[0]


@pytest.mark.parametrize("extra", ["attention.weight", "fc.extra", "stage2.0.gate.bias"])
def test_what_a_prediction_could_use_is_not_left_out(own: Tensors, tmp_path: Path, extra: str) -> None:
    with pytest.raises(UserError, match=f"{extra} is unexpected"):
        prepare(specified(tmp_path / "net.pt", own | {extra: torch.ones(7)}))


@pytest.mark.parametrize(
    ("wrap", "part", "taken"),
    [
        (lambda own, other: {"model_last": other, "model_best": own}, None, "model_best"),
        (lambda own, other: {"a_long_name": own, "b": other}, None, "a_long_name"),
        (lambda own, other: {"b": own, "a_long_name": other}, None, "b"),
        (lambda own, other: {"original": other, "unlearned": own}, "unlearned", "unlearned"),
        (lambda own, other: {"best": other, "model_ema": under("module.", own)}, None, "model_ema.module"),
        (lambda own, other: {"best": under("module.", own), "ema": other}, "best", "best.module"),
        (lambda own, other: {"best_net": own, "schema_v1": other}, None, "best_net"),
        (lambda own, other: {"net": own, "demand_net": other}, None, "net"),
        (lambda own, other: {"net": other, "net_ema2": own}, None, "net_ema2"),
        (lambda own, other: own | under("ema.", other), "the file itself", "the file itself"),
        (lambda own, other: under("student.", own) | under("teacher.", other), None, "student"),
    ],
)
def test_of_several_networks_the_taken_one_is_said_and_can_be_chosen(
    own: Tensors, tmp_path: Path, wrap: Callable[[Tensors, Tensors], object], part: str | None, taken: str
) -> None:
    record, module = prepare(specified(tmp_path / "net.pt", wrap(own, moved(own)), part=part))
    assert torch.equal(logits(module), logits(network()))
    assert (record.part, len(record.parts)) == (taken, 2)
    assert record.weights == f"net.pt ({taken})"
    assert record.findings[0].startswith("net.pt has 2 networks (")
    assert record.findings[0].endswith(f"{taken} is taken.")


def test_an_unknown_part_is_one_sentence(own: Tensors, tmp_path: Path) -> None:
    content = {"model_last": own, "model_best": own}
    with pytest.raises(UserError, match=r"net\.pt has no network best; it has model_last, model_best\."):
        prepare(specified(tmp_path / "net.pt", content, part="best"))


def test_of_many_networks_the_first_are_named(own: Tensors, tmp_path: Path) -> None:
    content = {f"fold_{number}_{'x' * 80}": own for number in range(30)}
    record, _ = prepare(specified(tmp_path / "net.pt", content))
    assert record.findings[0].startswith("net.pt has 30 networks (fold_0_xxx")
    assert record.findings[0].count("fold_") == 5
    assert "and 26 more" in record.findings[0]
    assert record.part == "fold_0_" + "x" * 80
    with pytest.raises(UserError, match=r"has no network other; it has fold_0_x.* and 26 more") as error:
        prepare(specified(tmp_path / "net.pt", content, part="other"))
    assert len(str(error.value)) < 400


def test_a_network_inside_another_is_no_part_of_it(own: Tensors, tmp_path: Path) -> None:
    other = own | {"fc.bias": own["fc.bias"] + 1}
    content = own | under("a.", other) | under("a.b.", own)
    record, module = prepare(specified(tmp_path / "net.pt", content))
    assert torch.equal(logits(module), logits(network()))
    assert record.parts == ("the file itself", "a", "a.b")
    record, module = prepare(specified(tmp_path / "net.pt", content, part="a"))
    assert torch.allclose(logits(module), logits(network()) + 1, atol=1e-5)
    assert record.part == "a"


@pytest.mark.parametrize("as_safetensors", [False, True])
def test_a_name_as_long_as_no_layers_is_refused(
    own: Tensors, tmp_path: Path, *, as_safetensors: bool
) -> None:
    name = "denselayer1" * 5818
    specification = specified(tmp_path / "net.pt", own | {name: torch.zeros(1)})
    if as_safetensors:
        save_file(own | {name: torch.zeros(1)}, tmp_path / "net.pt")
    for read in (lambda: prepare(specification), lambda: read_checkpoint(tmp_path / "net.pt")):
        with pytest.raises(UserError, match=r"net\.pt has a tensor whose name is 63,998 characters long"):
            read()


@pytest.mark.parametrize(
    ("file", "data", "sentence"),
    [
        ("net.pt", POINTER, r"net\.pt only says where Git LFS keeps the file: fetch it"),
        ("net-00001-of-00003.safetensors", b"", "is one of 3 parts: put the tensors of all in one file"),
    ],
)
def test_what_is_not_the_whole_file_says_so(tmp_path: Path, file: str, data: bytes, sentence: str) -> None:
    (tmp_path / file).write_bytes(data)
    with pytest.raises(UserError, match=sentence):
        prepare(ClassifierSpecification(source=f"file:{tmp_path / file}", architecture=ARCHITECTURE))


def test_a_single_part_is_the_whole_file(own: Tensors, tmp_path: Path) -> None:
    assert len(prepare(specified(tmp_path / "net-00001-of-00001.pt", own))[0].class_names) == 7


def test_too_many_tensors_are_refused(tmp_path: Path) -> None:
    header = json.dumps(
        {f"t{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(200_001)}
    )
    (tmp_path / "net.pt").write_bytes(len(header).to_bytes(8, "little") + header.encode())
    with pytest.raises(UserError, match=r"net\.pt has more than 200,000 entries"):
        read_checkpoint(tmp_path / "net.pt")


def test_names_and_shapes_are_shortened_in_a_sentence(own: Tensors, tmp_path: Path) -> None:
    wrong = {f"{number}{'y' * 480}": torch.zeros(1) for number in range(5)}
    with pytest.raises(UserError, match=r"0yyy.*… *y* is unexpected.*and 2 more") as error:
        prepare(specified(tmp_path / "net.pt", own | wrong))
    assert len(str(error.value)) < 400
    deep = own | {"fc.bias": torch.zeros([1] * 40)}
    with pytest.raises(UserError, match=r"fc\.bias is a tensor of 40 axes instead of 7\."):
        prepare(specified(tmp_path / "net.pt", deep))


def test_pruning_is_applied(tmp_path: Path) -> None:
    pruned = network()
    prune.l1_unstructured(pruned.conv1[0], "weight", amount=0.3)  # type: ignore[index]
    record, module = prepare(specified(tmp_path / "net.pt", pruned.state_dict()))
    assert torch.allclose(logits(module), logits(pruned), atol=1e-6)
    assert "masks of pruning are applied" in record.findings[0]


def test_a_last_layer_behind_dropout_is_the_last_layer(tmp_path: Path) -> None:
    other = network()
    other.fc = nn.Sequential(nn.Dropout(), nn.Linear(1024, 5))
    record, module = prepare(specified(tmp_path / "net.pt", other.state_dict()))
    assert torch.equal(logits(module), logits(other.eval()))
    assert record.findings == ("fc.1 is taken as the last layer, fc.",)
    other.fc = nn.Sequential(nn.Linear(1024, 8), nn.ReLU(), nn.Linear(8, 5))
    with pytest.raises(UserError, match="does not fit"):
        prepare(specified(tmp_path / "net.pt", other.state_dict()))


def test_one_logit_of_a_file_is_two_classes(tmp_path: Path) -> None:
    single = seeded(ARCHITECTURE, 1, 3, None).eval()
    record, module = prepare(specified(tmp_path / "net.pt", single.state_dict()))
    one = logits(single)
    assert torch.allclose(logits(module), torch.cat([-one / 2, one / 2], 1))
    assert (record.output, len(record.class_names)) == ("one logit", 2)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("net.pt", "net"),
        ("net (1).pt", "net-1"),
        ("epoch=9-step=500.ckpt", "epoch-9-step-500"),
        ("model_best.pth.tar", "model_best"),
        ("r18 [cifar].safetensors", "r18-cifar"),
        ("мой классификатор.pt", "мой классификатор"),
        ("cafe\u0301.pt", "café"),
        ("../../x.pt", "x"),
        ("_.pt", "classifier"),
        ("….pt", "classifier"),
        ("a" * 150 + ".pt", "a" * 100),
        ("C:\\nets\\best+.pth", "best"),
    ],
)
def test_a_legal_name_is_derived_from_any_file_name(file: str, name: str) -> None:
    assert default_name(f"file:/somewhere/{file}") == name
    assert check_name(name) == name


def test_layers_beside_the_network_are_said(own: Tensors, tmp_path: Path) -> None:
    file = tmp_path / "on_top.pt"
    beside = {"classifier.weight": torch.zeros(3, 7), "optimizer.step": torch.zeros(1)}
    torch.save({**{f"backbone.{name}": tensor for name, tensor in own.items()}, **beside}, file)
    record, _ = prepare(
        ClassifierSpecification(source=f"file:{file}", architecture=ARCHITECTURE, input_size=32)
    )
    assert "Left out, as the network has no such layers: classifier.weight." in record.findings


def test_a_tuple_of_tensors_and_more_is_read(own: Tensors, tmp_path: Path) -> None:
    file = tmp_path / "tuple.pt"
    torch.save(
        (own, {"version": torch.__version__, "zone": datetime.timezone(datetime.timedelta(hours=1))}), file
    )
    prepare(ClassifierSpecification(source=f"file:{file}", architecture=ARCHITECTURE, input_size=32))


def test_a_normalisation_inside_the_file_is_used(own: Tensors, tmp_path: Path) -> None:
    file = tmp_path / "robust.pt"
    beside = {
        "normalize.mean": torch.tensor([0.2, 0.3, 0.4])[None, :, None, None],
        "normalize.std": torch.full((1, 3, 1, 1), 0.25),
    }
    torch.save({**{f"model.{name}": tensor for name, tensor in own.items()}, **beside}, file)
    specification = ClassifierSpecification(source=f"file:{file}", architecture=ARCHITECTURE, input_size=32)
    record, _ = prepare(specification)
    assert record.mean == pytest.approx((0.2, 0.3, 0.4))
    assert record.std == (0.25,) * 3
    assert any("are those in the file, normalize.mean" in one for one in record.findings)
    assert not any("no tensor tells them" in one for one in record.findings)
