"""What workers run. Torch is imported inside, so this file stays light."""

import logging
from functools import cache
from pathlib import Path
from typing import TypeVar

from unlearn_core.artifacts.look_alikes import LookAlikes
from unlearn_core.common.lasting_imports import lasting_imports
from unlearn_core.common.log import keep_log, log_event
from unlearn_core.common.threads import give_way
from unlearn_core.engine.looks import LookRequest
from unlearn_core.errors import UserError, first_line
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.wanted import Wanted

Answer = TypeVar("Answer")


def _is_fault(record: logging.LogRecord) -> bool:
    return "UserError(" not in record.getMessage()


# Dask would print a traceback for each sentence about what somebody entered.
logging.getLogger("distributed.worker").addFilter(_is_fault)


def warm() -> None:
    """Import what every other task needs, so that it is loaded at the first click."""
    with lasting_imports():
        _begin()
        import unlearn_core.jobs.carry_out
        import unlearn_core.measuring.write_image_table  # noqa: F401


def warm_optimiser() -> None:
    """Import what torch loads at the first optimiser of a process, which takes it two seconds."""
    with lasting_imports():
        _begin()
        import torch._dynamo  # noqa: F401


def _begin() -> None:
    """Prepare this process, at its first task: pages of the server come first, and torch is loaded.

    Raises `UserError` where torch cannot be loaded.
    """
    keep_log()
    give_way()
    why = _why_no_torch()
    if why:
        raise UserError(f"PyTorch cannot be loaded: {why}. Often the memory is limited, as by `ulimit -v`.")


@cache
def _why_no_torch() -> str:
    """Return why torch cannot be loaded, else ""; a process can try it only once."""
    try:
        import torch  # noqa: F401
    except (ImportError, OSError, MemoryError) as error:
        return first_line(error)
    return ""


def forget(root: str, run_id: str, found_by: str | None = None) -> None:
    """Carry out a queued run of the store at `root`; `found_by`: with the weights of that run."""
    _begin()
    from unlearn_core.jobs.carry_out import run_forget
    from unlearn_core.store.runs import open_store

    run_forget(open_store(Path(root)), run_id, found_by=found_by)


def prepare(root: str, request: ForgetRequest, wanted: Wanted) -> LookAlikes | None:
    """Prepare a run of a request that may follow, as long as that is wanted.

    What fails here fails in the run too, which tells it.
    """
    try:
        _begin()
        from unlearn_core.jobs.prepare_ahead import prepare_ahead
        from unlearn_core.store.runs import open_store

        return prepare_ahead(open_store(Path(root)), request, wanted.waiting)
    except UserError:
        raise
    except Exception as error:
        log_event("preparation failed", fault=error)
        return None
    finally:
        wanted.end()


def look(root: str, request: LookRequest[Answer]) -> Answer:
    """Answer a request about the store at `root`."""
    _begin()
    from unlearn_core.common.devices import give_back_memory

    try:
        return request.answer(Path(root))
    except UserError:
        raise
    except Exception as error:
        log_event("look failed", fault=error, look=type(request).__name__)
        raise
    finally:
        give_back_memory()
