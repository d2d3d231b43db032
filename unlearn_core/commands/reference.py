"""The command `reference`: trains classifiers that never saw a part of the pictures."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from unlearn_core.commands.add import add_data_dir
from unlearn_core.commands.out_file import writable


def add_reference_command(commands: Any) -> None:
    """Add the command to the parser."""
    reference = commands.add_parser(
        "reference", help="train classifiers without a part of the pictures, to compare forgetting with"
    )
    reference.add_argument("classifier", help="a shipped classifier with a training recipe")
    reference.add_argument("--images", default="mnist", help="the image set to train on")
    add_data_dir(reference)
    reference.add_argument("--folds", type=int, default=10, help="each classifier is trained without one")
    reference.add_argument("--repeats", type=int, default=4, help="classifiers per picture")
    reference.add_argument("--out", help="the file; by default in UNLEARN_HOME")
    reference.set_defaults(run_command=_reference)


def _reference(args: argparse.Namespace) -> None:
    import sys

    from tqdm import tqdm

    from unlearn_core.artifacts.never_seen import own_folder, stem, write_never_seen
    from unlearn_core.catalog.classifiers import load_classifier
    from unlearn_core.catalog.image_sets import fingerprint, load_images
    from unlearn_core.catalog.shipped.training import recipe_of
    from unlearn_core.measuring.train_reference import by_recipe, train_reference

    out = writable(Path(args.out), ".npz") if args.out else None
    recipe = recipe_of(args.classifier)
    images = load_images(args.images, load_classifier(args.classifier))
    name = stem(args.classifier, args.images)
    out = out or own_folder() / f"{name}.npz"
    parts = own_folder() / f"{name}.parts"
    with tqdm(total=args.folds * args.repeats, unit="classifier", file=sys.stderr) as bar:
        found = train_reference(
            images,
            by_recipe(recipe),
            parts,
            folds=args.folds,
            repeats=args.repeats,
            done=lambda count: bar.update(count - bar.n),
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures = fingerprint(args.images, args.classifier)
    write_never_seen(out, replace(found, fingerprint=pictures))
    recognised = 100 * found.recognised().mean()
    never = f"each never seen by {args.repeats} classifier{'' if args.repeats == 1 else 's'}"
    print(f"{len(found.ids)} pictures, {never}: {recognised:.2f}% recognised → {out}")
