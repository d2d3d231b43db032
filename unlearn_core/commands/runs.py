"""The commands `runs` and `compare`."""

import argparse
import json
import sys
from datetime import datetime
from typing import Any

from unlearn_core.commands.completion import complete, run_ids
from unlearn_core.store.news import take_news
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import open_store


def add_compare_command(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    command = commands.add_parser("compare", help="compare two to six runs")
    complete(command.add_argument("ids", nargs="+", metavar="RUN"), run_ids)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run_command=_compare)


def add_runs_command(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    runs = commands.add_parser("runs", help="list, show and delete runs")
    actions = runs.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="one line per run, the newest first")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run_command=_list_runs)
    show = actions.add_parser("show", help="one run as a JSON object")
    complete(show.add_argument("id"), run_ids)
    show.set_defaults(run_command=_show_run)
    resume = actions.add_parser("resume", help="carry on an interrupted run where it was interrupted")
    complete(resume.add_argument("id"), run_ids)
    resume.add_argument("--json", action="store_true")
    resume.set_defaults(run_command=_resume_run)
    delete = actions.add_parser("delete", help="remove a run and its files")
    complete(delete.add_argument("id"), run_ids)
    delete.set_defaults(run_command=lambda args: open_store().delete(args.id))


def _as_object(run: Run) -> dict[str, object]:
    result = run.parsed_result()
    return {
        **run.model_dump(mode="json", exclude={"request", "result", "owner", "checksum"}),
        "request": None if run.state == RunState.DAMAGED else run.parsed_request().model_dump(),
        "result": None if result is None else result.to_json(),
    }


def _list_runs(args: argparse.Namespace) -> None:
    store = open_store()
    store.mark_interrupted()
    for sentence in take_news(store.root):
        print(sentence, file=sys.stderr)
    runs = store.runs()
    if args.json:
        print(json.dumps([_as_object(run) for run in runs]))
        return
    for run in runs:
        print(f"{run.id}  {RunState(run.state):12}{_local(run.created)}  {run.name}")


def _local(moment: datetime | None) -> str:
    """Return a moment in this machine's time zone, with its offset from UTC."""
    if moment is None:
        return f"{'at an unknown time':23}"
    local = moment.astimezone()
    return f"{local:%Y-%m-%d %H:%M} {local.isoformat()[-6:]}"


def _show_run(args: argparse.Namespace) -> None:
    print(json.dumps(_as_object(open_store().get(args.id)), indent=2))


def _resume_run(args: argparse.Namespace) -> int:
    from unlearn_core.commands.forget import carry_out_here

    store = open_store()
    store.mark_interrupted()
    return carry_out_here(store, store.queue_again(args.id), args.json)


def _compare(args: argparse.Namespace) -> None:
    from unlearn_core.store.compare_runs import compare

    found = compare(open_store(), args.ids)
    if args.json:
        print(json.dumps(found.model_dump(), allow_nan=False))
        return
    for line in found.runs:
        shares = [
            f"{title} {'–' if share is None else f'{share:.2f}%'}"
            for title, share in (
                ("D_f", line.accuracy.forget),
                ("D_r", line.accuracy.retain),
                ("D_test", line.accuracy.test),
            )
        ]
        print(f"{line.run}  {line.method:16}{'  '.join(shares)}  {line.steps} steps")
