"""Threads that wait without spinning, so that two processes on the same cores do not hold each other up."""

from collections.abc import Mapping

_PATIENT = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
"""For libgomp, and for Intel's and LLVM's OpenMP. Read when torch is loaded, and never again."""


def patient_threads(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to set before torch is loaded; what the user has set stays as it is."""
    return {name: value for name, value in _PATIENT.items() if name not in environment}
