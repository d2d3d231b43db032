"""The commands `add` and `remove`: custom classifiers and added image sets."""

import argparse
import sys
from pathlib import Path
from typing import Any

from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.lists_of_names import names_in
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification, default_name
from unlearn_core.catalog.records.image_set_record import (
    LEFT_OUT,
    AddedImageSet,
    added_folder,
    read_left_out,
)
from unlearn_core.catalog.sources.registry import CSV_PREFIX, FOLDER_PREFIX, UTKFACE_PREFIX, check_image_set
from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import remove_added
from unlearn_core.store.runs import open_store

_FIRST = 3
_TABLES = (".csv", ".tsv")
_MOST_NAMES = 2**24
SOURCES = "torchvision:NAME[:WEIGHTS], timm:NAME, timm:hf-hub:OWNER/NAME, file:PATH or module:function"


def add_custom_commands(commands: Any) -> None:
    """Add the commands to the parser's subcommands."""
    _add_add(commands)
    remove = commands.add_parser("remove", help="remove an added classifier or image set")
    remove.add_argument("name")
    remove.set_defaults(run_command=lambda args: remove_added(open_store(), args.name))


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
    classifier.add_argument(
        "--class-names", metavar="FILE", help="a text file with one name per line, or JSON"
    )
    classifier.add_argument("--part", metavar="NAME", help="of a file with several networks, the one to take")
    classifier.add_argument(
        "--arguments",
        default="{}",
        metavar="JSON",
        help='of the network\'s constructor: \'{"act_layer": "gelu"}\'',
    )
    classifier.set_defaults(run_command=_add_classifier)
    images = kinds.add_parser("images", help="folder:PATH, csv:PATH or utkface:[GROUPING:]PATH")
    images.add_argument("source")
    images.add_argument("--name", help="in the catalog; by default the name of the folder or file")
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
        part=args.part,
        arguments=args.arguments,
    )
    print(_add_to_catalog(specification))


def resolve_or_add(name: str, architecture: str | None) -> str:
    """Return the catalog's name of a classifier; a source that is not in the catalog yet is added.

    Raises `UserError` if that is not possible.
    """
    specification = ClassifierSpecification.parse(source=name, architecture=architecture)
    known_as = default_name(name)
    try:
        entry = classifier_entry(known_as)
    except UserError:
        if ":" not in name:
            raise
        return _add_to_catalog(specification)
    if name.startswith("file:"):
        from unlearn_core.catalog.custom.add_classifier import check_same

        check_same(open_store().root, known_as, specification)
    return entry.name


def _add_to_catalog(specification: ClassifierSpecification) -> str:
    """Add a classifier, tell on stderr what was found, and return its name."""
    from unlearn_core.measuring.examine_classifier import add_examined

    record = add_examined(open_store().root, specification)
    for finding in record.findings:
        print(f"{record.name}: {finding}", file=sys.stderr)
    return record.name


def _add_images(args: argparse.Namespace) -> None:
    from unlearn_core.catalog.sources.add_image_set import add_image_set
    from unlearn_core.catalog.sources.resolve_source import split_utkface

    source = args.source
    if not source.startswith((FOLDER_PREFIX, CSV_PREFIX, UTKFACE_PREFIX)):
        if source.lower().endswith(_TABLES) and Path(source).expanduser().is_file():
            raise UserError(f"{source} is a table: write {CSV_PREFIX}{source}.")
        source = f"{FOLDER_PREFIX}{source}"
    check_image_set(source)
    kind, _, path = source.partition(":")
    if source.startswith(UTKFACE_PREFIX):
        grouping, faces = split_utkface(source)
        kind, path = f"{kind}:{grouping}", str(faces)
    place = f"{kind}:{Path(path).expanduser().absolute()}"
    window = None if args.window is None else (args.window[0], args.window[1])
    record = add_image_set(open_store().root, args.name or "", place, window=window)
    print(f"{record.name}: {record.pictures} pictures of {len(record.class_names)} classes")
    for note in record.notes:
        print(note)
    _print_left_out(open_store().root, record)
    if record.window is not None:
        print("To change the intensities, remove the set and add it with --window LOW HIGH.")


def _print_left_out(root: Path, record: AddedImageSet) -> None:
    """Print how many files were left out, why the first ones were, and where all are listed."""
    if not record.left_out:
        return
    print(f"{record.left_out_in_words()}:")
    reasons = [why for _, why in read_left_out(root, record.name)]
    for why in reasons[:_FIRST]:
        print(f"  {why}")
    print(f"All are listed in {added_folder(root, record.name) / LEFT_OUT}.")


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
        return names_in(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} cannot be read as a list of names.") from error


def add_data_dir(command: argparse.ArgumentParser) -> None:
    """Add the option for the folder of torchvision's data sets."""
    command.add_argument("--data-dir", metavar="FOLDER", help="folder of torchvision's data sets")
