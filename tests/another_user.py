"""Starts Python as another user of this machine, where this process may."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

CODE = Path(__file__).parents[1]
_NOBODY = "nobody"


@dataclass(frozen=True)
class User:
    """A user by name, None for that of this process, and a Python that they may run."""

    name: str | None
    python: str

    def start(
        self,
        arguments: list[str],
        folder: Path,
        environment: Mapping[str, str],
        output: IO[Any] | int,
        code: Path = CODE,
    ) -> subprocess.Popen[str]:
        """Start Python in a folder, with this project's code and packages and no other environment."""
        return subprocess.Popen(
            [self.python, *arguments],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PYTHONPATH": os.pathsep.join([str(code), sysconfig.get_path("purelib")]),
                "OMP_NUM_THREADS": "1",
                **environment,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            user=self.name,
            extra_groups=None if self.name is None else [],
        )

    def own(self, folder: Path) -> None:
        """Make this user the owner of a folder and all that is in it."""
        if self.name is not None:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, self.name)


THIS = User(None, sys.executable)


@cache
def another_user() -> User | None:
    """Return a user without rights who can run this project; None without the right to become one."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    usual = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, usual):
        user = User(_NOBODY, python)
        try:
            tried = user.start(["-c", "import distributed, unlearn_core"], Path("/"), {}, subprocess.DEVNULL)
        except OSError:
            continue
        if tried.wait() == 0:
            return user
    return None
