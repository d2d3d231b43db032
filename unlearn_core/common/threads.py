"""Threads that wait without spinning, so that processes on the same cores do not slow each other down."""

from collections.abc import Mapping

_PATIENT = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
"""For libgomp, and for Intel's and LLVM's OpenMP. Read only when torch is loaded."""


def patient_threads(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to set before torch is loaded, without those that the user has set."""
    return {name: value for name, value in _PATIENT.items() if name not in environment}
