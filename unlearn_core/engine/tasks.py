"""What workers run. Torch is imported inside, so this file stays light."""

from pathlib import Path
from typing import TypeVar

from unlearn_core.common.log import keep_log, log_event
from unlearn_core.engine.looks import LookRequest
from unlearn_core.errors import UserError

Answer = TypeVar("Answer")


def warm() -> None:
    """Import what every other task needs, so that it is loaded at the first click."""
    import unlearn_core.jobs.carry_out
    import unlearn_core.measuring.write_image_table  # noqa: F401


def forget(root: str, run_id: str, found_by: str | None = None) -> None:
    """Carry out a queued run of the store at `root`; `found_by`: with the weights of that run."""
    from unlearn_core.jobs.carry_out import run_forget
    from unlearn_core.store.runs import open_store

    keep_log()
    run_forget(open_store(Path(root)), run_id, found_by=found_by)


def look(root: str, request: LookRequest[Answer]) -> Answer:
    """Answer a request about the store at `root`."""
    from unlearn_core.common.devices import give_back_memory

    keep_log()
    try:
        return request.answer(Path(root))
    except UserError:
        raise
    except Exception as error:
        log_event("look failed", fault=error, look=type(request).__name__)
        raise
    finally:
        give_back_memory()
