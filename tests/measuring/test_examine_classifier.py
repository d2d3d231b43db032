"""What is found when a classifier is added: told before it is kept, and in its record."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests import odd_networks
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.records.classifier_record import (
    ClassifierSpecification,
    CustomClassifier,
    custom_classifier,
)
from unlearn_core.commands.main import main
from unlearn_core.engine.additions import AddClassifierRequest, TryClassifierRequest
from unlearn_core.errors import UserError
from unlearn_core.forgetting import trial
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.attribution import soundness
from unlearn_core.measuring.examine_classifier import add_examined, examine
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store


def specified(name: str) -> ClassifierSpecification:
    return ClassifierSpecification(
        source=f"tests.odd_networks:{name}", input_size=odd_networks.SIDE, name=name
    )


def test_what_fails_is_said_recorded_and_refused(own_home: Path) -> None:
    record = add_examined(own_home, specified("softmax"))
    assert custom_classifier(own_home, "softmax") == record
    assert record.unsound is not None
    assert len(record.findings) == 2 + len(record.unsound)
    assert record.findings[-1].startswith("Guided backpropagation has a rule for ReLU only")
    assert record.findings[1].startswith("Not offered for it: StructGuard, ESC. It works on the features")
    assert {name for name, _ in record.methods_off} == {"struct-guard", "esc", "retrain"}
    ForgetRequest(classifier="softmax", images="photos", method="anchor").check_names()
    with pytest.raises(UserError, match="Method esc is not offered for softmax: It works on the features"):
        ForgetRequest(classifier="softmax", images="photos", method="esc").check_names()


def test_the_preview_tells_all_and_is_not_repeated(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with np.load(TryClassifierRequest(specified("one_logit"), "photos", 1).answer(own_home)) as found:
        tried = CustomClassifier.model_validate_json(str(found["record"]))
        assert found["shares"].shape == (6, 2)
    assert len(tried.findings) == 2
    monkeypatch.setattr(trial, "methods", lambda: pytest.fail("the methods are tried again"))
    monkeypatch.setattr(soundness, "algorithms", lambda: pytest.fail("the algorithms are measured again"))
    named = specified("one_logit").model_copy(update={"name": "mine"})
    assert AddClassifierRequest(named, tried=tried).answer(own_home) == "mine"
    kept = custom_classifier(own_home, "mine")
    assert kept is not None
    assert (kept.findings, kept.methods_off) == (tried.findings, tried.methods_off)
    assert kept.unsound == tried.unsound == ()


def test_another_one_than_the_tried_is_tried_itself(own_home: Path) -> None:
    tried, _ = examine(specified("softmax"))
    named = specified("plain").model_copy(update={"name": "softmax"})
    assert add_examined(own_home, named, tried=tried).findings == ()


class NoCopy(odd_networks.Plain):
    def __deepcopy__(self, memo: object) -> "NoCopy":
        raise RecursionError


class NoTensors(odd_networks.Plain):
    def state_dict(self, *_: object, **__: object) -> dict[str, torch.Tensor]:  # type: ignore[override]
        raise KeyError("weight")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NoCopy", r"The network cannot be copied: RecursionError\."),
        ("NoTensors", r"This network cannot be used: KeyError: 'weight'\."),
    ],
)
def test_any_error_of_a_network_is_one_sentence(own_home: Path, name: str, sentence: str) -> None:
    source = f"tests.measuring.test_examine_classifier:{name}"
    with pytest.raises(UserError, match=sentence):
        add_examined(own_home, ClassifierSpecification(source=source, input_size=16))
    assert not list(own_home.glob("classifiers/*"))


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("frozen", "adv+imp"),
        ("frozen", "ssd"),
        ("late_norm", "neggrad"),
        ("used_twice", "anchor"),
        ("sigmoid", "adv"),
        ("normed_weights", "adv+imp"),
        ("view", "anchor"),
        ("view", "neggrad"),
    ],
)
def test_a_whole_run_on_one_picture(own_home: Path, name: str, method: str) -> None:
    add_examined(own_home, specified(name))
    store = Store(own_home)
    options: dict[str, float | int] = (
        {"examples": 2, "attack_iterations": 2} if method.startswith("adv") else {}
    )
    retained = 4 if method == "ssd" else 0
    request = ForgetRequest(
        classifier=name,
        images="photos",
        pick="ids:0",
        method=method,
        max_steps=2,
        options=options,
        retained=retained,
    )
    run = store.create(request)
    run_forget(store, run.id)
    assert store.get(run.id).parsed_result() is not None


def test_the_command_prints_what_the_page_tells(
    own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = seeded("torchvision:shufflenet_v2_x0_5", 3, 3, None).state_dict()
    content = {"last": own, "best": {name: tensor * 1.5 for name, tensor in own.items()}}
    torch.save(content, tmp_path / "net (1).pth.tar")
    command = [
        "add",
        "classifier",
        f"file:{tmp_path / 'net (1).pth.tar'}",
        "--part",
        "last",
        "--input-size",
        "32",
    ]
    assert main([*command, "--architecture", "torchvision:shufflenet_v2_x0_5"]) == 0
    out, told = capsys.readouterr()
    assert out == "net-1\n"
    assert told == (
        "net-1: net (1).pth.tar has 2 networks (last, best); last is taken.\n"
        "net-1: The mean and standard deviation are those usual for torchvision:shufflenet_v2_x0_5: "
        "no tensor tells them.\n"
    )
    assert classifier_entry("net-1").classes == 3
    hub = ["add", "classifier", "timm:resnet10t:random", "--classes", "3", "--input-size", "32"]
    assert main([*hub, "--arguments", json.dumps({"act_layer": "gelu"}), "--name", "gelu"]) == 0
    record = custom_classifier(own_home, "gelu")
    assert record is not None
    assert json.loads(record.arguments) == {"act_layer": "gelu"}
