"""Networks of others as classifiers: from pixels to logits, whatever they return."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from unlearn_core.catalog.records.classifier_record import Output
from unlearn_core.catalog.shipped.architectures import Normalised
from unlearn_core.errors import UserError

FINDINGS: dict[Output, str] = {
    "log-probabilities": "The network ends in a log-softmax: its log-probabilities are used as logits.",
    "probabilities": "The network ends in a softmax: the logarithms of its probabilities are used as logits.",
    "sigmoids": "The network ends in a sigmoid for each class: what goes into it is used as logits and the"
    " largest is predicted.",
    "one logit": "The network returns one logit x: it is used as two classes with the logits −x/2 and x/2.",
    "one probability": "The network ends in a sigmoid, a probability p: it is used as two classes with the "
    "logits log(1 − p) and log p.",
}
"""What is said of an output; nothing of logits."""

_LOGITS = ("logits", "out")
"""What logits are called among several outputs, in Hugging Face's and in torchvision's networks."""

_TINY_SHARE = 1e-6
_TINY = torch.finfo(torch.float32).tiny


class OneOutput(Normalised):
    """A network of which only the logits are used, where it returns several things.

    `taken` says which they are, "" for a network that returns nothing else.
    """

    taken = ""

    def forward(self, pixels: Tensor) -> Tensor:
        """Return what is taken for logits; anything unclear raises `UserError`."""
        returned: object = super().forward(pixels)
        if isinstance(returned, Tensor):
            return returned
        self.taken, found = _logits_in(returned, pixels.shape[0])
        return found


def _logits_in(returned: object, n: int) -> tuple[str, Tensor]:
    """Return name and values of the logits: what is called so, or the only rows (n, columns)."""
    fields = _fields(returned)
    tensors = {name: one for name, one in fields.items() if isinstance(one, Tensor)}
    called = {name: tensors[name] for name in _LOGITS if name in tensors}
    rows = {name: one for name, one in tensors.items() if _may_be_logits(one, n)}
    is_nested = any(name in fields and name not in tensors for name in _LOGITS)
    for found in () if is_nested else (called, rows, tensors):
        if len(found) == 1:
            return next(iter(found.items()))
    shapes = " and ".join(map(in_words, tensors.values()))
    raise UserError(
        f"The network must return one row of logits per picture; it returns a {type(returned).__name__}"
        f"{' of ' * bool(shapes)}{shapes}. Return the logits only, or call them logits in a dictionary."
    )


def _may_be_logits(tensor: Tensor, n: int) -> bool:
    """Return whether a tensor has a row for each picture, or a number if there are several pictures."""
    columns = tensor.squeeze().ndim - (n > 1)
    return tensor.ndim > 0 and tensor.shape[0] == n and columns in ((0, 1) if n > 1 else (1,))


def _fields(returned: object) -> dict[str, object]:
    if isinstance(returned, Mapping):
        return {str(name): value for name, value in returned.items()}
    if hasattr(returned, "_asdict"):
        return dict(returned._asdict())
    if isinstance(returned, (tuple, list)):
        return {f"number {number}": value for number, value in enumerate(returned, 1)}
    return dict(vars(returned)) if is_dataclass(returned) else {}


def in_words(tensor: Tensor) -> str:
    """Return the shape of a tensor in words."""
    return "a tensor of " + (" × ".join(map(str, tensor.shape)) or "one number")


class Adapted(OneOutput):
    """A network of somebody else's, used as runs use any classifier.

    Args:
        network: maps normalised pixels (n, channels, height, width) to what `output` says.
        mean: per-channel mean of the training pixels, in [0, 1].
        std: per-channel standard deviation, above 0.
        output: is converted to logits (n, classes).
        channels_last: whether it works with tensors in that order. Where it does not, as with
            `x.view(n, -1)` after a convolution, weights and pixels stay contiguous whatever is asked for.
    """

    def __init__(
        self,
        network: nn.Module,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        output: Output = "logits",
        channels_last: bool = True,
    ) -> None:
        super().__init__(network, mean, std)
        self.output, self.channels_last = output, channels_last

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the module like any other, apart from an order of memory that it does not work with."""
        if not self.channels_last:
            kwargs.pop("memory_format", None)
        return super().to(*args, **kwargs)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (n, classes) of pixels (n, channels, height, width) in [0, 1]."""
        found = super().forward(pixels if self.channels_last else pixels.contiguous())
        # Some leave out or keep dimensions of size 1; `shape[0]`, as `len` cannot be traced.
        found = found.reshape(pixels.shape[0], -1).float()
        if self.output in ("logits", "log-probabilities"):
            return found
        if self.output == "probabilities":
            return found.clamp_min(_TINY).log()
        if self.output == "sigmoids":
            return found.logit(_TINY_SHARE)
        if self.output == "one logit":
            return torch.cat([-found / 2, found / 2], 1)
        return torch.cat([1 - found, found], 1).clamp_min(_TINY).log()
