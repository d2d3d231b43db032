"""Targeted adversarial examples within an L2 ball (Madry et al., arXiv 1706.06083)."""

from __future__ import annotations

from collections.abc import Callable

from unlearn_core.common.lazy_torch import F, Tensor, torch
from unlearn_core.forgetting.precision import Classify


def row_norms(difference: Tensor) -> Tensor:
    """Return the L2 norm of each picture (n, ...), shaped (n, 1, ...) for broadcasting."""
    norms = difference.flatten(1).norm(dim=1)
    return norms.view(-1, *[1] * (difference.dim() - 1))


def project(pixels: Tensor, centres: Tensor, radius: float) -> Tensor:
    """Return pixels moved to the nearest point within `radius` (L2) of their centres, then into [0, 1].

    The clamp cannot leave the ball, because the centres are in [0, 1].
    """
    difference = pixels - centres
    shrink = (radius / row_norms(difference).clamp_min(1e-12)).clamp_max(1)
    return (centres + difference * shrink).clamp(0, 1)


def random_start(pixels: Tensor, radius: float, generator: torch.Generator) -> Tensor:
    """Return each picture moved in a random direction by a random length up to `radius`.

    Drawn on the CPU, so that a seed gives the same result on every device.
    """
    direction = torch.randn(pixels.shape, generator=generator)
    length = radius * torch.rand(len(pixels), *[1] * (pixels.dim() - 1), generator=generator)
    moved = pixels + (direction / row_norms(direction) * length).to(pixels.device)
    return project(moved, pixels, radius)


def start_on_sphere(pixels: Tensor, radius: float, generator: torch.Generator) -> Tensor:
    """Return each picture moved by `radius` toward one of random pixels, or onto it if it is nearer.

    Drawn on the CPU, so that a seed gives the same result on every device.
    """
    return project(torch.rand(pixels.shape, generator=generator).to(pixels.device), pixels, radius)


def targeted_l2_pgd(
    module: Classify,
    pixels: Tensor,
    targets: Tensor,
    *,
    radius: float,
    step_size: float,
    iterations: int,
    starts: Tensor,
    stop_at_target: bool = False,
    as_advertorch: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """Return pictures near `pixels` that the classifier should predict as `targets`.

    Every iteration takes a step of `step_size` along the normalised negative gradient of CE(f(x'), target),
    and projects.

    Args:
        module: the classifier, in eval mode; its parameters get no gradient.
        pixels: (n, c, h, w) in [0, 1].
        targets: int64 (n,).
        radius: of the L2 ball, in pixel values.
        step_size: in pixel values.
        iterations: number of steps.
        starts: where to start, of the same shape as `pixels`.
        stop_at_target: stop at the first iteration that predicts a picture as its target.
        as_advertorch: take the steps of that package's L2PGDAttack, as the authors of arXiv 2301.11578 do:
            clamped to [0, 1] before the ball, and shorter where the gradient is below 1e-6.
        check: called before every iteration; may raise to stop.
    """

    def moved(seen: Tensor, centres: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        downhill, missed = _downhill(module, seen, wanted, shortest=1e-6 if as_advertorch else 1e-12)
        stepped = seen - step_size * downhill
        return project(stepped.clamp(0, 1) if as_advertorch else stepped, centres, radius), missed

    adversarial = starts.detach().clone()
    going = torch.arange(len(starts), device=starts.device)
    for _ in range(iterations):
        check()
        if not stop_at_target:
            adversarial, _ = moved(adversarial, pixels, targets)
            continue
        nearer, missed = moved(adversarial[going], pixels[going], targets[going])
        going = going[missed]
        if not len(going):
            break
        adversarial[going] = nearer[missed]
    return adversarial


def _downhill(module: Classify, seen: Tensor, wanted: Tensor, shortest: float) -> tuple[Tensor, Tensor]:
    """Return directions toward the wanted classes, and which pictures are not seen as theirs, bool (n,).

    A direction has length 1, and less where the gradient is below `shortest`.
    """
    seen = seen.detach().requires_grad_(True)
    logits = module(seen)
    (gradient,) = torch.autograd.grad(F.cross_entropy(logits, wanted, reduction="sum"), seen)
    return gradient / row_norms(gradient).clamp_min(shortest), logits.argmax(1) != wanted


def other_labels(labels: Tensor, classes: int, generator: torch.Generator) -> Tensor:
    """Return a random label for each, never its own: int64 (n,) in [0, classes)."""
    shift = torch.randint(1, classes, labels.shape, generator=generator)
    return (labels + shift.to(labels.device)) % classes
