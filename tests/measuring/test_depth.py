import copy

import pytest
import torch
from torch import nn

from tests.forgetting.tiny import tiny_task
from unlearn_core.measuring.changed_copies import COPIES, changed_copies
from unlearn_core.measuring.depth import measure_depth, rounded


class ByBrightness(nn.Module):
    """Predicts class 1 where the mean of a picture exceeds `border`, in logits ±10 · (mean − border)."""

    def __init__(self, border: float) -> None:
        super().__init__()
        self.border = nn.Parameter(torch.tensor([border]))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        lead = 10 * (pixels.flatten(1).mean(1) - self.border)
        return torch.stack([-lead, lead], 1)


def flat(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None, None, None].expand(-1, 1, 28, 28).contiguous()


def test_depth_of_a_classifier_that_is_known_by_heart() -> None:
    pixels, labels = flat(0.5, 0.5), torch.tensor([1, 1])
    depth = measure_depth(ByBrightness(0.4), ByBrightness(0.55), pixels, labels)
    # At 0.55 only the two brighter copies are class 1 again, before all but the two darker ones.
    assert depth.changed_copies.before == pytest.approx(100 * (COPIES - 1) / COPIES)
    assert depth.changed_copies.after == pytest.approx(100 * 2 / COPIES)
    assert depth.changed_copies.n == 2
    low, high = depth.changed_copies.interval
    assert low < depth.changed_copies.after < high
    assert depth.changed_copies.shifted == 0
    # The border passes 0.5 at two thirds of the way.
    assert depth.return_point == 65
    assert depth.margin == pytest.approx(-1, abs=1e-3)


def test_nothing_comes_back_where_nothing_was_known() -> None:
    depth = measure_depth(ByBrightness(0.9), ByBrightness(0.95), flat(0.5), torch.tensor([1]))
    assert depth.return_point is None
    assert (depth.changed_copies.before, depth.changed_copies.after) == (0, 0)


def test_all_is_back_at_the_end_where_nothing_was_forgotten() -> None:
    depth = measure_depth(ByBrightness(0.2), ByBrightness(0.2), flat(0.5), torch.tensor([1]))
    assert (depth.return_point, depth.rounded_8_bits) == (100, 100)
    assert depth.changed_copies.shifted == 1


def test_changed_copies_are_the_same_each_time_and_near_the_pictures() -> None:
    task = tiny_task()
    first, second = (list(changed_copies(task.pixels)) for _ in range(2))
    assert len(first) == COPIES
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)
        assert one.shape == task.pixels.shape
        assert one.min() >= 0
        assert one.max() <= 1
        assert not torch.equal(one, task.pixels)


def test_coloured_pictures_go_through_jpeg() -> None:
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert all(copies.shape == pixels.shape for copies in changed_copies(pixels))


def test_rounding_keeps_so_many_levels_in_each_channel_and_the_largest_weight() -> None:
    convolution = nn.Conv2d(2, 3, 3)
    module = nn.Sequential(convolution, nn.BatchNorm2d(3))
    kept = copy.deepcopy(module.state_dict())
    found = rounded(module, 4).state_dict()
    weight, before = found["0.weight"], convolution.weight.detach()
    for channel, original in zip(weight, before, strict=True):
        assert 2 <= len(channel.unique()) <= 15
        assert channel.abs().max().item() == pytest.approx(original.abs().max().item())
        step = original.abs().max() / 7
        assert (channel - original).abs().max() <= step / 2 + 1e-6
    assert all(torch.equal(found[name], kept[name]) for name in kept if name != "0.weight")
    assert all(torch.equal(value, kept[name]) for name, value in module.state_dict().items())
