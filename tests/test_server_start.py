"""What a server does before its first visitor."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

HALF_IMPORTED = """
import sys, threading, time

import streamlit.web.bootstrap

import app
import plotly.graph_objects as go

late = threading.Thread(target=__import__, args=("late",))
late.start()
while "late" not in sys.modules:
    time.sleep(0.01)
from _plotly_utils import basevalidators

assert not hasattr(sys.modules["late"], "whole")
assert basevalidators.get_module("late", should_load=False).whole
assert basevalidators.get_module("never", should_load=False) is None
assert basevalidators.get_module("never") is None
late.join()
"""


def test_plotly_waits_for_what_another_thread_imports(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text("import time\ntime.sleep(2)\nwhole = True\n", encoding="utf-8")
    (tmp_path / "main.py").write_text(HALF_IMPORTED, encoding="utf-8")
    path = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(tmp_path)!r}]; import main"
    done = subprocess.run([sys.executable, "-c", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
