"""What a caller has set for the whole process neither changes a result nor is changed by a call."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from unlearn_core.common.devices import ACCELERATORS
from unlearn_core.common.lazy_torch import torch


@contextmanager
def usual_surroundings() -> Iterator[None]:
    """Work with the settings that torch and NumPy begin with, and with random numbers of seed 0.

    Afterwards all is as before. Gradients are calculated, and tensors are float32 on the CPU, by default;
    deterministic algorithms, autocast and the search for NaN in gradients are off; warnings and overflows are
    no errors. The number of threads and the precision of kernels stay the caller's choice.

    It can also decorate a function. Where torch is not loaded, nothing is calculated: random numbers are then
    left alone.
    """
    with ExitStack() as stack:
        stack.enter_context(np.errstate(all="warn", under="ignore"))
        _allow_warnings(stack)
        if "torch" in sys.modules:
            _draw_the_same(stack)
            _calculate_as_usual(stack)
        yield


def _allow_warnings(stack: ExitStack) -> None:
    if any(rule[0] == "error" for rule in warnings.filters):
        stack.enter_context(warnings.catch_warnings())
        rules = [("default" if rule[0] == "error" else rule[0], *rule[1:]) for rule in warnings.filters]
        warnings.resetwarnings()
        warnings.filters[:] = rules  # type: ignore[index]


def _draw_the_same(stack: ExitStack) -> None:
    stack.callback(random.setstate, random.getstate())
    stack.callback(np.random.set_state, np.random.get_state())
    # Only of a GPU that is in use: asking for the state of another would load its driver.
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    stack.enter_context(torch.random.fork_rng(devices=gpus))
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def _calculate_as_usual(stack: ExitStack) -> None:
    stack.enter_context(torch.inference_mode(False))
    stack.enter_context(torch.enable_grad())
    stack.enter_context(torch.autograd.set_detect_anomaly(False))
    stack.callback(torch.set_default_dtype, torch.get_default_dtype())
    torch.set_default_dtype(torch.float32)
    # Each of these costs time at every operation, or to be set.
    if torch.get_default_device().type != "cpu":
        stack.enter_context(torch.device("cpu"))
    if torch.are_deterministic_algorithms_enabled():
        only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
        stack.callback(torch.use_deterministic_algorithms, True, warn_only=only_warns)
        torch.use_deterministic_algorithms(False)
    for kind in ("cpu", *ACCELERATORS):
        if torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))
