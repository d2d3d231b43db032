import pytest
import torch

from tests.forgetting.tiny import options, tiny_task
from unlearn_core.forgetting import picture_store
from unlearn_core.forgetting.methods.adv import Adv
from unlearn_core.forgetting.methods.anchor import Anchor
from unlearn_core.forgetting.picture_store import PictureStore

CPU = torch.device("cpu")


@pytest.mark.parametrize("room", [0, 2**20], ids=["file", "memory"])
def test_what_is_put_is_taken(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_store, "IN_MEMORY", room)
    pictures = torch.rand(7, 3, 4, 4)
    store = PictureStore(7, (3, 4, 4), CPU)
    store.put(4, pictures[4:])
    store.put(0, pictures[:4].contiguous(memory_format=torch.channels_last))
    assert torch.equal(store.take(torch.tensor([6, 0, 6])), pictures[[6, 0, 6]])
    assert torch.equal(torch.cat(list(store.batches(3))), pictures)
    assert len(store) == 7


@pytest.mark.parametrize(("method", "name"), [(Adv, "adv"), (Anchor, "anchor")])
def test_a_method_makes_the_same_pictures_in_memory_and_in_a_file(
    method: type[Adv] | type[Anchor], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for room in (0, 2**20):
        monkeypatch.setattr(picture_store, "IN_MEMORY", room)
        task = tiny_task(2)
        one = method(options(name, examples=8))
        one.prepare(task)
        made.append(one.losses(task).total)
    assert torch.equal(*made)
