"""struct-guard: ADV that also keeps where features lie relative to one anchor per class.

Paper: StructGuard (Hong et al., arXiv 2603.12915) and the authors' code, which gives every constant below. To
ADV's loss it adds, on the adversarial examples,

- alignment: 1 − cos between the cosines of a feature with all anchors now and those before,
- λ/2 · Σ Ω(θ − θ₀)² with Ω = |gradient of the alignment|, measured once after the first step,
- 0.001 · (0.99 ‖W‖₁ + 0.005 ‖W‖²) of the last layer's weights.

Steps are plain SGD in train mode; the attack is ADV's, with the authors' radius. Two parts have stand-ins:

- Anchors: there, CLIP's text embeddings of described attributes of each class, which need a text encoder and
  as many features as it has; here, the weights of each class in the original's last layer.
- Projector: there, a new two-layer network, trained from random weights between features and last layer; here
  none, as a run does not change the architecture.

Other deviations: the structure is kept from the first step on, there from the third; each example counts
once in Ω, there they repeat up to the size of D_r; the stop rule is checked after every step, there from the
second epoch on. With goal relabel, which the paper does not have, D_f is learnt with the new label as in ADV.
"""

from __future__ import annotations

from dataclasses import replace

from unlearn_core.common.batches import batches_in, draw, in_batches
from unlearn_core.common.lazy_torch import F, Tensor, nn, torch
from unlearn_core.forgetting.entry import ATTACK, FORGET_BATCH, IMPORTANCE, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.head import linear_head, with_features
from unlearn_core.forgetting.importance import Importance, mean_gradient
from unlearn_core.forgetting.methods.adv import Adv
from unlearn_core.forgetting.methods.base import INFERENCE_BATCH, Losses, Task
from unlearn_core.forgetting.methods.neggrad import NegGrad

AUTHORS = {"radius": 3.0, "adversarial_batch": 128}
"""Where the defaults differ from ADV's."""
SPARSITY, L1_SHARE = 0.001, 0.99


class StructGuard(Adv):
    """ADV plus alignment of the structure and a penalty on the weights that carry it."""

    entry = MethodEntry(
        name="struct-guard",
        title="StructGuard",
        summary="ADV that keeps the features' places among the classes; no text encoder, no projector.",
        paper="arXiv 2603.12915",
        options=(
            replace(STEP_SIZE, default=0.005),
            *(replace(option, default=AUTHORS.get(option.name, option.default)) for option in ATTACK),
            replace(FORGET_BATCH, default=128),
            replace(IMPORTANCE, help="How strongly weights that carry the structure are held."),
        ),
    )

    def prepare(self, task: Task) -> None:
        """Attack the original and keep the structure that it gives the examples."""
        super().prepare(task)
        self._head = linear_head(task.module, task.pixels[:1], self.entry.title)
        self._anchors = F.normalize(self._head.weight.detach())
        self._start = {name: p.detach().clone() for name, p in task.module.named_parameters()}
        self._importance: Importance = {}
        self._turns = 0
        with torch.no_grad():
            everyone = torch.arange(len(self._examples))
            seen = in_batches(
                lambda part: self._structure_of(task, everyone[part])[0], len(everyone), INFERENCE_BATCH
            )
            self._structure = torch.cat(list(seen))

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return SGD without momentum and weight decay, as in the authors' code."""
        return torch.optim.SGD(module.parameters(), self.options["learning_rate"])

    def losses(self, task: Task) -> Losses:
        """Return ADV's losses plus alignment, penalty and sparsity of the last layer."""
        if self._turns == 1:
            self._importance = self._measured(task)
        self._turns += 1
        losses = NegGrad.losses(self, task)
        chosen = draw(len(self._examples), int(self.options["adversarial_batch"]), task.generator)
        structure, logits = self._structure_of(task, chosen)
        targets = self._targets[chosen.to(task.pixels.device)]
        count = min(len(task.pixels), int(self.options["forget_batch"]))
        share = count / (count + len(chosen))
        retain = (1 - share) * F.cross_entropy(logits, targets) + self._misaligned(structure, chosen)
        agreement = (logits.argmax(1) == targets).float().mean()
        total = share * losses.total + retain + self._penalty(task) + self._sparsity()
        return Losses(total, losses.forget, retain, agreement)

    def _structure_of(self, task: Task, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cosines of the examples' features with the anchors (n, classes), and the logits."""
        features, logits = with_features(task.module, self._head, self._examples.take(chosen))
        return F.normalize(features) @ self._anchors.T, logits

    def _misaligned(self, structure: Tensor, chosen: Tensor) -> Tensor:
        before = self._structure[chosen.to(structure.device)]
        return 1 - F.cosine_similarity(before, structure, dim=1).mean()

    def _measured(self, task: Task) -> Importance:
        """Return the mean size of the alignment's gradients over batches of all examples."""
        count = batches_in(len(self._examples), int(self.options["adversarial_batch"]))

        def misaligned(part: Tensor) -> Tensor:
            structure, logits = self._structure_of(task, part)
            # The last layer has no part in the structure; this gives it a gradient of 0.
            return self._misaligned(structure, part) + 0 * logits.sum()

        # Parts of one size: train mode cannot normalise a last batch of one.
        parts = torch.arange(len(self._examples)).tensor_split(count)
        scalars = ((lambda part=part: misaligned(part)) for part in parts)
        return mean_gradient(task.module, scalars, count, torch.Tensor.abs, task.check)

    def _penalty(self, task: Task) -> Tensor:
        weights = dict(task.module.named_parameters())
        held = [
            (values * (weights[name] - self._start[name]) ** 2).sum()
            for name, values in self._importance.items()
        ]
        return self.options["importance_strength"] / 2 * sum(held, torch.zeros((), device=task.pixels.device))

    def _sparsity(self) -> Tensor:
        weight = self._head.weight
        return SPARSITY * (L1_SHARE * weight.abs().sum() + (1 - L1_SHARE) / 2 * weight.square().sum())

    def state(self) -> dict[str, Tensor]:
        """Return the number of steps begun and the importance."""
        return super().state() | {"turns": torch.tensor(self._turns)} | self._importance

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore the number of steps begun and the importance."""
        # In checkpoints of earlier versions `steps` is missing.
        super().restore({"steps": state["turns"]} | state)
        self._turns = int(state["turns"])
        device = self._head.weight.device
        self._importance = {name: values.to(device) for name, values in state.items() if name in self._start}
