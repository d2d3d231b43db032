"""The small networks with shipped weights.

Not timm's: with torchvision, and the compiler that this loads, its import takes longer than that of torch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Normalised(nn.Module):
    """A network that takes pixels in [0, 1] and normalises them itself.

    Args:
        network: maps normalised pixels (n, channels, height, width) to logits (n, classes).
        mean: per-channel mean of the training pixels, in [0, 1].
        std: per-channel standard deviation, above 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (n, classes) of pixels (n, channels, height, width) in [0, 1]."""
        return self.network((pixels - self.mean) / self.std)


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut (He et al. 2015, arXiv 1512.03385, figure 5 on the left)."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        shortcut = None
        if inside != outside:
            shortcut = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
            )
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.act1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.act2 = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (n, outside, height / stride, width / stride) of maps (n, inside, height, width)."""
        own = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(maps)))))
        own += maps if self.downsample is None else self.downsample(maps)
        return self.act2(own)


class ResNet(nn.Module):
    """A convolution and stages of blocks, each with half the side of the one before (same paper).

    Args:
        stem: the first layer, from normalised pixels.
        widths: channels of each stage.
        blocks: of each stage.
    """

    def __init__(self, stem: nn.Conv2d, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.conv1 = stem
        self.bn1 = nn.BatchNorm2d(stem.out_channels)
        self.act1 = nn.ReLU(inplace=True)
        inside = stem.out_channels
        for number, width in enumerate(widths, 1):
            first = BasicBlock(inside, width, stride=1 if number == 1 else 2)
            rest = (BasicBlock(width, width, stride=1) for _ in range(blocks - 1))
            setattr(self, f"layer{number}", nn.Sequential(first, *rest))
            inside = width
        self.global_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(inside, 10)
        self._stages = len(widths)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (n, 10) of normalised pixels (n, channels, height, width)."""
        maps = self.act1(self.bn1(self.conv1(pixels)))
        for number in range(1, self._stages + 1):
            maps = getattr(self, f"layer{number}")(maps)
        return self.fc(self.global_pool(maps))


def mnist_resnet() -> nn.Module:
    """Return a ResNet-10 for 28 × 28 digits: 3 × 3 stem with stride 2, no max pooling, half the width.

    Its four stages work at 14, 7, 4 and 2 pixels, so that a forward pass (14 million multiplications) is fast
    enough for two CPU cores.
    """
    # Started as timm's ResNet, of which the shipped weights were trained: a seed gives the same network.
    network = ResNet(nn.Conv2d(1, 64, 7, 2, 3, bias=False), (32, 64, 128, 256), blocks=1)
    for one in network.modules():
        if isinstance(one, nn.Conv2d):
            nn.init.kaiming_normal_(one.weight, mode="fan_out", nonlinearity="relu")
    for block in network.modules():
        if isinstance(block, BasicBlock):
            nn.init.zeros_(block.bn2.weight)
    network.conv1 = nn.Conv2d(1, 64, kernel_size=3, stride=2, padding=1, bias=False)
    return Normalised(network, (0.1307,), (0.3081,))


def cifar_resnet20() -> nn.Module:
    """Return a ResNet-20 for 32 × 32 colour pictures of ten classes, with 1.5 times the paper's width."""
    network = ResNet(nn.Conv2d(3, 24, 3, padding=1, bias=False), (24, 48, 96), blocks=3)
    return Normalised(network, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
