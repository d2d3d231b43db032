"""Which tensors of a checkpoint file are the network's: one of several networks, without known extras."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from unlearn_core.catalog.custom.checkpoint import check_plain, shown
from unlearn_core.errors import UserError

_SHOWN, _MOST_WRAPPERS = 4, 12
_WHOLE = "the file itself"
"""Name of the network whose tensors are not in a dictionary of their own."""

_LEFTOVERS = re.compile(
    r"(.*\.)?(total_ops|total_params|n_averaged)"  # counters of thop, and of moving averages
    r"|([^.]*_)?(criterion|crit|loss|losses|loss_fn|loss_func|objective)\d*\..*"
    r"|([^.]*_)?(metrics?|acc|accuracy|f1|auroc|auc|confmat|top[15]|precision|recall)\d*(\..*)?",
    re.IGNORECASE,
)
"""Tensors of profilers, losses and metrics, which do nothing for a prediction."""

_ONLY_FOR_TRAINING = ("aux1.", "aux2.", "AuxLogits.")
"""Second heads of GoogLeNet and Inception: a prediction does not use them."""

_TRAINING = re.compile("(optim|lr_|sched|scaler|loops|callbacks|rng|random|grad)", re.IGNORECASE)
"""How the names of states of a training begin."""

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
_EMA = re.compile("(?<![a-z])ema(?![a-z])")


@dataclass(frozen=True)
class Part:
    """One network of a checkpoint file.

    Attributes:
        tensors: without the prefix that wrappers add to their names, and without known extras.
        name: in the file.
        others: names of all networks of the file, if there are several.
        findings: sentences about what was chosen and left out.
    """

    tensors: dict[str, Tensor]
    name: str
    others: tuple[str, ...]
    findings: tuple[str, ...]


def part_of(
    tensors: Mapping[str, Tensor], expected: Collection[str], file: str, wanted: str | None = None
) -> Part:
    """Return one network of a file.

    Candidates are the prefixes with the most names of the network, whether `module.` of DataParallel,
    `model.` of Lightning or another one. Of several a moving average ("ema") comes first, then one that is
    called "best", then the first in the file.

    Args:
        tensors: of the file, by name.
        expected: names of the network's tensors.
        file: its name, for the sentences.
        wanted: the name of the network to take, or its beginning.

    Raises:
        UserError: there is no network of the wanted name.
    """
    renamed = {_OLD_DENSENET.sub(r"\1\2", name): tensor for name, tensor in tensors.items()}
    whole = _unpruned(renamed, file)
    prefixes = _prefixes(whole, expected)
    names = {prefix: prefix.rstrip(".") or _WHOLE for prefix in prefixes}
    chosen = _chosen(names, file, wanted)
    # A network in a dictionary of its own is no part of the one around it.
    inner = {one for one in prefixes if one != chosen and one.startswith(chosen)}
    own = {
        name.removeprefix(chosen): tensor
        for name, tensor in whole.items()
        if name.startswith(chosen) and inner.isdisjoint(_beginnings(name))
    }
    findings = []
    if len(names) > 1:
        known = listed([*names.values()])
        findings.append(f"{file} has {len(names)} networks ({known}); {shown(names[chosen])} is taken.")
    if len(whole) < len(renamed):
        findings.append(
            "The masks of pruning are applied to the weights; a run may change pruned weights too."
        )
    extras = [name for name in own if name not in expected and _is_extra(name)]
    if extras:
        findings.append(f"Left out, as no prediction uses them: {listed(extras)}.")
    beside = [name for name in whole if _is_beside(name, prefixes) and not _is_extra(name)]
    if beside:
        findings.append(f"Left out, as the network has no such layers: {listed(beside)}.")
    left_out = set(extras)
    kept = {name: tensor for name, tensor in own.items() if name not in left_out}
    return Part(kept, names[chosen], tuple(names.values()) if len(names) > 1 else (), tuple(findings))


def listed(names: Sequence[str]) -> str:
    """Return the first names, shortened, and the number of the others."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(shown, names[:_SHOWN])) + more


def _is_extra(name: str) -> bool:
    return name.startswith(_ONLY_FOR_TRAINING) or _LEFTOVERS.fullmatch(name) is not None


def normalisation_in(
    tensors: Mapping[str, Tensor], channels: int
) -> tuple[str, list[float], list[float]] | None:
    """Return mean and standard deviation of pixels that a file has beside its network, and the mean's name.

    As networks have them that normalise in themselves: `normalize.mean` and `normalize.std`, in [0, 1].
    """
    for name, mean in tensors.items():
        std = tensors.get(f"{name.removesuffix('mean')}std") if name.endswith("mean") else None
        if std is not None and mean.numel() == std.numel() == channels:
            values = [[float(one) for one in tensor.flatten()] for tensor in (mean, std)]
            if all(0 <= one <= 1 for one in values[0]) and all(0 < one <= 1 for one in values[1]):
                return name, values[0], values[1]
    return None


def _is_beside(name: str, prefixes: Sequence[str]) -> bool:
    """Return whether a tensor is in no network of a file, and not of what only trains one."""
    return not name.startswith(tuple(prefixes)) and _TRAINING.match(name) is None


def without_training_heads(tensors: Mapping[str, Tensor], under: str) -> dict[str, Tensor]:
    """Return a kept classifier's tensors without second heads, which earlier versions kept."""
    heads = tuple(under + head for head in _ONLY_FOR_TRAINING)
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(heads)}


def _prefixes(tensors: Mapping[str, Tensor], expected: Collection[str]) -> list[str]:
    """Return the prefixes with the most names of the network, in the order of the file; at least one."""
    counts = Counter(name.removesuffix(own) for name in tensors for own in _endings(name) if own in expected)
    most = max(counts.values(), default=0)
    return [prefix for prefix, count in counts.items() if count == most] or [""]


def _endings(name: str) -> list[str]:
    """Return the name without its first 0, 1, 2 … words."""
    words = name.split(".")
    return [".".join(words[start:]) for start in range(min(len(words), _MOST_WRAPPERS))]


def _beginnings(name: str) -> list[str]:
    """Return what is before each of `_endings`."""
    return [name.removesuffix(ending) for ending in _endings(name)]


def _chosen(names: Mapping[str, str], file: str, wanted: str | None) -> str:
    """Return the prefix of the network to take."""
    if wanted is not None:
        for prefix, name in names.items():
            if name == wanted or name.startswith(f"{wanted}."):
                return prefix
        raise UserError(f"{file} has no network {wanted}; it has {listed([*names.values()])}.")

    def rank(prefix: str) -> tuple[bool, bool]:
        return _EMA.search(prefix.lower()) is not None, "best" in prefix.lower()

    # Of equal ones `max` returns the first.
    return max(names, key=rank)


def _unpruned(tensors: Mapping[str, Tensor], file: str) -> dict[str, Tensor]:
    """Return the tensors with weight = weight_orig · weight_mask, as torch.nn.utils.prune calculates it."""
    found = dict(tensors)
    for name in tensors:
        own = name.removesuffix("_mask")
        if own != name and f"{own}_orig" in found and found[f"{own}_orig"].shape == tensors[name].shape:
            factors = {f"{own}_orig": found.pop(f"{own}_orig"), name: found.pop(name)}
            check_plain(factors, f"{file} does not fit")
            weights, mask = factors.values()
            found[own] = weights * mask
    return found
