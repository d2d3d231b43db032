"""Threads that hardly spin while they wait: processes on the same cores do not slow each other down."""

from collections.abc import Mapping

_PATIENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "0"}
"""For libgomp, and for Intel's and LLVM's OpenMP. Read only when torch is loaded.

libgomp spins for some microseconds, the time between two operations: a step of `anchor` on two cores takes a
quarter less than without (benchmarks/tried.md).
"""


def patient_threads(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to set before torch is loaded, without those that the user has set."""
    return {name: value for name, value in _PATIENT.items() if name not in environment}
