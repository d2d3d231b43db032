"""Small networks that keep something, end otherwise or return more than one thing; see odd_networks.py."""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.odd_networks import Plain, seeded


class KeepsItsFirstCall(Plain):
    """As networks keep a grid of places when they are first called."""

    grid: Tensor | None = None

    def features(self, pixels: Tensor) -> Tensor:
        if self.grid is None:
            self.grid = torch.linspace(0, 1, pixels.shape[-1]).expand(1, 1, *pixels.shape[-2:]) * 1.0
        return super().features(pixels * (1 + self.grid))


class SigmoidOfEach(Plain):
    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).sigmoid()


class SecondOfSoftmax(Plain):
    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).softmax(1)[:, 1:]


class ClampedSigmoid(Plain):
    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).sigmoid().clamp(1e-6, 1 - 1e-6)


class MaskedDropout(Plain):
    """The last class is never predicted, and dropout is always on."""

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.fc(F.dropout(self.features(pixels), 0.5))
        return logits.masked_fill(torch.arange(4) == 3, -1e9)


class LogitsAndEmbedding(Plain):
    def forward(self, pixels: Tensor) -> Tensor:
        features = self.features(pixels)
        return self.fc(features)[..., None, None], features  # type: ignore[return-value]


class NestedLogits(Plain):
    def forward(self, pixels: Tensor) -> Tensor:
        features = self.features(pixels)
        return {"logits": {"main": self.fc(features)}, "features": features}  # type: ignore[return-value]


class TrainsWithoutReturn(Plain):
    def train(self, mode: bool = True) -> None:  # type: ignore[override]
        super().train(mode)


class ExtraState(Plain):
    def get_extra_state(self) -> dict[str, int]:
        return {"version": 3}


class Signs(Plain):
    """Only signs reach the last layer: the score jumps."""

    def features(self, pixels: Tensor) -> Tensor:
        return (super().features(pixels) - super().features(torch.zeros_like(pixels) - 1)).sign()


class Softmaxed(Plain):
    """A softmax over one column is always 1: a known mistake."""

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).softmax(1)


class RoundsItsInput(Plain):
    """Its gradient is 0 everywhere."""

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward((pixels * 255).round() / 255)


class GreyFirst(Plain):
    """Takes colours and averages them; a convolution of one channel is defined first."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)

    def features(self, pixels: Tensor) -> Tensor:
        return super().features(pixels[:, :3].mean(1, keepdim=True) + 0 * pixels[:, 2:3])


class HeadFirst(Plain):
    """Its last layer, a convolution, is defined first."""

    def __init__(self) -> None:
        head = nn.Conv2d(12, 4, 1)
        super().__init__()
        layers = dict(self.named_children())
        self._modules.clear()
        self.head = head
        self._modules.update(layers)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.features(pixels)[..., None, None]).flatten(1)


class KeepsFoldedWeights(Plain):
    """Folds its normalisation into the convolution when it is first used."""

    folded: Tensor | None = None

    def features(self, pixels: Tensor) -> Tensor:
        if self.folded is None:
            self.folded = self.conv1.weight.detach() * 1.0
        return self.conv2(F.conv2d(pixels, self.folded).relu()).relu().mean((2, 3))


keeps_its_first_call = seeded(KeepsItsFirstCall)
sigmoid_of_each = seeded(SigmoidOfEach)
second_of_softmax = seeded(SecondOfSoftmax)
clamped_sigmoid = seeded(ClampedSigmoid)
masked_dropout = seeded(MaskedDropout)
logits_and_embedding = seeded(LogitsAndEmbedding)
nested_logits = seeded(NestedLogits)
trains_without_return = seeded(TrainsWithoutReturn)
extra_state = seeded(ExtraState)
signs = seeded(Signs)
softmax_of_one = seeded(Softmaxed)
rounds_its_input = seeded(RoundsItsInput)
grey_first = seeded(GreyFirst)
head_first = seeded(HeadFirst)
keeps_folded_weights = seeded(KeepsFoldedWeights)
the_same_each_time = cache(seeded(Plain))
