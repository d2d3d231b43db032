"""What other packages bring through Python's entry points, beside what ships."""

import logging
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar

from unlearn_core.errors import first_line

Taken = TypeVar("Taken")
_log = logging.getLogger(__name__)


def shipped_and_installed(
    package: str, shipped: Iterable[str], group: str, take: Callable[[Any, list[Taken]], Taken]
) -> tuple[Taken, ...]:
    """Return what ships and what other packages bring.

    Args:
        package: where the modules lie that ship.
        shipped: `MODULE:NAME` of each object that ships.
        group: of the entry points of other packages.
        take: is given each object and what was taken before; raises where it cannot be used.
    """
    found: list[Taken] = []
    for where in shipped:
        module, _, name = where.partition(":")
        found.append(take(getattr(import_module(f"{package}.{module}"), name), found))
    for point in entry_points(group=group):
        try:
            found.append(take(point.load(), found))
        # Code of another package may fail in any way, and all others go on; sys.exit would end them all.
        except (Exception, SystemExit) as error:
            package_name = point.dist.name if point.dist else "another package"
            why = f"{type(error).__name__}: {first_line(error)}"
            _log.warning("%s (%s) of %s is left out: %s.", point.name, point.value, package_name, why)
            _log.debug("Where it failed:", exc_info=True)
    return tuple(found)
