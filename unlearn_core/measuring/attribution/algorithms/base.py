"""The base class of attribution algorithms."""

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

    The server uses everything except `explain`: only there may torch or Captum be imported.
    """

    name: str
    """In requests, links and on the command line: lower case, digits and hyphens."""

    title: str
    """Its common name."""

    reading: str
    """One sentence on how to read its maps."""

    settings: tuple[Setting[Any], ...] = ()
    """Its settings."""

    signed = False
    """Whether negative values are evidence against the score: the map of −score is the negative map."""

    is_complete = False
    """Whether a map sums to the change of the class's score from the setting `BASELINE` to the picture."""

    is_multiplied = False
    """Whether a map is made of effects of a pixel's difference from the baseline, rather than of slopes.

    The baseline is the setting `BASELINE`, black without it.
    """

    is_quick = False
    """Whether it is fast enough for a map of every picture at every snapshot of a film."""

    is_general = False
    """Whether it uses only a classifier's outputs and their gradients, so that its layers do not matter."""

    def why_wrong(self, classifier: ClassifierEntry) -> str | None:
        """Return why the algorithm is not valid for a classifier, None if it is valid.

        The text continues a sentence that begins with the title.
        """
        return None

    def why_unsound(self, classifier: Classifier, pixels: Tensor) -> str | None:
        """Return why it is wrong on a classifier, in the same form, as measured on pictures; else None.

        This is for what is special about an algorithm. Of all it is measured when a classifier is added that
        a picture's map does not depend on the rest of the batch, changes with the last layer and, if
        `is_complete`, sums to the score's change.
        """
        return None

    def other_layers(self, classifier: ClassifierEntry) -> tuple[str, ...]:
        """Return the layers that the algorithm offers besides its default one."""
        return ()

    def at_layer(self, layer: str) -> Algorithm | None:
        """Return the algorithm at another layer, named `NAME:LAYER`; None if it uses no layer."""
        return None

    @abstractmethod
    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return one map per picture, positive where a pixel increases the target's score.

        Args:
            classifier: in eval mode, on the device of `pixels` and `targets`, its weights without gradients.
            pixels: float (n, c, h, w) in [0, 1].
            targets: int64 (n,), the column of `classifier.module`'s outputs to explain: a class, or for a
                contrast a further column with the difference of two logits.
            settings: a value for each of the algorithm's own settings.

        Returns:
            (n, c, h, w), or (n, 1, h, w) if the algorithm does not distinguish channels.
        """

    def complete(self, given: Settings) -> dict[str, SettingValue]:
        """Return each setting with its given or default value; unknown settings raise `UserError`."""
        known = {setting.name: setting for setting in self.settings}
        for name in given:
            if name not in known:
                raise UserError(f"{self.title} has no setting {name}; it has {', '.join(known) or 'none'}.")
        return {name: setting.check(given.get(name, setting.default)) for name, setting in known.items()}

    def own(self, given: Settings) -> dict[str, SettingValue]:
        """Return the given settings that belong to this algorithm."""
        return {setting.name: given[setting.name] for setting in self.settings if setting.name in given}


def unless_measured(classifier: ClassifierEntry) -> str | None:
    """Return why an algorithm with rules for layers is off: it was not measured on this classifier."""
    if classifier.plain_relu or classifier.unsound is not None:
        return None
    return (
        "was not measured on this classifier, and not every activation is a ReLU: add the classifier again."
    )
