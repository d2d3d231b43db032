"""The step size at which a few steps of Adam reach the goal, to first order."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_core.common.budget import Budget
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.forgetting.methods.base import Task

PREDICTED_STEPS = Budget(5, 3)
SMALLEST_RATE = 1e-7
BATCH = 256
"""Instances at once."""


def first_order_rate(task: Task, margins: Tensor, scales: list[Tensor] | None = None) -> float:
    """Return the step size at which `PREDICTED_STEPS` steps of Adam would reach the goal.

    Adam's first step moves every weight by the step size (times its scale) against the sign of its gradient,
    so to first order it lowers the loss by the step size times the (scaled) gradient's L1 norm.
    """
    loss = torch.zeros((), device=task.pixels.device)
    task.module.zero_grad(set_to_none=True)
    for instances in torch.arange(len(task.pixels), device=task.pixels.device).split(BATCH):
        part = task.goal.margin_loss(task.module(task.pixels[instances]), instances, margins[instances]).sum()
        part.backward()
        loss = loss + part.detach()
    weights = [p for p in task.module.parameters() if p.requires_grad]
    factors: Sequence[Tensor | float] = [1.0] * len(weights) if scales is None else scales
    pairs = zip(weights, factors, strict=True)
    norm = sum((p.grad.abs() * factor).sum() for p, factor in pairs if p.grad is not None)
    task.module.zero_grad(set_to_none=True)
    return float(loss / PREDICTED_STEPS.of(task.pixels.shape[-1]) / norm) if norm and loss else SMALLEST_RATE
