"""The coded snapshots: small, near, and one sentence where a file is damaged."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from unlearn_core.errors import UserError
from unlearn_core.store.snapshots import SnapshotWriter, interpolated, read_snapshots


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(200, 300), nn.BatchNorm1d(300), nn.Linear(300, 10))


def walk(module: nn.Module, size: float) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(size * torch.randn(parameter.shape))


def test_forty_snapshots_are_near_and_cost_less_than_three_copies(tmp_path: Path) -> None:
    module = network()
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    writer = SnapshotWriter(tmp_path / "snapshots", start)
    kept = []
    for step in range(40):
        walk(module, 1e-3)
        writer.write(step, module)
        kept.append({name: tensor.clone() for name, tensor in module.state_dict().items()})
    save_file(module.state_dict(), tmp_path / "copy.safetensors")
    size = sum(file.stat().st_size for file in (tmp_path / "snapshots").iterdir())
    assert size < 3 * (tmp_path / "copy.safetensors").stat().st_size
    for (step, weights), expected in zip(read_snapshots(tmp_path / "snapshots", start), kept, strict=True):
        name = "0.weight"
        moved = (expected[name] - start[name]).norm()
        assert (weights[name] - expected[name]).norm() < 0.6 * moved, step
    assert (weights[name] - expected[name]).norm() < 0.1 * moved


def test_steps_of_one_size_and_none_are_exact(tmp_path: Path) -> None:
    module = nn.Linear(30, 20)
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    writer = SnapshotWriter(tmp_path, start)
    writer.write(0, module)
    with torch.no_grad():
        module.weight += 1e-3 * torch.randn(20, 30).sign()
    writer.write(12, module)
    (first, at_start), (second, at_end) = read_snapshots(tmp_path, start)
    assert (first, second) == (0, 12)
    assert torch.equal(at_start["weight"], start["weight"])
    torch.testing.assert_close(at_end["weight"], module.weight.detach())
    assert torch.equal(at_end["bias"], start["bias"])


def test_a_snapshot_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    arrays = {"code.weight": np.array([[1, -2]], np.int8), "scale.weight": np.array(0.5, np.float32)}
    np.savez_compressed(tmp_path / "1.npz", **arrays)  # type: ignore[arg-type]
    ((step, weights),) = read_snapshots(tmp_path, {"weight": torch.ones(1, 2), "bias": torch.ones(1)})
    assert step == 1
    assert weights["weight"].tolist() == [[1.5, 0.0]]
    assert weights["bias"].tolist() == [1.0]


def test_a_damaged_snapshot_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "3.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UserError, match="step 3 is damaged"):
        list(read_snapshots(tmp_path, {}))


def test_one_weight_that_moves_far_is_caught_up_with(tmp_path: Path) -> None:
    """A difference is coded by -127 to 127: what is left of it comes with the next snapshots."""
    module = nn.Linear(300, 300)
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    writer = SnapshotWriter(tmp_path, start)
    with torch.no_grad():
        module.weight += 1e-4 * torch.randn(300, 300)
        module.weight[0, 0] += 100.0
    for step in range(4):
        writer.write(step, module)
    *_, (_, last) = read_snapshots(tmp_path, start)
    assert last["weight"][0, 0].item() == pytest.approx(module.weight[0, 0].item(), abs=0.5)


def test_snapshots_are_read_in_the_order_of_their_steps(tmp_path: Path) -> None:
    module = network()
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    writer = SnapshotWriter(tmp_path, start)
    for step in (0, 2, 10):
        walk(module, 1e-3)
        writer.write(step, module)
    assert [step for step, _ in read_snapshots(tmp_path, start)] == [0, 2, 10]


def test_interpolation_goes_from_before_to_after_and_takes_counters_from_after() -> None:
    before = {"weight": torch.tensor([0.0, 4.0]), "batches": torch.tensor(3)}
    after = {"weight": torch.tensor([1.0, 0.0]), "batches": torch.tensor(7)}
    found = interpolated(before, after, 0.25)
    assert found["weight"].tolist() == [0.25, 3.0]
    assert found["batches"].item() == 7


def test_beyond_the_end_a_variance_keeps_a_tenth_of_the_smaller_end() -> None:
    before = {"0.running_var": torch.tensor([4.0, 1.0]), "0.running_mean": torch.tensor([4.0, 1.0])}
    after = {"0.running_var": torch.tensor([1.0, 2.0]), "0.running_mean": torch.tensor([1.0, 2.0])}
    found = interpolated(before, after, 1.5)
    assert found["0.running_mean"].tolist() == [-0.5, 2.5]
    assert found["0.running_var"].tolist() == pytest.approx([0.1, 2.5])
