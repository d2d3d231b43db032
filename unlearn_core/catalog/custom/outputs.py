"""Networks that return something else than logits, as classifiers that return logits."""

import torch
from torch import Tensor, nn

from unlearn_core.catalog.records.classifier_record import Output
from unlearn_core.catalog.shipped.architectures import Normalised

FINDINGS: dict[Output, str] = {
    "log-probabilities": "The network ends in a log-softmax: its log-probabilities are used as logits.",
    "probabilities": "The network ends in a softmax: the logarithms of its probabilities are used as logits.",
    "one logit": "The network returns one logit x: it is used as two classes with the logits −x/2 and x/2.",
    "one probability": "The network ends in a sigmoid, a probability p: it is used as two classes with the "
    "logits log(1 − p) and log p.",
}
"""What is said of an output; nothing of logits."""

_TINY = torch.finfo(torch.float32).tiny


class WithLogits(Normalised):
    """A network whose output is converted to logits (n, classes)."""

    def __init__(
        self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], output: Output
    ) -> None:
        super().__init__(network, mean, std)
        self.output = output

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (n, classes) of pixels (n, channels, height, width) in [0, 1]."""
        found = super().forward(pixels)
        if self.output == "probabilities":
            return found.clamp_min(_TINY).log()
        one = found.reshape(len(pixels), 1)
        if self.output == "one logit":
            return torch.cat([-one / 2, one / 2], 1)
        return torch.cat([1 - one, one], 1).clamp_min(_TINY).log()


def classifier_of(
    network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], output: Output
) -> Normalised:
    """Return a module from pixels to logits (n, classes); its tensors are those of `network.`."""
    if output in ("logits", "log-probabilities"):
        return Normalised(network, mean, std)
    return WithLogits(network, mean, std, output)
