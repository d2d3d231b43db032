"""The command `app`: opens the app, with the options of `streamlit run`."""

import argparse
import contextlib
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

from unlearn_core.catalog.untrusted.uploads import most_bytes
from unlearn_core.common.home import home
from unlearn_core.common.log import keep_log
from unlearn_core.common.quotas import check_quotas
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

_BESIDE = Path(__file__).parents[2]
_PLACES = (_BESIDE / "unlearn_lens_app" / "app.py", _BESIDE / "app.py")
"""Path of the app in an installed package, and in a checkout."""

_LAST_PORT = 65535


def add_app_command(commands: Any) -> None:
    """Add the command to the parser's subcommands; unknown options are passed to `streamlit run`."""
    command = commands.add_parser(
        "app",
        help="open the app in the browser",
        epilog="Further options are those of `streamlit run`, such as --server.address 0.0.0.0.",
    )
    command.add_argument(
        "--port", type=int, default=os.environ.get("PORT") or "8501", help="default: PORT, else 8501"
    )
    command.set_defaults(run_command=_open_app, further=[])


def streamlit_arguments(port: int, further: list[str]) -> list[str]:
    """Return the arguments of `streamlit` that open the app; the last one of a repeated option counts.

    Raises `UserError` if this installation has no app, and for a port that cannot be.
    """
    if not 1 <= port <= _LAST_PORT:
        raise UserError(f"There is no port {port}: choose one from 1 to {_LAST_PORT}.")
    app = next((place for place in _PLACES if place.is_file()), None)
    if app is None:
        raise UserError("The app is not part of this installation: install it with `pip install .`.")
    # An uploader refuses at once what the server would refuse after the transfer.
    smaller = ["--server.maxUploadSize", str(most_bytes() // 2**20)] if is_shared() else []
    return ["run", str(app), "--server.port", str(port), *smaller, *further]


def _open_app(args: argparse.Namespace) -> None:
    """Run `streamlit run app.py` in this process, so that signals reach the server itself."""
    keep_log()
    check_quotas()
    _make_do_in_containers()
    sys.argv = ["streamlit", *streamlit_arguments(args.port, args.further)]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _make_do_in_containers() -> None:
    """Use folders in `UNLEARN_HOME` where the user has no home and the system no temporary folder."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(home())
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        os.environ["TMPDIR"] = str(home() / "tmp")
        with contextlib.suppress(OSError):  # The first page says so.
            (home() / "tmp").mkdir(parents=True, exist_ok=True)
