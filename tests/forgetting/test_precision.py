"""bfloat16: near float32 in what it says and where it leads, and never in what decides."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.forgetting.tiny import CLASSES, tiny_classifier, tiny_pictures, tiny_task
from unlearn_core.common.devices import processor
from unlearn_core.forgetting.goals import Misclassify, Relabel
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.precision import Classify, gains, in_bfloat16, pays
from unlearn_core.forgetting.registry import load_method, method_entry


def test_logits_and_gradients_are_near_those_of_float32() -> None:
    module, (pixels, labels) = tiny_classifier(), tiny_pictures()
    reduced = in_bfloat16(module)
    exact = module(pixels)
    assert reduced(pixels).dtype == torch.float32
    assert (reduced(pixels) - exact).abs().max() < 0.02 * exact.abs().max()
    plain, fast = (_direction(classify, module, pixels, labels) for classify in (module, reduced))
    assert F.cosine_similarity(plain, fast, dim=0) > 0.99


def _direction(classify: Classify, module: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
    loss = F.cross_entropy(classify(pixels), labels)
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(module.parameters()))])


AMX, AVX512 = frozenset({"amx_tile", "avx512_bf16"}), frozenset({"avx512_bf16"})
INTEL = frozenset({"intel"})
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.Conv2d(8, 8, 3),
    "one channel in": lambda: nn.Conv2d(1, 8, 3),
    "linear": lambda: nn.Linear(8, 8),
    "grouped": lambda: nn.Conv2d(8, 8, 3, groups=4),
    "depthwise": lambda: nn.Conv2d(8, 8, 3, groups=8),
    "depthwise, twice as many out": lambda: nn.Conv2d(8, 16, 3, groups=8),
    "norm": lambda: nn.LayerNorm(8),
    "attention": lambda: nn.MultiheadAttention(8, 2),
}


@pytest.mark.parametrize(
    ("facts", "losing"),
    [
        (AMX, {"depthwise", "depthwise, twice as many out", "norm", "attention"}),
        (AVX512, {"depthwise", "depthwise, twice as many out"}),
        (AMX | INTEL, {"depthwise", "depthwise, twice as many out", "norm", "attention"}),
        (AVX512 | INTEL, set(LAYERS)),
        (frozenset[str](), set(LAYERS)),
    ],
)
def test_the_processor_and_the_kinds_of_layer_decide(facts: frozenset[str], losing: set[str]) -> None:
    for name, layer in LAYERS.items():
        whole = nn.Sequential(nn.Conv2d(8, 8, 1), nn.Sequential(layer()))
        assert gains(whole, facts) == (name not in losing), name


def test_this_machine_is_asked() -> None:
    module, cpu = tiny_classifier(), torch.device("cpu")
    facts = Path("/proc/cpuinfo")
    if not facts.exists():
        pytest.skip("only Linux tells a processor's flags in a file")
    flags = set(facts.read_text(encoding="utf-8").split())
    assert pays(module, cpu) == bool(flags & ({"amx_tile"} if "Intel" in processor() else AMX))
    assert not pays(nn.Sequential(nn.Conv2d(8, 8, 3, groups=8), module), cpu)
    assert not pays(module, torch.device("mps"))


@pytest.mark.parametrize("goal", [Misclassify, Relabel])
def test_forgetting_in_bfloat16_is_forgetting_in_float32(goal: type[Misclassify | Relabel]) -> None:
    entry = method_entry("anchor")
    labels = tiny_pictures()[1][:3]
    wanted = labels if goal is Misclassify else (labels + 1) % CLASSES
    task = tiny_task(k=3, goal=goal(wanted))
    loop = ForgettingLoop(load_method(entry)(entry.complete({"examples": 12, "bfloat16": 1})), task, 200)
    list(loop)
    assert loop.stopped == "forgotten"
    assert all(parameter.dtype == torch.float32 for parameter in task.module.parameters())
    found = task.module(task.pixels).argmax(1)
    assert ((found == wanted) == (goal is Relabel)).all()
