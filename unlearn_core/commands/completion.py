"""What the shell offers for an argument's value, besides the choices that the parser knows."""

import argparse
from collections.abc import Callable, Iterable

from unlearn_core.catalog.entries import classifiers
from unlearn_core.catalog.sources.registry import image_sets
from unlearn_core.store.runs import open_store


def complete(argument: argparse.Action, names: Callable[[], Iterable[str]]) -> None:
    """Offer these names for an argument's value; they are looked up when the shell asks for them."""
    argument.completer = lambda **_asked: names()  # type: ignore[attr-defined]


def classifier_names() -> list[str]:
    """Return the classifiers of the catalog."""
    return [entry.name for entry in classifiers()]


def image_set_names() -> list[str]:
    """Return the image sets of the catalog."""
    return [entry.name for entry in image_sets()]


def run_ids() -> list[str]:
    """Return the runs that are kept, the newest first."""
    return [run.id for run in open_store().runs()]
