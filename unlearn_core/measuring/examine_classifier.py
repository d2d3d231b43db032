"""What is found by using a custom classifier before it is kept: this is told, and is in its record."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from unlearn_core.catalog.classifiers import as_classifier
from unlearn_core.catalog.custom.add_classifier import add_classifier, prepare
from unlearn_core.catalog.custom.behaviour import real_pictures
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification, CustomClassifier
from unlearn_core.common.devices import choose_device
from unlearn_core.common.sharing import is_shared
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.errors import UserError, first_line
from unlearn_core.forgetting.registry import method_entry, methods
from unlearn_core.forgetting.trial import try_methods
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.soundness import unsound

_log = logging.getLogger(__name__)

_PICTURES = 2
_MEASURED = ("findings", "methods_off", "unsound")
"""Fields of the record that are set here."""

_NEEDS_A_RECIPE = "retrain"
"""No custom classifier has one: that is no finding about this one."""


@usual_surroundings()
def examine(specification: ClassifierSpecification) -> tuple[CustomClassifier, nn.Module]:
    """Return the record and module of a specification, with all findings; nothing is stored.

    Raises `UserError` for a classifier that cannot be used.
    """
    with _one_sentence(specification.source):
        record, module = prepare(specification)
        return examined(record, module), module


@usual_surroundings()
def add_examined(
    root: Path,
    specification: ClassifierSpecification,
    visitor: str = "",
    tried: CustomClassifier | None = None,
) -> CustomClassifier:
    """Add a classifier to the catalog of the store at `root` and return its record, with all findings.

    Args:
        root: of the store.
        specification: of the classifier.
        visitor: its owner on a shared server.
        tried: the record that `examine` returned before: what it found is not measured again.

    Raises:
        UserError: a classifier that cannot be used, or a name that is taken.
    """
    kept: list[CustomClassifier] = []

    def look(record: CustomClassifier, module: nn.Module) -> CustomClassifier:
        kept.append(_as_tried(record, tried) or examined(record, module))
        return kept[0]

    with _one_sentence(specification.source):
        add_classifier(root, specification, visitor, look)
    return kept[0]


def examined(record: CustomClassifier, module: nn.Module) -> CustomClassifier:
    """Return a record with what is found by using its module, in eval mode on the CPU.

    A network on which no method works raises `UserError`.
    """
    pixels = real_pictures(record.channels, record.input_size, _PICTURES)
    device = choose_device("auto")
    try:
        trial = try_methods(module.to(device), pixels.to(device))
        wrong = unsound(as_classifier(record, module))
    finally:
        module.cpu()
    if len(trial.failed) == len(methods()):
        raise UserError(f"No method works on this network. {next(iter(trial.failed.values()))}")
    findings = [*record.findings, *_of_methods(trial.failed)]
    findings += [f"{algorithm_entry(name).title} {reason}" for name, reason in wrong.items()]
    if trial.untried:
        names = ", ".join(method_entry(name).title for name in trial.untried)
        findings.append(f"There was no time or memory to try {names} on it.")
    return record.model_copy(
        update={
            "findings": tuple(findings),
            "methods_off": tuple(sorted(trial.failed.items())),
            "unsound": tuple(wrong.items()),
        }
    )


def _of_methods(failed: Mapping[str, str]) -> list[str]:
    """Return a sentence for each reason, with the methods that it switches off."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for name, reason in failed.items():
        if name != _NEEDS_A_RECIPE:
            by_reason[reason].append(method_entry(name).title)
    return [f"Not offered for it: {', '.join(titles)}. {reason}" for reason, titles in by_reason.items()]


def _as_tried(record: CustomClassifier, tried: CustomClassifier | None) -> CustomClassifier | None:
    """Return the record with what was found when the same classifier was tried, None if it is another one."""
    if tried is None:
        return None
    own = {name: getattr(record, name) for name in ("name", *_MEASURED)}
    if tried.model_copy(update=own) != record:
        return None
    return record.model_copy(update={name: getattr(tried, name) for name in _MEASURED})


@contextmanager
def _one_sentence(source: str) -> Iterator[None]:
    """Turn any error into one sentence: a network of somebody else's may raise anything."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        _log.exception("%s cannot be used", source)
        words = type(error).__name__ if is_shared() else f"{type(error).__name__}: {first_line(error)}"
        raise UserError(f"This network cannot be used: {words}.") from error
