"""Train mode for steps with few pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from unlearn_core.common.lazy_torch import Tensor, nn


@contextmanager
def in_train_mode(module: nn.Module) -> Iterator[None]:
    """Set a module to train mode, and to eval mode at the end.

    BatchNorm normalises a channel by the spread of its values. Where a layer gets a single value per channel,
    as from one picture in a map of 1 × 1, there is none: it uses its running statistics then, and keeps them.
    Layers that the network's own `train` leaves in eval mode stay there.
    """
    module.train()
    layers = [
        layer
        for layer in module.modules()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm)
        and layer.running_mean is not None
        and layer.training
    ]
    hooks = [layer.register_forward_pre_hook(_spare_single_values) for layer in layers]
    hooks += [layer.register_forward_hook(_train_again) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        module.eval()


def _spare_single_values(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    layer.train(inputs[0].numel() != inputs[0].shape[1])


def _train_again(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    layer.train()
