"""Weights that a network calculates before each prediction, as plain weights."""

from collections.abc import Callable

from torch import nn
from torch.nn.utils import parametrize, prune, remove_spectral_norm, remove_weight_norm
from torch.nn.utils.spectral_norm import SpectralNorm, SpectralNormLoadStateDictPreHook
from torch.nn.utils.weight_norm import WeightNorm

FINDING = "Normalisation or pruning of weights is applied to them once: a run changes the weights themselves."

_HOOKS: tuple[tuple[type, str, Callable[[nn.Module, str], object]], ...] = (
    (WeightNorm, "name", remove_weight_norm),
    (SpectralNorm, "name", remove_spectral_norm),
    (prune.BasePruningMethod, "_tensor_name", prune.remove),
)
"""Hooks that calculate weights, where each has their name, and what replaces it by the weights."""


def fold_weights(network: nn.Module) -> bool:
    """Replace normalised and pruned weights by what they are in eval mode; return whether there were any.

    Otherwise a layer's weights are no parameter of it, and cannot be copied after a prediction.
    """
    folded = False
    network.eval()
    for layer in list(network.modules()):
        if parametrize.is_parametrized(layer):
            for name in list(layer.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(layer, name)
                folded = True
        for hook in list(layer._forward_pre_hooks.values()):
            for kind, attribute, remove in _HOOKS:
                if isinstance(hook, kind):
                    remove(layer, getattr(hook, attribute))
                    folded = True
        # remove_spectral_norm leaves this one, under a wrapper.
        for key, wrapped in list(layer._load_state_dict_pre_hooks.items()):
            if isinstance(getattr(wrapped, "hook", wrapped), SpectralNormLoadStateDictPreHook):
                del layer._load_state_dict_pre_hooks[key]
    return folded
