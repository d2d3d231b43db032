"""A file of tensors that cannot be written is an error of the system, as with any other file."""

import errno
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from unlearn_core.common.tensor_files import writing_tensors

TENSORS = {"weight": np.arange(3.0)}


def test_what_the_system_refuses_is_its_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as raised, writing_tensors():
        save_file(TENSORS, tmp_path / "missing" / "weights.safetensors")
    assert raised.value.errno == errno.ENOENT


def test_other_errors_stay(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    with writing_tensors():
        save_file(TENSORS, file)
    file.write_bytes(b"damaged")
    with pytest.raises(SafetensorError), writing_tensors():
        load_file(file)
