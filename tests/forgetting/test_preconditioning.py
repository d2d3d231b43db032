"""Steps spare what matters to the logits that should stay."""

import pytest
import torch
from torch import nn

from unlearn_core.forgetting.preconditioning import LONGEST, sparing_adam, sparing_scales


def linear_scales(pixels: torch.Tensor, exponent: float) -> torch.Tensor:
    module = nn.Linear(pixels.shape[1], 3, bias=False)
    batches = [(lambda: module(pixels))] * 400
    generator = torch.Generator().manual_seed(0)
    (scales,) = sparing_scales(module, batches, len(batches), exponent, generator, lambda: None)
    return scales


def test_a_linear_weight_is_spared_by_the_square_of_its_input() -> None:
    pixels = torch.tensor([[1.0, 2.0, 0.0, 3.0]])
    squares = torch.tensor([1.0, 4.0, 0.0, 9.0])
    expected = (squares / squares.mean() + 1e-3).pow(-1).clamp_max(LONGEST)
    for row in linear_scales(pixels, 1.0):
        torch.testing.assert_close(row, expected, rtol=0.25, atol=0)
    torch.testing.assert_close(linear_scales(pixels, 0.0), torch.ones(3, 4))


def test_nothing_stands_out_where_nothing_matters() -> None:
    assert torch.equal(linear_scales(torch.zeros(1, 4), 1.0), torch.full((3, 4), LONGEST))


def test_the_first_step_is_as_long_as_the_scale_says() -> None:
    weights = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    scales = torch.tensor([0.0, 1.0, 5.0])
    optimiser = sparing_adam([weights], 0.1, [scales])
    (weights * torch.tensor([4.0, -0.5, 2.0])).sum().backward()
    optimiser.step()
    assert weights.tolist() == pytest.approx([1.0, -2.0 + 0.1, 3.0 - 0.5], abs=1e-5)
