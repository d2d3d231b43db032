"""What an attribution algorithm is: words, settings, where it is right, and how it explains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.settings import Setting, Settings, SettingValue

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_core.catalog.classifiers import Classifier


class Algorithm(ABC):
    """An attribution algorithm.

    The server reads all but `explain`: only in there may torch or Captum be imported.
    """

    name: str
    """In requests, links and on the command line: lower case, digits and hyphens."""

    title: str
    """As people know it."""

    reading: str
    """One sentence that says how to read its maps."""

    settings: tuple[Setting[Any], ...] = ()
    """What a person may set of it."""

    is_complete = False
    """True: a map adds up to the change of the class's score from the setting `BASELINE` to the picture."""

    is_quick = False
    """True: a map takes so little time that a film can have one of every picture at every snapshot."""

    def why_wrong(self, classifier: ClassifierEntry) -> str | None:
        """Return why the maps would be wrong on a classifier, as the rest of a sentence that begins with the
        title; None where they are right.
        """
        return None

    def other_layers(self, classifier: ClassifierEntry) -> tuple[str, ...]:
        """Return the layers that the algorithm is offered at besides its usual one."""
        return ()

    def at_layer(self, layer: str) -> Algorithm | None:
        """Return the same at another layer, named `NAME:LAYER`; None where it looks at no layer."""
        return None

    @abstractmethod
    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return one map a picture, positive where it speaks for the target.

        Args:
            classifier: on the CPU, in eval mode, its weights without gradients.
            pixels: float (n, c, h, w) in [0, 1].
            targets: int64 (n,), the class that is explained.
            settings: a value for each of the algorithm's own settings.

        Returns:
            (n, c, h, w), or (n, 1, h, w) where the algorithm does not tell channels apart.
        """

    def complete(self, given: Settings) -> dict[str, SettingValue]:
        """Return each setting with its given or default value; others' raise `UserError`."""
        known = {setting.name: setting for setting in self.settings}
        for name in given:
            if name not in known:
                raise UserError(f"{self.title} has no setting {name}; it has {', '.join(known) or 'none'}.")
        return {name: setting.check(given.get(name, setting.default)) for name, setting in known.items()}

    def own(self, given: Settings) -> dict[str, SettingValue]:
        """Return those of the given settings that are the algorithm's own."""
        return {setting.name: given[setting.name] for setting in self.settings if setting.name in given}


def unless_plain_relu(classifier: ClassifierEntry) -> str | None:
    """Return why an algorithm that has rules of its own for ReLU would be wrong on a classifier."""
    if classifier.plain_relu:
        return None
    return "is only right where every activation is a ReLU used once; this classifier has others."
