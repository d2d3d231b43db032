"""The small networks with shipped weights, built from timm's residual blocks."""

import torch
from timm.models.resnet import BasicBlock, ResNet
from timm.models.resnet import downsample_conv as shortcut
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


def mnist_resnet() -> nn.Module:
    """Return a timm ResNet-10 for 28 × 28 digits: 3 × 3 stem with stride 2, no max pooling, half the width.

    Its four stages work at 14, 7, 4 and 2 pixels, so that a forward pass (14 million multiplications) is fast
    enough for two CPU cores.
    """
    network = ResNet(BasicBlock, layers=(1, 1, 1, 1), channels=(32, 64, 128, 256), num_classes=10, in_chans=1)
    network.conv1 = nn.Conv2d(1, 64, kernel_size=3, stride=2, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return Normalised(network, (0.1307,), (0.3081,))


class CifarResNet(nn.Module):
    """The CIFAR ResNet of He et al. 2015 (arXiv 1512.03385, section 4.2): 6n + 2 layers in three stages."""

    def __init__(self, blocks: int, width: int = 16, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act1 = nn.ReLU()
        self.layer1 = _stage(width, width, blocks, stride=1)
        self.layer2 = _stage(width, 2 * width, blocks, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, blocks, stride=2)
        self.global_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (n, classes) of normalised pixels (n, 3, 32, 32)."""
        stem = self.act1(self.bn1(self.conv1(pixels)))
        return self.fc(self.global_pool(self.layer3(self.layer2(self.layer1(stem)))))


def _stage(inside: int, outside: int, blocks: int, stride: int) -> nn.Sequential:
    first = BasicBlock(
        inside,
        outside,
        stride=stride,
        downsample=None if inside == outside else shortcut(inside, outside, kernel_size=1, stride=stride),
    )
    return nn.Sequential(first, *(BasicBlock(outside, outside) for _ in range(blocks - 1)))


def cifar_resnet20() -> nn.Module:
    """Return a ResNet-20 for 32 × 32 colour pictures of ten classes, with 1.5 times the paper's width."""
    return Normalised(CifarResNet(blocks=3, width=24), (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
