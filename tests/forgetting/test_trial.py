"""One step of every method on networks of all kinds, and what train mode does with a single picture."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests import odd_networks
from unlearn_core.forgetting.goals import Misclassify
from unlearn_core.forgetting.importance import batch_importance, mas_importance
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.forgetting.registry import load_method, method_entry, methods
from unlearn_core.forgetting.retained import Retained
from unlearn_core.forgetting.train_mode import in_train_mode
from unlearn_core.forgetting.trial import LONGEST, try_methods

PIXELS = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
TRAIN_MODE = ("neggrad", "adv", "adv+imp", "struct-guard")
QUICK: dict[str, float | int] = {"examples": 2, "attack_iterations": 2, "learning_rate": 0.01}
NO_END: dict[str, dict[str, float | int]] = {"anchor": {"learning_rate": 1e-5, "sparing": 0, "depth": 0}}
"""Options with which two steps do not forget."""


@pytest.mark.parametrize(
    ("make", "failed"),
    [
        (odd_networks.frozen, set()),
        (odd_networks.unused_head, set()),
        (odd_networks.late_norm, set()),
        (odd_networks.used_twice, set()),
        (odd_networks.trained_otherwise, set(TRAIN_MODE)),
        (odd_networks.log_softmax, {"esc", "struct-guard"}),
    ],
    ids=["frozen", "unused head", "late norm", "used twice", "trained otherwise", "no linear end"],
)
def test_every_method_is_offered_that_can_take_a_step(
    make: Callable[[], nn.Module], failed: set[str]
) -> None:
    network = make().eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    trial = try_methods(network, PIXELS)
    assert set(trial.failed) == failed | {"retrain"}
    assert all(reason.endswith(".") and "\n" not in reason for reason in trial.failed.values())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not network.training


def test_what_there_is_no_time_for_is_offered_untried() -> None:
    times = iter([0.0, 0.0, *[LONGEST + 1] * len(methods())])
    trial = try_methods(odd_networks.plain().eval(), PIXELS, clock=lambda: next(times))
    assert set(trial.failed) <= {methods()[0].name}
    assert trial.untried == tuple(entry.name for entry in methods()[1:])


def task_of(module: nn.Module, pixels: Tensor) -> Task:
    with torch.no_grad():
        labels = module(pixels).argmax(1)
    return Task(
        module=module,
        pixels=pixels,
        labels=labels,
        goal=Misclassify(labels),
        generator=torch.Generator().manual_seed(0),
        retained=Retained((PIXELS * 255).byte(), torch.zeros(len(PIXELS), dtype=torch.long)),
    )


@pytest.mark.parametrize("name", ["neggrad", "adv", "adv+imp", "ssd", "salun", "scrub", "anchor"])
def test_frozen_weights_stay_and_the_others_move(name: str) -> None:
    network = odd_networks.frozen().eval()
    before = {key: weight.clone() for key, weight in network.named_parameters()}
    entry = method_entry(name)
    known = {option.name for option in entry.options}
    given = {key: value for key, value in QUICK.items() if key in known}
    # All weights are dampened: which ones is not the question.
    given |= {"threshold": 0.001, "dampening": 0.5} if name == "ssd" else {}
    loop = ForgettingLoop(load_method(entry)(entry.complete(given)), task_of(network, PIXELS), max_steps=2)
    list(loop)
    moved = {key for key, weight in network.named_parameters() if not torch.equal(weight, before[key])}
    assert moved == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize(
    "importance", [mas_importance, lambda module, pixels: batch_importance(module, pixels, 1)]
)
def test_what_nothing_depends_on_has_no_importance(
    importance: Callable[[nn.Module, Tensor], dict[str, Tensor]],
) -> None:
    found = importance(odd_networks.unused_head().eval(), PIXELS)
    assert not found["projection.weight"].any()
    assert found["fc.weight"].any()


@pytest.mark.parametrize("make", [odd_networks.frozen, odd_networks.unused_head, odd_networks.used_twice])
@pytest.mark.parametrize("name", ["neggrad", "adv+imp", "anchor", "ssd"])
def test_a_run_on_such_a_network_goes_on_where_it_was(name: str, make: Callable[[], nn.Module]) -> None:
    entry = method_entry(name)
    known = {option.name for option in entry.options}
    options = entry.complete(
        {key: value for key, value in QUICK.items() if key in known} | NO_END.get(name, {})
    )
    whole = ForgettingLoop(load_method(entry)(options), task_of(make().eval(), PIXELS), max_steps=2)
    going = iter(whole)
    next(going)
    next(going)
    state = whole.state()
    next(going)
    other = ForgettingLoop(load_method(entry)(options), task_of(make().eval(), PIXELS), max_steps=2)
    other.prepare()
    other.restore(state)
    going = iter(other)
    next(going)
    next(going)
    after = other.task.module.state_dict()
    assert all(torch.equal(after[key], value) for key, value in whole.task.module.state_dict().items())


@pytest.mark.parametrize("depth", [0, 1])
def test_a_layer_of_two_names_stays_one(depth: int) -> None:
    network = odd_networks.used_twice().eval()
    entry = method_entry("anchor")
    options = entry.complete({"depth": depth, "examples": 2, "deformed": 4, "sparing": 0, "anchor_batch": 4})
    list(ForgettingLoop(load_method(entry)(options), task_of(network, PIXELS), max_steps=2))
    assert len(list(network.parameters())) == 8
    assert torch.equal(network.get_parameter("conv2.weight"), network.get_parameter("again.weight"))
    assert copy.deepcopy(network)(PIXELS).shape == (3, odd_networks.CLASSES)


def test_one_value_per_channel_is_normalised_by_the_running_statistics() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2), nn.Flatten(), nn.BatchNorm1d(2))
    first, last = network[0], network[2]
    assert isinstance(first, nn.BatchNorm2d)
    assert isinstance(last, nn.BatchNorm1d)
    alone, three = torch.rand(1, 2, 1, 1) + 4, torch.rand(3, 2, 1, 1) + 4
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        network.train()(alone)
    network.eval()
    expected = network(alone)
    with in_train_mode(network):
        assert torch.equal(network(alone), expected)
        assert first.training
        assert torch.equal(first.running_mean, torch.zeros(2))  # type: ignore[arg-type]
        # More than one are normalised, and remembered, as ever.
        assert torch.allclose(network(three).mean(0), torch.zeros(2), atol=1e-5)
        assert first.running_mean.min() > 0.4  # type: ignore[union-attr]
    assert not network.training
    assert not first._forward_pre_hooks
    assert not first._forward_hooks


class Fixed(nn.Sequential):
    """Leaves its normalisation in eval mode whatever it is told."""

    def train(self, mode: bool = True) -> "Fixed":
        super().train(mode)
        self[0].eval()
        return self


def test_a_layer_that_the_network_leaves_in_eval_mode_stays_there() -> None:
    first, second = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    network = Fixed(first, second).eval()
    with in_train_mode(network):
        network(torch.rand(3, 2, 4, 4) + 4)
        assert (first.training, second.training) == (False, True)
    assert torch.equal(first.running_mean, torch.zeros(2))  # type: ignore[arg-type]
    assert second.running_mean.abs().min() > 0  # type: ignore[union-attr]
