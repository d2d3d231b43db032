"""Pointers of Git LFS, which stand where a file was not fetched."""

from unlearn_core.errors import UserError

_POINTER = b"version https://git-lfs"
POINTER_BYTES = len(_POINTER)


def refuse_pointer(head: bytes, name: str) -> None:
    """Raise `UserError` if a file, of which `head` is the first `POINTER_BYTES` or more, is a pointer."""
    if head.startswith(_POINTER):
        raise UserError(f"{name} only says where Git LFS keeps the file: fetch it with git lfs pull.")
