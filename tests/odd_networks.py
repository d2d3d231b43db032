"""Small networks of the kinds that people bring; each function returns one with the same random weights."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import prune

CLASSES, SIDE = 4, 16


class Plain(nn.Module):
    """Two convolutions and a last layer."""

    def __init__(self, outputs: int = CLASSES) -> None:
        super().__init__()
        self.conv1, self.norm, self.conv2 = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 12, 3)
        self.fc = nn.Linear(12, outputs)

    def features(self, pixels: Tensor) -> Tensor:
        return self.conv2(self.norm(self.conv1(pixels)).relu()).relu().mean((2, 3))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc(self.features(pixels))


class Softmax(Plain):
    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).softmax(1)


class LogSoftmax(Plain):
    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).log_softmax(1)


class OneLogit(Plain):
    def __init__(self) -> None:
        super().__init__(1)


class Squeezed(OneLogit):
    """Returns (n,) instead of (n, 1)."""

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).squeeze()


class SqueezedAlone(Plain):
    """Returns (classes,) for a picture alone."""

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).squeeze()


class Convolved(Plain):
    """Returns (n, classes, 1, 1), as networks without a linear layer do."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Conv2d(12, CLASSES, 1)  # type: ignore[assignment]

    def features(self, pixels: Tensor) -> Tensor:
        return super().features(pixels)[..., None, None]


class Sigmoid(OneLogit):
    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels).sigmoid().squeeze(1)


class DropoutAlwaysOn(Plain):
    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc(F.dropout(self.features(pixels), 0.5))


class DropoutInTraining(Plain):
    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc(F.dropout(self.features(pixels), 0.5, self.training))


class BatchStatistics(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(8, track_running_stats=False)


class WithPixels(Plain):
    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return pixels, super().forward(pixels)


class WithFeatures(Plain):
    def forward(self, pixels: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        return {"features": self.features(pixels), "logits": super().forward(pixels)}


@dataclass
class Answer:
    """What Hugging Face's networks return is like it."""

    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    loss: Tensor | None = None


class AsAnObject(Plain):
    def forward(self, pixels: Tensor) -> Answer:  # type: ignore[override]
        return Answer(super().forward(pixels), (self.features(pixels),))


class Pair(Plain):
    """Returns two rows for each picture, and nothing says which are the logits."""

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return super().forward(pixels), self.features(pixels)


class Frozen(Plain):
    """Fine-tuned with a frozen body."""

    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)
        self.fc.requires_grad_(True)


class AllFrozen(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)


class UnusedHead(Plain):
    """Has a head that only pre-training used."""

    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Linear(12, 3)


class LateNorm(Plain):
    """Normalises maps of 1 × 1: a picture alone has no spread there."""

    def __init__(self) -> None:
        super().__init__()
        self.late = nn.BatchNorm1d(12)

    def features(self, pixels: Tensor) -> Tensor:
        return self.late(super().features(pixels))


class UsedTwice(Plain):
    """Has one layer under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.again = self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8, CLASSES)

    def features(self, pixels: Tensor) -> Tensor:
        return self.again(self.conv2(self.norm(self.conv1(pixels)).relu()).relu()).mean((2, 3))


class View(nn.Module):
    """Flattens as the first PyTorch tutorials did, which tensors with channels last do not allow."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 8, 5)
        self.fc = nn.Linear(8 * 8 * 8, CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc(self.conv2(self.conv1(pixels).relu()).relu().view(-1, 8 * 8 * 8))


class OtherEveryTime(Plain):
    """Depends on a number that is neither in its tensors nor the same when it is built again."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = random.SystemRandom().random()

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels) * self.scale


class TrainedOtherwise(Plain):
    """Returns a pair in train mode, as networks with further heads do."""

    def forward(self, pixels: Tensor) -> Tensor:
        logits = super().forward(pixels)
        return (logits, logits) if self.training else logits  # type: ignore[return-value]


class AddsALayer(Plain):
    """Makes its last layer when it is first called."""

    def forward(self, pixels: Tensor) -> Tensor:
        features = self.features(pixels)
        if not hasattr(self, "late"):
            self.late = nn.Linear(features.shape[1], CLASSES)
        return self.late(features)


class Complex(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.waves = nn.Parameter(torch.ones(12, dtype=torch.cfloat))

    def features(self, pixels: Tensor) -> Tensor:
        return (super().features(pixels) * self.waves).real


class Locked(Plain):
    """Cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class FourChannels(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 8, 3)


def sets_everything() -> nn.Module:
    """Return a network and leave settings of the whole process behind."""
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    return Plain().float()


def quantised() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(Plain(), {nn.Linear}, dtype=torch.qint8)


def ends_the_program() -> nn.Module:
    raise SystemExit(3)


def weight_normed() -> nn.Module:
    network = Plain()
    nn.utils.weight_norm(network.conv1)
    nn.utils.parametrizations.weight_norm(network.fc)
    nn.utils.spectral_norm(network.conv2)
    return network


def pruned() -> nn.Module:
    network = Plain()
    prune.l1_unstructured(network.conv1, "weight", amount=0.3)
    return network


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3))


def scripted() -> nn.Module:
    return torch.jit.script(Plain())


def seeded(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    def built() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            return make()

    return built


plain, softmax, log_softmax = seeded(Plain), seeded(Softmax), seeded(LogSoftmax)
one_logit, squeezed, sigmoid = seeded(OneLogit), seeded(Squeezed), seeded(Sigmoid)
with_pixels, with_features, as_an_object = seeded(WithPixels), seeded(WithFeatures), seeded(AsAnObject)
adds_a_layer, four_channels, on_meta = seeded(AddsALayer), seeded(FourChannels), lambda: Plain().to("meta")
complex_weights, locked = seeded(Complex), seeded(Locked)
dropout_in_training = seeded(DropoutInTraining)
dropout_always_on, batch_statistics, pair = seeded(DropoutAlwaysOn), seeded(BatchStatistics), seeded(Pair)
frozen, all_frozen, unused_head = seeded(Frozen), seeded(AllFrozen), seeded(UnusedHead)
late_norm, used_twice, other_every_time = seeded(LateNorm), seeded(UsedTwice), seeded(OtherEveryTime)
squeezed_alone, convolved = seeded(SqueezedAlone), seeded(Convolved)
trained_otherwise, view = seeded(TrainedOtherwise), seeded(View)
normed_weights, pruned_weights = seeded(weight_normed), seeded(pruned)
half, double = seeded(lambda: Plain().half()), seeded(lambda: Plain().double())
parallel = seeded(lambda: nn.DataParallel(Plain()))
