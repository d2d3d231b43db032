"""The commands `add`, `remove` and `match`: custom classifiers, added image sets, and their class match."""

import argparse
import json
from pathlib import Path
from typing import Any

from unlearn_core.catalog.class_match import read_overrides, write_overrides
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.catalog.sources.registry import CSV_PREFIX, FOLDER_PREFIX, UTKFACE_PREFIX, check_image_set
from unlearn_core.commands.completion import classifier_names, complete, image_set_names
from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import remove_added
from unlearn_core.store.runs import open_store

_MOST_NAMES = 2**24
SOURCES = "torchvision:NAME[:WEIGHTS], timm:NAME, timm:hf-hub:OWNER/NAME, file:PATH or module:function"


def add_custom_commands(commands: Any) -> None:
    """Add the commands to the parser's subcommands."""
    _add_add(commands)
    remove = commands.add_parser("remove", help="remove an added classifier or image set")
    remove.add_argument("name")
    remove.set_defaults(run_command=lambda args: remove_added(open_store(), args.name))
    match = commands.add_parser("match", help="show or override the class match of an image set")
    complete(match.add_argument("--classifier", default="mnist-resnet"), classifier_names)
    complete(match.add_argument("--images", default="mnist"), image_set_names)
    match.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="OWN=CLASS",
        help="override the match of a class; empty after =: no match",
    )
    match.add_argument("--reset", action="store_true", help="remove all overrides")
    match.add_argument("--json", action="store_true", help="print one JSON object")
    match.set_defaults(run_command=_match)


def _add_add(commands: Any) -> None:
    add = commands.add_parser("add", help="add a classifier or an image set to the catalog")
    kinds = add.add_subparsers(required=True, metavar="KIND")
    classifier = kinds.add_parser("classifier", help=SOURCES)
    classifier.add_argument("source", help=SOURCES)
    classifier.add_argument("--architecture", help="of a checkpoint file: torchvision:NAME or timm:NAME")
    classifier.add_argument("--name", help="name in the catalog")
    classifier.add_argument("--classes", type=int)
    classifier.add_argument("--channels", type=int)
    classifier.add_argument("--input-size", type=int, metavar="PIXELS")
    classifier.add_argument("--mean", metavar="A,B,C", help="of the training pixels, per channel, in [0, 1]")
    classifier.add_argument("--std", metavar="A,B,C")
    classifier.add_argument("--class-names", metavar="FILE", help="a text file with one name per line")
    classifier.set_defaults(run_command=_add_classifier)
    images = kinds.add_parser("images", help="folder:PATH, csv:PATH or utkface:[GROUPING:]PATH")
    images.add_argument("source")
    images.add_argument("--name", required=True)
    images.add_argument(
        "--window",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="intensities that become black and white, for pictures with more than eight bits per channel",
    )
    images.set_defaults(run_command=_add_images)


def _add_classifier(args: argparse.Namespace) -> None:
    specification = ClassifierSpecification.parse(
        source=args.source,
        architecture=args.architecture,
        name=args.name,
        classes=args.classes,
        channels=args.channels,
        input_size=args.input_size,
        mean=_numbers(args.mean),
        std=_numbers(args.std),
        class_names=None if args.class_names is None else _lines(Path(args.class_names)),
    )
    print(_add_to_catalog(specification))


def resolve_or_add(name: str, architecture: str | None) -> str:
    """Return the catalog's name of a classifier; a source that is not in the catalog yet is added.

    Raises `UserError` if that is not possible.
    """
    specification = ClassifierSpecification.parse(source=name, architecture=architecture)
    kind, _, path = name.partition(":")
    known_as = Path(path).stem if kind == "file" else name
    try:
        entry = classifier_entry(known_as)
    except UserError:
        if ":" not in name:
            raise
        return _add_to_catalog(specification)
    if kind == "file":
        from unlearn_core.catalog.custom.add_classifier import check_same

        check_same(open_store().root, known_as, specification)
    return entry.name


def _add_to_catalog(specification: ClassifierSpecification) -> str:
    from unlearn_core.catalog.custom.add_classifier import add_classifier

    return add_classifier(open_store().root, specification)


def _add_images(args: argparse.Namespace) -> None:
    from unlearn_core.catalog.sources.add_image_set import add_image_set
    from unlearn_core.catalog.sources.resolve_source import split_utkface

    source = args.source
    if not source.startswith((FOLDER_PREFIX, CSV_PREFIX, UTKFACE_PREFIX)):
        source = f"{FOLDER_PREFIX}{source}"
    check_image_set(source)
    kind, _, path = source.partition(":")
    if source.startswith(UTKFACE_PREFIX):
        grouping, faces = split_utkface(source)
        kind, path = f"{kind}:{grouping}", str(faces)
    place = f"{kind}:{Path(path).expanduser().absolute()}"
    window = None if args.window is None else (args.window[0], args.window[1])
    record = add_image_set(open_store().root, args.name, place, window=window)
    print(f"{record.name}: {record.pictures} pictures of {len(record.class_names)} classes")
    for note in record.notes:
        print(note)
    if record.window is not None:
        print("To change the intensities, remove the set and add it with --window LOW HIGH.")


def _match(args: argparse.Namespace) -> None:
    from unlearn_core.catalog.class_match import match_classes
    from unlearn_core.catalog.classifiers import load_classifier
    from unlearn_core.catalog.sources.resolve_source import image_source

    classifier, root = load_classifier(args.classifier), open_store().root
    own = image_source(args.images).class_names
    overrides = {} if args.reset else read_overrides(root, args.classifier, args.images)
    for text in args.set:
        name, equals, wanted = text.partition("=")
        if not equals or name not in own:
            raise UserError(f"{text!r} is not of the form OWN=CLASS with a class of {args.images}.")
        if wanted and wanted not in classifier.class_names:
            raise UserError(f"{args.classifier} has no class {wanted!r}.")
        overrides[name] = wanted
    if args.set or args.reset:
        write_overrides(root, args.classifier, args.images, overrides)
    found = match_classes(own, classifier.class_names, classifier.wordnet_ids, overrides)
    names = [None if index < 0 else classifier.class_names[index] for index in found.classes]
    if args.json:
        rows = zip(own, names, found.how, strict=True)
        print(json.dumps([{"own": one, "class": name, "by": how} for one, name, how in rows]))
        return
    for one, name, how in zip(own, names, found.how, strict=True):
        print(f"{one:32}{name or '–':40}{how}")


def _numbers(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UserError(f"{text!r} is not a list of numbers separated by commas.") from error


def _lines(path: Path) -> tuple[str, ...]:
    # A pipe or a device would never end.
    if path.exists() and not path.is_file():
        raise UserError(f"{path.name} is not a file.")
    try:
        if path.stat().st_size > _MOST_NAMES:
            raise UserError(f"{path.name} is larger than {_MOST_NAMES // 2**20} MB: no list of names.")
        # Editors on Windows write a byte order mark before the first name.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return tuple(line.strip() for line in lines if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} cannot be read as a list of names.") from error


def add_data_dir(command: argparse.ArgumentParser) -> None:
    """Add the option for the folder of torchvision's data sets."""
    command.add_argument("--data-dir", metavar="FOLDER", help="folder of torchvision's data sets")
