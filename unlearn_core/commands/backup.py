"""The commands `backup` and `restore`."""

import argparse
import os
from pathlib import Path
from typing import Any

from unlearn_core.common.counted import counted
from unlearn_core.common.home import home
from unlearn_core.errors import UserError
from unlearn_core.store.backup import restore_backup, write_backup
from unlearn_core.store.database import DATABASE
from unlearn_core.store.restore import run_folders
from unlearn_core.store.runs import open_store

_SHOWN = 5


def add_backup_commands(commands: Any) -> None:
    """Add both commands to the parser's subcommands."""
    backup = commands.add_parser(
        "backup", help="write all runs that have ended, and what was added, to one file"
    )
    backup.add_argument("file", type=Path, help="a new file, such as monday.tar.gz")
    backup.set_defaults(run_command=_back_up)
    restore = commands.add_parser("restore", help="put a backup back into an empty UNLEARN_HOME")
    restore.add_argument("file", type=Path)
    restore.set_defaults(run_command=_restore)


def _back_up(args: argparse.Namespace) -> None:
    if not os.access(home() / DATABASE, os.F_OK) and not run_folders(home() / "runs"):
        raise UserError(f"There are no runs in {home()}.")
    open_store().mark_interrupted()
    done = write_backup(home(), args.file)
    print(f"{args.file}: {counted(done.runs, 'run')}, {args.file.stat().st_size / 1e6:.1f} MB")
    if done.left_out:
        print(f"{counted(done.left_out, 'run')} not in the backup: under way, changed meanwhile or not whole")
    if done.unread:
        more = f" and {len(done.unread) - _SHOWN} more" if len(done.unread) > _SHOWN else ""
        print(
            f"Not read, for lack of rights or because it is a link: {', '.join(done.unread[:_SHOWN])}{more}"
        )


def _restore(args: argparse.Namespace) -> None:
    print(f"{home()}: {counted(restore_backup(home(), args.file), 'run')}")
