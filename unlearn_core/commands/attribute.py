"""The command `attribute`: writes attribution maps before and after a run."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from unlearn_core.commands.completion import complete, run_ids
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.registry import algorithm_entry, algorithms, declared_settings
from unlearn_core.measuring.attribution.request import CONTRAST, LABEL, AttributionRequest
from unlearn_core.measuring.attribution.settings import SettingValue
from unlearn_core.store.runs import open_store


def add_attribute_command(commands: Any) -> None:
    """Add the command to the parser's subcommands; its flags are those of all algorithms' settings."""
    command = commands.add_parser("attribute", help="write attribution maps before and after a run to files")
    complete(command.add_argument("id", metavar="RUN"), run_ids)
    command.add_argument("--ids", required=True, help="ids of pictures, such as 3,14")
    command.add_argument(
        "--algorithm",
        default="integrated-gradients",
        help=f"one or several, separated by commas: {', '.join(entry.name for entry in algorithms())}",
    )
    command.add_argument(
        "--target",
        default=LABEL,
        help="what the maps explain: label, new (prediction) or a class index; or a contrast, the difference "
        "of two scores: contrast (label and new prediction) or two class indices, such as 3-8",
    )
    for setting in declared_settings():
        command.add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=type(setting.default),
            help=f"{setting.allowed}. {setting.help}".replace("%", "%%"),
        )
    command.add_argument("--out", required=True, metavar="FOLDER")
    command.set_defaults(run_command=_attribute)


def _attribute(args: argparse.Namespace) -> None:
    from unlearn_core.measuring.attribution.export import write_attribution_files

    ids = [part.strip() for part in args.ids.split(",")]
    if not all(one.isdecimal() for one in ids):
        raise UserError(f"--ids takes numbers separated by commas, not {args.ids}.")
    numbers = [int(one) for one in ids]
    names = [part.strip() for part in args.algorithm.split(",")]
    values = _given(args, [algorithm_entry(name) for name in names])
    requests = [
        AttributionRequest.parse(args.id, numbers, name, args.target, algorithm_entry(name).own(values))
        for name in names
    ]
    if args.target == CONTRAST or "-" in args.target:
        for entry in (algorithm_entry(one.algorithm) for one in requests):
            if not entry.signed:
                words = "has no sign: its maps do not say for which of the two classes a pixel speaks."
                print(f"{entry.title} {words}", file=sys.stderr)
    for path in write_attribution_files(open_store().root, requests, args.out):
        print(path)


def _given(args: argparse.Namespace, chosen: Sequence[Algorithm]) -> dict[str, SettingValue]:
    """Return the settings that were given; one that no chosen algorithm has raises `UserError`."""
    values = {}
    for setting in declared_settings():
        value = getattr(args, setting.name)
        if value is None:
            continue
        values[setting.name] = setting.check(value)
        if all(setting.name not in [own.name for own in entry.settings] for entry in chosen):
            has = "has" if len(chosen) == 1 else "have"
            raise UserError(f"{', '.join(entry.name for entry in chosen)} {has} no setting {setting.name}.")
    return values
