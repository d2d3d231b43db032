"""Small networks on which Captum's rules, or a guess from the types of layers, were wrong."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 16


class Convolutions(nn.Module):
    """Two convolutions with an activation and pooling each, then two linear layers."""

    def __init__(self, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 24, 3, padding=1)
        self.act1, self.act2 = activation(), activation()
        self.act3: nn.Module = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.fc2 = nn.Linear(24 * (SIDE // 4) ** 2, 32), nn.Linear(32, 12)
        self.unused = nn.Linear(32, 8)

    def first(self, pixels: Tensor) -> Tensor:
        return self.pool(self.act1(self.conv1(pixels)))

    def second(self, maps: Tensor) -> Tensor:
        return self.pool(self.act2(self.conv2(maps)))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc2(self.act3(self.fc1(self.second(self.first(pixels)).flatten(1))))


class Functional(Convolutions):
    """No module but those with weights, and pooling whose windows overlap."""

    def first(self, pixels: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.conv1(pixels)), 3, 2, 1)

    def second(self, maps: Tensor) -> Tensor:
        return F.max_pool2d(torch.relu(self.conv2(maps)), 3, 2, padding=1)


class Reused(Convolutions):
    """One ReLU for all."""

    def __init__(self) -> None:
        super().__init__()
        self.act2 = self.act3 = self.act1


class Gated(Convolutions):
    """Activations multiplied in place."""

    def second(self, maps: Tensor) -> Tensor:
        maps = self.act2(self.conv2(maps)) + 0
        maps *= torch.sigmoid(maps.mean((2, 3), keepdim=True))
        return self.pool(maps)


class Shared(Convolutions):
    """One ReLU for grids of two sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.act2 = self.act1


class AddedTo(Convolutions):
    """Adds to the outputs of an activation and of pooling in place, as residual networks do."""

    def __init__(self) -> None:
        super().__init__(nn.SiLU)

    def second(self, maps: Tensor) -> Tensor:
        maps = self.act2(self.conv2(maps))
        maps += 0.5
        maps = self.pool(maps)
        maps += 0.5
        return maps


class Scaled(Convolutions):
    """Divides by the spread of the features, for which there is no rule."""

    def second(self, maps: Tensor) -> Tensor:
        maps = self.pool(self.act2(self.conv2(maps)))
        return maps / (maps.std(1, keepdim=True) + 0.001)


class Normalised(Convolutions):
    """Divides by the length of the features."""

    def second(self, maps: Tensor) -> Tensor:
        return 10 * F.normalize(self.pool(self.act2(self.conv2(maps))), dim=1)


class Divided(Convolutions):
    """Divides by the mean of the features."""

    def second(self, maps: Tensor) -> Tensor:
        maps = self.pool(self.act2(self.conv2(maps)))
        return maps / (maps.mean(1, keepdim=True) + 0.01)


class Largest(Convolutions):
    """Takes the largest value along a dimension, in both ways."""

    def second(self, maps: Tensor) -> Tensor:
        maps = self.pool(self.act2(self.conv2(maps)))
        return maps + maps.max(1, keepdim=True)[0] + maps.amax(dim=3).unsqueeze(3)


class Groups(Convolutions):
    """Normalises a picture by its own values."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, 16)

    def first(self, pixels: Tensor) -> Tensor:
        return self.pool(self.act1(self.norm(self.conv1(pixels))))


class ChannelsLast(Convolutions):
    """Returns grids as (n, h, w, c): with as many channels as rows, only a measurement tells them apart."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.grid, self.last = nn.Conv2d(3, channels, 2, 2), Last()
        self.fc2 = nn.Linear(channels, 12)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc2(self.last(self.grid(pixels)).relu().mean((1, 2)))


class Last(nn.Module):
    """Moves the channels to the end."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.permute(0, 2, 3, 1) * 2


ODD: dict[str, Callable[[], nn.Module]] = {
    "own pools": Convolutions,
    "functional": Functional,
    "reused": Reused,
    "shared": Shared,
    "added to": AddedTo,
    "gated": Gated,
    "gelu": lambda: Convolutions(nn.GELU),
    "selu": lambda: Convolutions(nn.SELU),
    "relu6": lambda: Convolutions(nn.ReLU6),
    "groups": Groups,
    "scaled": Scaled,
    "normalised": Normalised,
    "divided": Divided,
    "largest": Largest,
    "channels last": lambda: ChannelsLast(20),
    "as many channels as rows": lambda: ChannelsLast(SIDE // 2),
}


def odd_network(name: str) -> nn.Module:
    """Return a network with random weights of seed 7, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return ODD[name]().eval().requires_grad_(False)
