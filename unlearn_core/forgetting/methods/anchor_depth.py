"""What the depths firm and deep of `anchor` demand beyond the forget set itself.

Slightly deformed *views* of the instances, drawn anew in each step, are forgotten too, until a set share of
them is, and a larger one where that costs little. The instances themselves must also be forgotten with the
weights rounded to 4 bits, in the main phase and in the repair phase; the gradient is that of the rounded
weights, taken as that of the weights (straight through, arXiv 1308.3432).
"""

from __future__ import annotations

from unlearn_core.common.batches import batches_in, draw
from unlearn_core.common.budget import Budget
from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.forgetting.deformed import SAME, deformed
from unlearn_core.forgetting.methods.base import Task, logits_of
from unlearn_core.forgetting.precision import Classify
from unlearn_core.forgetting.rounded import rounded_weights

FEWEST_VIEWS, MOST_VIEWS = Budget(16, 4), Budget(64, 4)
"""Views in each step: two of each instance within these limits."""
VIEW_MARGIN = 0.2
BITS, ROUNDED_MARGIN, ROUNDED_WEIGHT = 4, 0.2, 0.3
"""Of the rounded weights, and of the instances' loss with them."""
KEPT_MARGIN = 0.3
"""The least lead, in logits, at the end of the main phase and of the repair phase."""
CHEAP_VIEWS, CHEAP, CHEAP_STEPS = 0.9, 1.7, 5
"""So many views are demanded as long as the running retention loss is below this, for as many steps in all as
it took to forget the demanded share, times this."""
MEMORY = 0.8
"""Of the running share of forgotten views: weight of the steps before."""
SLOW_MEMORY = 0.9
"""The same for the retention loss."""


class DepthDemands:
    """The views and the rounded weights of one task.

    Args:
        task: to forget.
        views: share of the views that must be forgotten, 0 to 1.
    """

    def __init__(self, task: Task, views: float) -> None:
        self._views = views
        side = task.pixels.shape[-1]
        self._fewest, self._most = FEWEST_VIEWS.of(side), MOST_VIEWS.of(side)
        self._forgotten, self._cost = 0.0, 0.0
        self._steps, self._enough_at = 0, 0

    def draw_views(self, task: Task, instances: Tensor) -> tuple[Tensor, Tensor]:
        """Return views (m, c, h, w) of instances, and the position of each view's instance, (m,)."""
        copies = max(2, batches_in(self._fewest, len(instances)))
        drawn = draw(copies * len(instances), self._most, task.generator)
        viewed = instances.repeat(copies)[drawn.to(instances.device)]
        return deformed(task.pixels[viewed], SAME, task.generator), viewed

    def loss_of_views(self, task: Task, logits: Tensor, viewed: Tensor) -> Tensor:
        """Return the forget loss of the views with these logits, and note how many are forgotten."""
        gone = float((logits.argmax(1) != task.labels[viewed]).float().mean())
        self._forgotten = MEMORY * self._forgotten + (1 - MEMORY) * gone
        self._steps += 1
        return task.goal.margin_loss(logits, viewed, VIEW_MARGIN).mean()

    def rounded(self, module: nn.Module) -> Classify:
        """Return the function for logits with rounded weights; gradients pass the rounding unchanged."""
        nearest = rounded_weights(module, BITS)
        names = {weight: name for name, weight in module.named_parameters()}
        # Every layer once: functional_call does not give a layer of two names its own weights back.
        values = {
            f"{place}.{own}".lstrip("."): weight + (nearest[names[weight]] - weight.detach())
            for place, layer in module.named_modules()
            for own, weight in layer.named_parameters(recurse=False)
            if names[weight] in nearest
        }

        def logits(pixels: Tensor) -> Tensor:
            return torch.func.functional_call(module, values, (pixels,), tie_weights=False)

        return logits

    def loss_of_rounded(self, task: Task, logits: Tensor, instances: Tensor) -> Tensor:
        """Return the forget loss of instances with these logits, of rounded weights."""
        return ROUNDED_WEIGHT * task.goal.margin_loss(logits, instances, ROUNDED_MARGIN).mean()

    def note_cost(self, retention_loss: float) -> None:
        """Note the retention loss of a step."""
        self._cost = SLOW_MEMORY * self._cost + (1 - SLOW_MEMORY) * retention_loss

    @property
    def share(self) -> float:
        """How much of the demanded share of views is forgotten, 0 to 1, a running mean over steps."""
        return min(1.0, self._forgotten / self._views)

    def demands_more(self, task: Task) -> bool:
        """Return whether too few views are forgotten, or the instances by too little."""
        if self._forgotten < self._views:
            return True
        self._enough_at = self._enough_at or self._steps
        cheap = self._cost < CHEAP and self._steps < CHEAP_STEPS * self._enough_at
        return (cheap and self._forgotten < CHEAP_VIEWS) or not self.holds(task)

    def holds(self, task: Task) -> bool:
        """Return whether all instances are forgotten by `KEPT_MARGIN`, and with rounded weights."""
        everyone = torch.arange(len(task.pixels), device=task.pixels.device)
        if task.goal.margin_loss(logits_of(task.module, task.pixels), everyone, KEPT_MARGIN).any():
            return False
        with torch.no_grad():
            logits = logits_of(self.rounded(task.module), task.pixels)
        return bool(task.goal.reached(logits).all())

    def state(self) -> dict[str, Tensor]:
        """Return the running numbers."""
        numbers = {
            "forgotten_views": self._forgotten,
            "retention_cost": self._cost,
            "depth_steps": self._steps,
            "enough_at": self._enough_at,
        }
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore a state from `state()`."""
        self._forgotten = state["forgotten_views"].item()
        self._cost = state["retention_cost"].item()
        self._steps, self._enough_at = int(state["depth_steps"]), int(state["enough_at"])
