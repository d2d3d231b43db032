import torch
from torch import nn

from unlearn_core.forgetting.importance import ImportancePenalty, mas_importance, min_max_scaled


def test_mas_of_a_linear_layer_has_a_closed_form() -> None:
    """∂‖Wx‖₂/∂W = (Wx/‖Wx‖₂) xᵀ for each x; MAS is the mean of its absolute value."""
    torch.manual_seed(0)
    layer = nn.Linear(3, 2, bias=False)
    inputs = torch.randn(5, 3)
    outputs = inputs @ layer.weight.T
    directions = outputs / outputs.norm(dim=1, keepdim=True)
    expected = torch.einsum("no,ni->noi", directions, inputs).abs().mean(0)
    assert torch.allclose(mas_importance(layer, inputs)["weight"], expected, atol=1e-6)


def test_min_max_scaling_reaches_both_ends() -> None:
    scaled = min_max_scaled({"weight": torch.tensor([[2.0, 3.0], [4.0, 6.0]])})
    assert scaled["weight"].tolist() == [[0.0, 0.25], [0.5, 1.0]]


def test_a_constant_tensor_becomes_zero_and_never_nan() -> None:
    assert min_max_scaled({"weight": torch.full((3,), 0.7)})["weight"].tolist() == [0.0, 0.0, 0.0]


def test_penalty_is_half_lambda_times_the_held_squared_change() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    inputs = torch.randn(4, 3)
    importance = mas_importance(layer, inputs)
    held = {name: 1 - value for name, value in min_max_scaled(importance).items()}
    penalty = ImportancePenalty(layer, importance, 2.0)
    assert penalty(layer).item() == 0
    with torch.no_grad():
        layer.weight += 0.5
        layer.bias.sub_(1.0)
    expected = 0.25 * held["weight"].sum() + held["bias"].sum()
    assert torch.allclose(penalty(layer), expected)
