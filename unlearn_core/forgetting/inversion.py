"""Pictures inverted from a classifier's BatchNorm statistics.

A short form of DeepInversion (Yin et al., arXiv 1912.08795, section 3.2): the pictures need not look real,
but give the classifier's layers the statistics of training pictures, so that matching its logits on them
retains what it knows. Deviations: the starts are mixes of the forget set instead of noise, the statistics are
compared in units of their own spread, and there is no smoothness prior.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from unlearn_core.common.lazy_torch import F, Tensor, nn, torch
from unlearn_core.forgetting.precision import Classify

BATCH = 256
"""Pictures whose statistics are compared together."""

STATISTICS_WEIGHT = 10.0
STEP_SIZE = 0.05

_Seen: TypeAlias = "list[tuple[nn.BatchNorm2d, Tensor]]"


def has_statistics(module: nn.Module) -> bool:
    """Return whether a network has BatchNorm layers with running statistics."""
    return bool(_tracked(module))


def invert(
    module: nn.Module,
    starts: Tensor,
    labels: Tensor,
    iterations: int,
    check: Callable[[], None] = lambda: None,
    classify: Classify | None = None,
) -> Tensor:
    """Return pictures that are predicted as `labels` and have the BatchNorm statistics of the training data.

    Args:
        module: in eval mode; its parameters get no gradient.
        starts: pixels (n, c, h, w) in [0, 1].
        labels: int64 (n,).
        iterations: steps of Adam on the pixels.
        check: called before every iteration; may raise to stop.
        classify: computes the logits; by default `module`.
    """
    classify = classify or module
    found = []
    with _inputs_of_batch_norm(module) as seen:
        for start, wanted in zip(starts.split(BATCH), labels.split(BATCH), strict=True):
            pixels = start.clone().requires_grad_(True)
            optimiser = torch.optim.Adam([pixels], STEP_SIZE)
            for _ in range(iterations):
                check()
                seen.clear()
                loss = F.cross_entropy(classify(pixels), wanted)
                loss = loss + STATISTICS_WEIGHT * statistics_distance(seen)
                (pixels.grad,) = torch.autograd.grad(loss, pixels)
                optimiser.step()
                with torch.no_grad():
                    pixels.clamp_(0, 1)
            found.append(pixels.detach())
    return torch.cat(found)


def statistics_distance(seen: _Seen) -> Tensor:
    """Return the distance of BatchNorm layers' inputs from their running statistics; mean over layers of
    (Δ mean / spread)² and (log of the variances' ratio)²."""
    distances = []
    for layer, inputs in seen:
        assert layer.running_mean is not None
        assert layer.running_var is not None
        spread = layer.running_var + layer.eps
        # `Tensor.var` over these dimensions takes five times as long.
        rows = inputs.float().movedim(1, -1).flatten(0, -2)
        mean = rows.mean(0)
        variance = (rows - mean).square().mean(0)
        means = ((mean - layer.running_mean).square() / spread).mean()
        distances.append(means + ((variance + layer.eps) / spread).log().square().mean())
    return torch.stack(distances).mean()


def _tracked(module: nn.Module) -> list[nn.BatchNorm2d]:
    layers = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    return [layer for layer in layers if layer.running_mean is not None]


@contextmanager
def _inputs_of_batch_norm(module: nn.Module) -> Iterator[_Seen]:
    """Collect the inputs of each BatchNorm layer; every forward pass extends the list."""
    seen: _Seen = []
    hooks = [
        layer.register_forward_pre_hook(lambda layer, inputs: seen.append((layer, inputs[0])))
        for layer in _tracked(module)
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
