"""Work in batches that shrink when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.errors import UserError

Done = TypeVar("Done")

OUT_OF_MEMORY = (MemoryError, RuntimeError)
"""What running out of memory may raise; `is_out_of_memory` tells it from other faults."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out; the CPU's and Apple's allocators have no own type."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return "can't allocate memory" in text or "out of memory" in text


def in_batches(work: Callable[[slice], Done], count: int, size: int) -> Iterator[Done]:
    """Yield `work` of one slice of `count` items after another, each of `size` items or fewer.

    When memory runs out the size is halved and the slice tried again; where not even one item fits,
    `UserError` is raised.
    """
    start = 0
    while start < count:
        part = slice(start, min(start + size, count))
        try:
            done = work(part)
        except OUT_OF_MEMORY as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                raise UserError("There is not enough memory for a single picture.") from error
            size //= 2
            continue
        yield done
        start = part.stop


def batches_in(count: int, size: int) -> int:
    """Return how many batches of at most `size` it takes for `count`."""
    return -(-count // size)


def draw(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Return `size` different positions out of `count` in random order; all of them in order if they fit."""
    if count <= size:
        return torch.arange(count)
    return torch.randperm(count, generator=generator)[:size]
