"""Every method and every look on a device that is not the CPU."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_everything_works_on_a_device() -> None:
    tests = Path(__file__).with_name("on_a_device.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", str(tests)]
    done = subprocess.run(command, cwd=tests.parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
