"""A run that does not end, and waiting for what other processes do."""

import time
from collections.abc import Callable

from unlearn_core.store.request import ForgetRequest

PATIENCE = 600.0
"""Seconds."""
# NegGrad with steps this small forgets nothing for as long as one likes.
ENDLESS = ForgetRequest(pick="random:4", method="neggrad", options={"learning_rate": 1e-6}, max_steps=100_000)


def wait_until(true: Callable[[], bool]) -> None:
    """Return once the condition holds; fail after `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
