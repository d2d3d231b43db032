import math

import pytest
import torch
from captum.robust import PGD
from torch import Tensor, nn

from tests.forgetting.tiny import tiny_classifier, tiny_pictures
from unlearn_core.forgetting.adversarial import (
    other_labels,
    project,
    random_start,
    row_norms,
    start_on_sphere,
    targeted_l2_pgd,
)


def small_classifier() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 3)).eval()


def test_project_moves_to_the_nearest_point_of_the_ball() -> None:
    centre = torch.full((1, 1, 1, 2), 0.5)
    outside = torch.tensor([[[[0.9, 0.8]]]])
    moved = project(outside, centre, 0.25)
    assert torch.allclose(moved, torch.tensor([[[[0.7, 0.65]]]]))


def test_project_leaves_what_is_inside_and_clamps_to_pixel_values() -> None:
    centre = torch.tensor([[[[0.9, 0.5]]]])
    assert torch.equal(project(centre + 0.01, centre, 1.0), centre + 0.01)
    assert project(torch.tensor([[[[1.4, 0.5]]]]), centre, 1.0).tolist() == [[[[1.0, 0.5]]]]


def test_random_start_stays_in_the_ball_and_repeats() -> None:
    pixels = torch.rand(50, 1, 4, 4)
    starts = [random_start(pixels, 0.3, torch.Generator().manual_seed(7)) for _ in range(2)]
    assert torch.equal(*starts)
    lengths = row_norms(starts[0] - pixels)
    assert lengths.max() <= 0.3 + 1e-6
    # Evenly spread up to the radius; clamping only shortens.
    assert lengths.min() < 0.05
    assert 0.1 < lengths.mean() < 0.2
    assert starts[0].min() >= 0
    assert starts[0].max() <= 1


def test_start_on_the_sphere_lies_toward_random_pixels_and_repeats() -> None:
    pixels = torch.rand(50, 1, 4, 4)
    starts = [start_on_sphere(pixels, 0.3, torch.Generator().manual_seed(7)) for _ in range(2)]
    assert torch.equal(*starts)
    assert torch.allclose(row_norms(starts[0] - pixels), torch.tensor(0.3))
    drawn = torch.rand(pixels.shape, generator=torch.Generator().manual_seed(7))
    assert torch.allclose(pixels + 0.3 * (drawn - pixels) / row_norms(drawn - pixels), starts[0])
    wide = start_on_sphere(pixels, 100.0, torch.Generator().manual_seed(7))
    assert torch.equal(wide, drawn), "random pixels within the radius are the start"


def test_steps_are_advertorchs_on_request() -> None:
    """There a gradient below 1e-6 gives a shorter step, and pixel values are clamped before the ball."""
    linear = nn.Linear(2, 2, bias=False)
    module = nn.Sequential(nn.Flatten(), linear)
    pixels = torch.tensor([[[[0.9, 0.5]]]])

    def step(radius: float, length: float, as_advertorch: bool) -> list[float]:
        moved = targeted_l2_pgd(
            module,
            pixels,
            torch.tensor([0]),
            radius=radius,
            step_size=length,
            iterations=1,
            starts=pixels,
            as_advertorch=as_advertorch,
        )
        return [float(value) for value in moved.flatten()]

    def weigh(size: float) -> None:
        with torch.no_grad():
            linear.weight.copy_(torch.tensor([[0.0, 0.0], [-3.0 * size, -4.0 * size]]))

    weigh(1)
    assert step(0.25, 0.5, False) == pytest.approx([1.0, 0.7])
    # The step of (0.3, 0.4) is clamped to (0.1, 0.4), and its length to 0.25.
    assert step(0.25, 0.5, True) == pytest.approx([0.9 + 0.025 / 0.17**0.5, 0.5 + 0.1 / 0.17**0.5])
    weigh(3.8)
    # The other class has a probability of e^-17.86, and the gradient is 19 times as long: a third of 1e-6.
    assert step(1.0, 0.1, False) == pytest.approx([0.96, 0.58])
    part = 19 * math.exp(-4.7 * 3.8) / 1e-6
    assert step(1.0, 0.1, True) == pytest.approx([0.9 + 0.06 * part, 0.5 + 0.08 * part], rel=1e-4)


def test_one_step_on_a_linear_classifier_goes_along_the_weights() -> None:
    """For two classes CE's gradient is parallel to the difference of the weight rows."""
    linear = nn.Linear(4, 2, bias=False)
    module = nn.Sequential(nn.Flatten(), linear)
    pixels = torch.full((1, 1, 2, 2), 0.5)
    moved = targeted_l2_pgd(
        module,
        pixels,
        torch.tensor([1]),
        radius=1.0,
        step_size=0.1,
        iterations=1,
        starts=pixels,
    )
    toward = (linear.weight[1] - linear.weight[0]).detach()
    expected = pixels + 0.1 * (toward / toward.norm()).view(1, 1, 2, 2)
    assert torch.allclose(moved, expected, atol=1e-6)


def captums_attack(module: nn.Module, pixels: Tensor, targets: Tensor, radius: float) -> Tensor:
    """Captum's PGD steps along the gradient's sign, ours along the gradient; both project alike."""
    oracle = PGD(module, nn.CrossEntropyLoss(reduction="none"), lower_bound=0.0, upper_bound=1.0)
    return oracle.perturb(
        pixels.clone(), radius=radius, step_size=0.02, step_num=60, target=targets, targeted=True, norm="L2"
    )


@pytest.mark.parametrize("radius", [0.1, 0.5, 2.0])
def test_attack_equals_captums_where_sign_and_direction_are_one(radius: float) -> None:
    """On pictures of one pixel both take the same steps, project alike and clamp alike."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 3)).eval()
    pixels, targets = torch.rand(30, 1, 1, 1), torch.arange(3).repeat(10)
    ours = targeted_l2_pgd(
        module, pixels, targets, radius=radius, step_size=0.02, iterations=60, starts=pixels
    )
    assert torch.allclose(ours, captums_attack(module, pixels, targets, radius), atol=1e-5)


@pytest.mark.parametrize("radius", [0.2, 0.8])
def test_attack_is_at_least_as_strong_as_captums(radius: float) -> None:
    module, pixels = small_classifier(), torch.rand(30, 1, 4, 4)
    targets = torch.arange(3).repeat(10)
    ours = targeted_l2_pgd(
        module, pixels, targets, radius=radius, step_size=0.02, iterations=60, starts=pixels
    )
    theirs = captums_attack(module, pixels, targets, radius)
    loss = nn.CrossEntropyLoss()
    assert row_norms(theirs - pixels).max() <= radius + 1e-5
    assert loss(module(ours), targets) <= loss(module(theirs), targets) < loss(module(pixels), targets)


def test_attack_reaches_most_targets_within_its_radius() -> None:
    module, (pixels, labels) = tiny_classifier(), tiny_pictures()
    targets = other_labels(labels, 4, torch.Generator().manual_seed(0))
    found = targeted_l2_pgd(module, pixels, targets, radius=2.0, step_size=0.2, iterations=50, starts=pixels)
    assert (module(found).argmax(1) == targets).float().mean() > 0.9
    assert row_norms(found - pixels).max() <= 2.0 + 1e-5


def test_attack_leaves_no_gradient_in_the_classifier() -> None:
    module, pixels = small_classifier(), torch.rand(2, 1, 4, 4)
    targeted_l2_pgd(
        module, pixels, torch.tensor([0, 1]), radius=1.0, step_size=0.1, iterations=2, starts=pixels
    )
    assert all(parameter.grad is None for parameter in module.parameters())


def test_other_labels_never_return_the_label() -> None:
    labels = torch.arange(5).repeat(200)
    drawn = other_labels(labels, 5, torch.Generator().manual_seed(0))
    assert not (drawn == labels).any()
    assert set(drawn.tolist()) == set(range(5))


def test_stopping_at_the_target_equals_attacking_one_by_one_until_it_is_reached() -> None:
    module = tiny_classifier()
    pixels, labels = tiny_pictures()
    targets = other_labels(labels, 4, torch.Generator().manual_seed(0))
    starts = random_start(pixels, 1.0, torch.Generator().manual_seed(1))

    def attack(pictures: Tensor, wanted: Tensor, start: Tensor, iterations: int) -> Tensor:
        return targeted_l2_pgd(
            module, pictures, wanted, radius=1.0, step_size=0.1, iterations=iterations, starts=start
        )

    expected = []
    for picture, target, start in zip(pixels.split(1), targets.split(1), starts.split(1), strict=True):
        at = start
        for _ in range(30):
            if module(at).argmax() == target:
                break
            at = attack(picture, target, at, 1)
        expected.append(at)
    found = targeted_l2_pgd(
        module, pixels, targets, radius=1.0, step_size=0.1, iterations=30, starts=starts, stop_at_target=True
    )
    assert torch.allclose(found, torch.cat(expected), atol=1e-6)
    assert not torch.allclose(found, attack(pixels, targets, starts, 30), atol=1e-3)
