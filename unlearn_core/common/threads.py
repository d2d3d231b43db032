"""How processes share the cores: threads hardly spin while they wait, and workers give way to the server."""

import os
from collections.abc import Mapping
from functools import cache

_PATIENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "0"}
"""For libgomp, and for Intel's and LLVM's OpenMP. Read only when torch is loaded.

libgomp spins for some microseconds, the time between two operations: a step of `anchor` on two cores takes a
quarter less than without (benchmarks/tried.md).
"""


_NICE = 10
"""With this much niceness a process gets a tenth of a core that another one wants too (Linux)."""


@cache
def give_way() -> None:
    """Let other processes calculate first, once in the life of this one; on Windows nothing is changed.

    On Linux it holds for the thread that calls it and those that it starts, such as torch's.
    """
    if hasattr(os, "nice"):
        os.nice(_NICE)


def patient_threads(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to set before torch is loaded, without those that the user has set."""
    return {name: value for name, value in _PATIENT.items() if name not in environment}
