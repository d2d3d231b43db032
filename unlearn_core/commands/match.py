"""The command `match`: the class match of an image set and a classifier, and its overrides."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from unlearn_core.catalog.class_match import (
    Reading,
    match_classes,
    number_readings,
    read_overrides,
    write_overrides,
)
from unlearn_core.catalog.class_names import class_called, class_choices
from unlearn_core.catalog.number_reading import READINGS, choose_reading, read_counted
from unlearn_core.commands.completion import classifier_names, complete, image_set_names
from unlearn_core.errors import UserError
from unlearn_core.store.runs import open_store


def add_match_command(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    match = commands.add_parser("match", help="show or override the class match of an image set")
    complete(match.add_argument("--classifier", default="mnist-resnet"), classifier_names)
    complete(match.add_argument("--images", default="mnist"), image_set_names)
    match.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="OWN=CLASS",
        help="override the match of a class; CLASS is a name or, as #134, an index; empty after =: no match",
    )
    match.add_argument(
        "--numbers",
        choices=[reading.replace(" ", "-") for reading in READINGS],
        help="how classes that are numbers are counted; by default as the classifier is right most often",
    )
    match.add_argument("--reset", action="store_true", help="remove all overrides")
    match.add_argument("--json", action="store_true", help="print one JSON object")
    match.set_defaults(run_command=_match)


def _match(args: argparse.Namespace) -> None:
    from unlearn_core.catalog.classifiers import load_classifier
    from unlearn_core.catalog.image_sets import load_images
    from unlearn_core.catalog.sources.resolve_source import image_source

    classifier, root = load_classifier(args.classifier), open_store().root
    own = image_source(args.images).class_names
    overrides = _overrides(args, root, own, classifier.class_names)
    if len(number_readings(own, len(classifier.class_names))) > 1:
        # To know how the numbers are counted, the pictures are looked at.
        found = load_images(args.images, classifier).match
    else:
        found = match_classes(own, classifier.class_names, classifier.wordnet_ids, overrides)
    choices = class_choices(classifier.class_names)
    names = [None if index < 0 else choices[index] for index in found.classes]
    if args.numbers and found.reading != _reading(args):
        print(
            f"--numbers {args.numbers} changes nothing: the classes of {args.images} cannot be counted so.",
            file=sys.stderr,
        )
    if args.json:
        rows = zip(own, names, found.how, strict=True)
        print(json.dumps([{"own": one, "class": name, "by": how} for one, name, how in rows]))
        return
    for one, name, how in zip(own, names, found.how, strict=True):
        print(f"{one:32}{name or '–':40}{how}")
    if found.reading is not None and (said := read_counted(root, args.classifier, args.images).in_words()):
        print(said)


def _overrides(
    args: argparse.Namespace, root: Path, own: tuple[str, ...], class_names: tuple[str, ...]
) -> dict[str, str]:
    """Store what the user says of the match, and return all overrides."""
    overrides = {} if args.reset else read_overrides(root, args.classifier, args.images)
    for text in args.set:
        name, equals, wanted = text.partition("=")
        if not equals or name not in own:
            raise UserError(f"{text!r} is not of the form OWN=CLASS with a class of {args.images}.")
        overrides[name] = class_choices(class_names)[class_called(wanted, class_names)] if wanted else ""
    if args.set or args.reset:
        write_overrides(root, args.classifier, args.images, overrides)
    if args.numbers or args.reset:
        choose_reading(root, args.classifier, args.images, _reading(args))
    return overrides


def _reading(args: argparse.Namespace) -> Reading | None:
    """Return how the user says that numbers are counted, as the catalog calls it."""
    return {reading.replace(" ", "-"): reading for reading in READINGS}.get(args.numbers)
