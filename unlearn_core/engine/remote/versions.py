"""Whether server and worker fit together: they exchange pickles of this project's objects."""

import sys
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import unlearn_core
from unlearn_core.errors import UserError

PROJECT = "Unlearn Lens"


def versions() -> dict[str, str]:
    """Return the versions that must be the same on both sides, by name; results depend on torch's."""
    return {
        PROJECT: f"{unlearn_core.__version__} (source {_digest_of_source()})",
        "Python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "Dask": _installed("distributed"),
        "PyTorch": _installed("torch"),
    }


def refuse_others(theirs: Mapping[str, str]) -> None:
    """Raise `UserError` with one sentence if this worker has other versions than a server's `versions`."""
    for name, own in versions().items():
        if theirs.get(name) != own:
            raise UserError(
                f"A worker of the cluster has {name} {own}, this server {theirs.get(name)}: "
                "install the same version on both."
            )


def _installed(package: str) -> str:
    """Return the version of a package without what it was built for, such as `+cu128`."""
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return "none"


@cache
def _digest_of_source() -> str:
    """Return a digest of this package's code: between two releases the version does not tell."""
    folder = Path(unlearn_core.__file__).parent
    digest = sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]
