"""The command `health`: how a server is doing, with an exit code for monitoring."""

import argparse
import json
from typing import Any


def add_health_command(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    command = commands.add_parser(
        "health",
        help="devices, queue, memory, disk, store and versions; exit code 1 for a problem",
        epilog="It needs no running server, and does not disturb one.",
    )
    command.add_argument("--url", help="also ask the server there, such as http://localhost:8501")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run_command=_health)


def _health(args: argparse.Namespace) -> int:
    from unlearn_core.store.health import health

    facts = health(args.url)
    if args.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            if name not in ("ok", "problems"):
                print(f"{name:10}{_line(value)}")
        print("\n".join(facts["problems"]) or "No problems.")
    return int(not facts["ok"])


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_line(one)}" for key, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
