"""bfloat16: near float32 in what it says and where it leads, and never in what decides."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.forgetting.tiny import tiny_classifier, tiny_pictures, tiny_task
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.precision import Classify, in_bfloat16, pays
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


def test_it_pays_where_the_device_is_built_for_it_and_the_network_gains() -> None:
    module, cpu = tiny_classifier(), torch.device("cpu")
    assert not pays(module, torch.device("mps"))
    assert pays(module, cpu) == torch.cpu._is_amx_tile_supported()
    assert not pays(nn.Sequential(module, nn.LayerNorm(4)), cpu)
    assert not pays(nn.Sequential(nn.Conv2d(8, 8, 3, groups=8), module), cpu)


def test_forgetting_in_bfloat16_is_forgetting_in_float32() -> None:
    entry = method_entry("anchor")
    task = tiny_task(k=3)
    loop = ForgettingLoop(load_method(entry)(entry.complete({"examples": 12, "bfloat16": 1})), task, 200)
    list(loop)
    assert loop.stopped == "forgotten"
    assert all(parameter.dtype == torch.float32 for parameter in task.module.parameters())
    assert (task.module(task.pixels).argmax(1) != task.labels).all()
