"""Give a network the tensors of a file or of a computation, which lack what torch keeps beside them."""

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], strict: bool = True) -> None:
    """Load tensors into a module; those that do not fit raise `RuntimeError`.

    The versions of the module's layers go with them: a plain dict has none, and some networks
    (torchvision's MNASNet) refuse tensors without.
    """
    weights = OrderedDict(tensors)
    weights._metadata = getattr(module.state_dict(), "_metadata", None)  # type: ignore[attr-defined]
    module.load_state_dict(weights, strict=strict)
