"""Tensors of untrusted checkpoint files: no code of a file is ever run."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from unlearn_core.catalog.untrusted.archives import members
from unlearn_core.catalog.untrusted.guard import guarded, limits_of_checkpoint
from unlearn_core.catalog.untrusted.lfs_pointers import POINTER_BYTES, refuse_pointer
from unlearn_core.common.batches import is_out_of_memory
from unlearn_core.errors import UserError, no_such_file

MOST_BYTES = 8 * 2**30
MOST_ENTRIES = 200_000
_TOO_MANY = f"{{}} has more than {MOST_ENTRIES:,} entries: too many for a classifier."
_PART = re.compile(r"-\d{5}-of-(\d{5})(?!\d)")
_DEEPEST = 4
_SHOWN = 3
_LONGEST_NAME, _SHOWN_OF_NAME, _MOST_AXES = 500, 60, 6

_HARMLESS = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    *(f"pathlib{inside}.{name}" for inside in ("", "._local") for name in ("PosixPath", "WindowsPath")),
    *(f"pathlib{inside}.Pure{name}" for inside in ("", "._local") for name in ("PosixPath", "WindowsPath")),
    *(
        f"numpy.{inside}.multiarray.{name}"
        for inside in ("core", "_core")
        for name in ("scalar", "_reconstruct")
    ),
    "numpy.dtype",
    "numpy.ndarray",
    "datetime.datetime",
    "datetime.date",
    "datetime.timedelta",
    "datetime.timezone",
    "torch.torch_version.TorchVersion",
    *(f"builtins.{name}" for name in ("frozenset", "range", "slice")),
    "uuid.UUID",
    "decimal.Decimal",
)
"""What training scripts save beside the weights; read as a `Stand`, whatever stands behind the name."""


class Stand:
    """Stands for an object of a harmless type that a file has beside its tensors; nothing of it is kept."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file.

    Attributes:
        tensors: by dotted name, in the order of the file.
        unread: dotted names of harmless objects that are not tensors.
    """

    tensors: dict[str, Tensor]
    unread: tuple[str, ...] = ()


def read_checkpoint(path: Path) -> Checkpoint:
    """Return every tensor of a safetensors file or torch checkpoint.

    Raises:
        UserError: no such file, too large, damaged, a part, TorchScript, or a pickle that would run code.
    """
    if not path.is_file():
        raise no_such_file(path)
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path.name} is larger than {MOST_BYTES // 2**30} GB.")
    with path.open("rb") as file:
        head = file.read(POINTER_BYTES)
    refuse_pointer(head, path.name)
    part = _PART.search(path.name)
    if part and int(part[1]) > 1:
        raise UserError(f"{path.name} is one of {int(part[1])} parts: put the tensors of all in one file.")
    if head[8:9] == b"{":
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            raise UserError(f"{path.name} is a damaged safetensors file.") from error
        return Checkpoint(_within_limits(path, tensors))
    if head[:2] == b"PK":
        _check_archive(path)
    # Dictionaries may contain each other repeatedly: a small file can expand without end.
    content = _load(path)
    if isinstance(content, (tuple, list)):
        content = dict(enumerate(content))
    entries = list(islice(_entries(content, "", _DEEPEST), MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES:
        raise UserError(_TOO_MANY.format(path.name))
    tensors = {name: value.detach() for name, value in entries if isinstance(value, Tensor)}
    if not tensors:
        raise UserError(f"{path.name} contains no tensors.")
    unread = tuple(name for name, value in entries if isinstance(value, Stand))
    return Checkpoint(_within_limits(path, tensors), unread)


def _within_limits(path: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors; too many, or a name as long as no layer's, raise `UserError`."""
    if len(tensors) > MOST_ENTRIES:
        raise UserError(_TOO_MANY.format(path.name))
    longest = max(map(len, tensors), default=0)
    if longest > _LONGEST_NAME:
        raise UserError(
            f"{path.name} has a tensor whose name is {longest:,} characters long: "
            f"{_LONGEST_NAME} are the maximum."
        )
    return tensors


def check_checkpoint(path: Path) -> None:
    """Read an untrusted file once in a process with limits, so that reading it here is safe.

    Raises `UserError` like `read_checkpoint`, and where a limit was reached.
    """
    if not path.is_file():
        raise no_such_file(path)
    guarded(path.name, limits_of_checkpoint(path), read_and_forget, path)


def read_and_forget(path: Path) -> None:
    """Do what `check_checkpoint` does, in the guarded process."""
    read_checkpoint(path)


def _check_archive(path: Path) -> None:
    """Refuse TorchScript, which is code, and compressed archives."""
    found = members(path)
    if any("/code/" in f"/{member.filename}" or "constants.pkl" in member.filename for member in found):
        raise UserError(f"{path.name} is TorchScript, which contains code: save model.state_dict() instead.")
    # Each tensor is a member, and torch needs minutes for as many as an archive can list.
    if len(found) > MOST_ENTRIES:
        raise UserError(_TOO_MANY.format(path.name))
    # torch.save never compresses.
    if any(member.compress_type != zipfile.ZIP_STORED for member in found):
        raise UserError(f"{path.name} is a compressed archive, not a checkpoint of torch.save.")


def _is_pickle(path: Path) -> bool:
    """Return whether a file begins like an archive of torch.save, or a pickle."""
    with path.open("rb") as file:
        return file.read(2).startswith((b"PK", b"\x80"))


def _load(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals([(Stand, name) for name in _HARMLESS]):
            return torch.load(path, map_location="cpu", weights_only=True)
    # A malicious file may raise anything; it means the same to the user.
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError from error
        if _is_pickle(path) and ("nsupported" in str(error) or "GLOBAL" in str(error)):
            raise UserError(
                f"{path.name} needs Python code to load, which is never run: "
                "save only model.state_dict(), or use safetensors."
            ) from error
        raise UserError(
            f"{path.name} is neither a safetensors file nor a torch checkpoint, or it is damaged."
        ) from error


def _entries(content: Any, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield all values of nested dictionaries, with dotted names."""
    if isinstance(content, Mapping) and depth:
        for key, value in content.items():
            name = f"{prefix}.{key}" if prefix else str(key)
            yield name, value
            yield from _entries(value, name, depth - 1)


def misfits(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    """Return in words which tensors of a network are missing, unexpected or of another shape."""
    wrong = []
    for name, own in expected.items():
        if name not in found:
            # Early versions of torch did not store this counter of batches.
            if not name.endswith("num_batches_tracked"):
                wrong.append(f"{shown(name)} is missing")
        elif found[name].shape != own.shape:
            wrong.append(f"{shown(name)} is {_shape(found[name])} instead of {_shape(own)}")
    return wrong + [f"{shown(name)} is unexpected" for name in found if name not in expected]


def check_fit(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], what: str) -> None:
    """Raise `UserError`, naming the first tensors, if `found` does not match a network.

    Args:
        found: untrusted tensors by name.
        expected: tensors of the network.
        what: start of the message, such as "weights.pt does not fit timm:resnet18".
    """
    wrong = misfits(found, expected)
    if wrong:
        more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise UserError(f"{what}: {', '.join(wrong[:_SHOWN])}{more}.")
    check_plain(found, what)
    for name, tensor in found.items():
        if expected[name].is_floating_point():
            if not tensor.is_floating_point():
                raise UserError(f"{what}: {name} has {str(tensor.dtype)[6:]} values, not weights.")
            if not tensor.float().isfinite().all():
                raise UserError(f"{what}: {name} has NaN or infinite values.")


def check_plain(found: Mapping[str, Tensor], what: str) -> None:
    """Raise `UserError` for a tensor that calculating with could need far more memory than the file."""
    for name, tensor in found.items():
        if not _is_plain(tensor):
            raise UserError(f"{what}: {shown(name)} is not a plain tensor.")


def _is_plain(tensor: Tensor) -> bool:
    """Return whether a tensor is dense and its storage is as large as its shape requires."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        return False
    return tensor.untyped_storage().nbytes() >= tensor.numel() * tensor.element_size()


def shown(name: str) -> str:
    """Return a tensor's name for a sentence: the middle of a long one is left out."""
    half = _SHOWN_OF_NAME // 2
    return name if len(name) <= _SHOWN_OF_NAME else f"{name[:half]}…{name[-half:]}"


def _shape(tensor: Tensor) -> str:
    if tensor.ndim > _MOST_AXES:
        return f"a tensor of {tensor.ndim} axes"
    return " × ".join(map(str, tensor.shape)) or "a single number"
