"""The command line's `app`: opens the app, of this checkout or of the installed package."""

import argparse
import os
import runpy
import sys
from pathlib import Path
from typing import Any

from unlearn_core.common.sharing import is_shared

_ROOT = Path(__file__).parents[2]
# Others send at most as much as catalog/untrusted/uploads.py takes from them.
_SHARED = ("--server.maxUploadSize", "200")


def add_app_command(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    app = commands.add_parser("app", help="open the app in a browser")
    app.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8501")))
    app.add_argument("streamlit", nargs="*", metavar="-- OPTIONS", help="options of `streamlit run`")
    app.set_defaults(run_command=_open)


def app_file() -> Path:
    """Return app.py: in a wheel it lies in a folder of its own, in a checkout at the top."""
    installed = _ROOT / "unlearn_lens_app" / "app.py"
    return installed if installed.exists() else _ROOT / "app.py"


def _open(args: argparse.Namespace) -> None:
    sys.argv = ["streamlit", "run", str(app_file()), "--server.port", str(args.port)]
    sys.argv += [*(_SHARED if is_shared() else ()), *args.streamlit]
    # In this process: whoever ends it ends the server.
    runpy.run_module("streamlit", run_name="__main__")
