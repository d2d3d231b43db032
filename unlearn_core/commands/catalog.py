"""The command `catalog`: lists classifiers, image sets and methods."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from unlearn_core.catalog.entries import ClassifierEntry, ImageSetEntry, classifiers, image_sets
from unlearn_core.catalog.on_disk import is_on_disk, megabytes
from unlearn_core.catalog.picks import HELP
from unlearn_core.forgetting.registry import methods


def add_catalog_command(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    catalog = commands.add_parser("catalog", help="list classifiers, image sets and methods")
    catalog.add_argument("--json", action="store_true", help="print one JSON object")
    catalog.set_defaults(run_command=_catalog)


def _catalog(args: argparse.Namespace) -> None:
    if args.json:
        content = {
            "classifiers": [_as_object(entry) for entry in classifiers()],
            "images": [_as_object(entry) for entry in image_sets()],
            "methods": [asdict(entry) for entry in methods()],
            "picks": HELP,
        }
        print(json.dumps(content))
        return
    for heading, entries in (("Classifiers", classifiers()), ("Image sets", image_sets())):
        print(heading)
        for one in entries:
            print(f"  {one.name:30}{one.summary}\n  {'':30}{_facts(one)}")
    print(f"  {'folder:PATH':30}Your own pictures in class folders.")
    print("Methods")
    for method in methods():
        print(f"  {method.name:30}{method.summary}")
    print(f"Picks\n  {HELP}")


def _as_object(entry: ClassifierEntry | ImageSetEntry) -> dict[str, Any]:
    return {**asdict(entry), "megabytes": megabytes(entry), "on_disk": is_on_disk(entry)}


def _facts(entry: ClassifierEntry | ImageSetEntry) -> str:
    size = megabytes(entry)
    words = [] if size is None else [f"{size:,.1f} MB"]
    there = "on disk" if is_on_disk(entry) else "not on disk"
    return " · ".join([*words, there, f"licence: {entry.licence}", f"from: {entry.source}"])
