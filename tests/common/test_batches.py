import pytest
import torch

from unlearn_core.common.batches import in_batches
from unlearn_core.errors import UserError


def test_everything_is_done_once_and_in_order() -> None:
    assert [list(range(10))[part] for part in in_batches(lambda part: part, 10, 4)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]


def test_the_size_is_halved_where_the_allocator_has_no_memory() -> None:
    def work(part: slice) -> int:
        size = part.stop - part.start
        torch.empty(2**50 if size > 3 else 0)
        return size

    assert list(in_batches(work, 10, 8)) == [2, 2, 2, 2, 2]


def test_where_not_one_item_fits_it_says_so() -> None:
    with pytest.raises(UserError, match="not enough memory for a single picture"):
        list(in_batches(lambda part: torch.empty(2**50), 4, 2))


def test_other_faults_pass_through() -> None:
    with pytest.raises(RuntimeError, match="size of tensor"):
        list(in_batches(lambda part: torch.ones(2) + torch.ones(3), 4, 2))
