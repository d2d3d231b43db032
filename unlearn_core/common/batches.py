"""Batches that shrink when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.errors import UserError

Done = TypeVar("Done")

OUT_OF_MEMORY = (MemoryError, RuntimeError)
"""Exceptions that running out of memory may raise; see `is_out_of_memory`."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means out of memory; the CPU's and Apple's allocators have no type for it."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return "can't allocate memory" in text or "out of memory" in text


def in_batches(work: Callable[[slice], Done], count: int, size: int) -> Iterator[Done]:
    """Yield `work(part)` for consecutive slices of `count` items, each of at most `size` items.

    When memory runs out, the size is halved and the slice repeated; if a single item does not fit,
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
    """Return the number of batches of at most `size` items for `count` items."""
    return -(-count // size)


def in_turn(count: int, size: int, step: int) -> Tensor:
    """Return the positions of batch number `step`, from 0, of endless passes over `count` items in order.

    The last batch of a pass may be smaller.
    """
    return torch.arange(count).split(size)[step % batches_in(count, size)]


def draw(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Return `size` different positions below `count` in random order; all of them in order if they fit."""
    if count <= size:
        return torch.arange(count)
    return torch.randperm(count, generator=generator)[:size]
