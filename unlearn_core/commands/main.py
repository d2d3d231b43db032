"""The command line: progress on stderr, results on stdout, exit code 2 for a `UserError`."""

import argparse
import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import argcomplete
from rich_argparse import RichHelpFormatter

from unlearn_core import __version__
from unlearn_core.commands.add import add_custom_commands, add_data_dir
from unlearn_core.commands.app import add_app_command
from unlearn_core.commands.attribute import add_attribute_command
from unlearn_core.commands.backup import add_backup_commands
from unlearn_core.commands.catalog import add_catalog_command
from unlearn_core.commands.forget import add_forget_command
from unlearn_core.commands.health import add_health_command
from unlearn_core.commands.match import add_match_command
from unlearn_core.commands.reference import add_reference_command
from unlearn_core.commands.runs import add_compare_command, add_runs_command
from unlearn_core.common.home import keep_new_files_private
from unlearn_core.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0, 1 if `health` found a problem, 2 for a `UserError`, 130 if cancelled, 141 if the reader of its output
    left, as `head` does.
    """
    for stream in (sys.stdout, sys.stderr):
        # A character that the console cannot encode becomes a question mark instead of an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    parser = _parser()
    argcomplete.autocomplete(parser)
    args, further = parser.parse_known_args(arguments)
    if further and "further" not in args:
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    args.further = further
    if getattr(args, "data_dir", None):
        os.environ["UNLEARN_DATA_DIR"] = args.data_dir
    if not getattr(args, "out", None):
        # What a person asked for by --out is theirs to share.
        keep_new_files_private()
    if not sys.warnoptions:
        # Warnings of libraries about a file do not help its user.
        warnings.simplefilter("ignore")
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    try:
        _check_text(sys.argv[1:] if arguments is None else arguments)
        code = int(args.run_command(args) or 0)
        sys.stdout.flush()
    except UserError as error:
        print(f"unlearn_core: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # What is left in the buffer would fail again at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _check_text(arguments: Sequence[str]) -> None:
    """Raise `UserError` for an argument whose bytes are not text: it cannot be stored with a run."""
    for one in arguments:
        try:
            one.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"The argument {os.fsencode(one)!r} is not text in UTF-8.") from error


class _HelpFormatter(RichHelpFormatter):
    """Help in colours where the terminal has them; square brackets are text, not markup."""

    group_name_formatter = str
    help_markup = text_markup = False


class _Parser(argparse.ArgumentParser):
    """A parser whose subcommands share its help formatter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_HelpFormatter, **options)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m unlearn_core", description="See a classifier forget.")
    parser.add_argument("--version", action="version", version=f"unlearn_core {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_forget_command(commands)
    add_app_command(commands)
    add_health_command(commands)
    add_catalog_command(commands)
    add_custom_commands(commands)
    add_match_command(commands)
    add_runs_command(commands)
    add_compare_command(commands)
    add_backup_commands(commands)
    add_attribute_command(commands)
    train = commands.add_parser("train", help="retrain a shipped classifier")
    train.add_argument("classifier", help="its name in the catalog")
    train.add_argument("--images", default="mnist", help="the image set to train on")
    add_data_dir(train)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--out", help="file for the weights; by default the shipped ones are overwritten")
    train.set_defaults(run_command=_train)
    add_reference_command(commands)
    return parser


def _train(args: argparse.Namespace) -> None:
    from pathlib import Path

    from unlearn_core.commands.out_file import writable
    from unlearn_core.commands.train import train_shipped

    out = None if args.out is None else writable(Path(args.out), ".safetensors")
    print(train_shipped(args.classifier, args.images, args.seed, out))
