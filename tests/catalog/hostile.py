"""Files that mean harm or are broken, made here: pictures, archives, checkpoints."""

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save as safetensors_bytes

KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))


NO_PICTURES = {
    "nothing": b"",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "svg that reads files": b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><svg>&e;</svg>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(/etc/passwd) (r) file\n",
    "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
    "html": b"<!DOCTYPE html><script>fetch('/')</script>",
    "program": b"\x7fELF\x02\x01\x01" + bytes(100),
    "shell": b"#!/bin/sh\nrm -rf /\n",
    "php behind a gif head": b"GIF89a<?php system($_GET['c']); ?>",
    "windows program": b"MZ" + bytes(200),
    "icon": b"\x00\x00\x01\x00\x01\x00" + bytes(40),
    "photoshop": b"8BPS\x00\x01" + bytes(40),
    "fits": b"SIMPLE  =                    T" + bytes(80),
    "xbm": b"#define w_width 8\n#define w_height 8\nstatic char w_bits[] = {0};",
    "pickle": pickle.dumps({"a": 1}),
    "zip": b"PK\x05\x06" + bytes(18),
    "unicode": "кот".encode("utf-16"),
    "png head alone": b"\x89PNG\r\n\x1a\n",
    "jpeg head alone": b"\xff\xd8\xff\xe0",
    "webp head alone": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "tiff that loops": b"II*\x00\x08\x00\x00\x00\x01\x00\x00\x01\x04\x00" + bytes(12),
    "bmp with a negative size": b"BM" + bytes(12) + struct.pack("<Iii", 40, -5, -5) + bytes(28),
}


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """Return a PNG whose header promises far more pixels than it holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


class Trap:
    """Makes a file when it is unpickled: the proof that somebody's code ran."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def broken_pictures() -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of files that are no whole picture."""
    for kind in KINDS:
        whole = encoded(NOISE, kind)
        for part in (1, 4, 12, len(whole) // 3):
            yield f"{kind} cut after {part}", whole[:part]
        yield f"{kind} with its head gone", whole[20:]
        yield f"{kind} full of zeros", whole[:16] + bytes(len(whole) - 16)
    yield from NO_PICTURES.items()
    yield from _bombs()
    yield "21 MB", encoded(NOISE) + bytes(21 * 2**20)
    strip = bytearray(encoded(NOISE, "TIFF"))
    # Where the pixels begin is said with a fraction.
    strip[strip.index(b"\x11\x01\x04\x00") + 2] = 12
    yield "tiff that begins at a fraction", bytes(strip)


def _bombs() -> Iterator[tuple[str, bytes]]:
    for width, height in (
        (20_000, 20_000),
        (60_000, 1_000),
        (100_000, 100_000),
        (2**31 - 1, 1),
        (1, 2**31 - 1),
    ):
        yield f"bomb of {width} by {height}", png_that_claims(width, height)
    for kind in ("PNG", "TIFF", "GIF", "BMP"):
        flat = Image.new("L", (8000, 8000))
        yield (
            f"real bomb, {kind}",
            encoded(flat, kind, **({"compression": "tiff_deflate"} if kind == "TIFF" else {})),
        )


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def archives() -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of .zip files that must not be taken."""
    good = encoded(NOISE)
    slips = ("../a.png", "/a.png", "x/../../a.png", "..\\a.png", "C:\\a.png", "x/../../../etc/a.png")
    for name in slips:
        yield f"slip {name}", zipped((name, good))
        yield f"slip behind a good one {name}", zipped(("cat/a.png", good), (name, good))
    for mode in (0o120777, 0o120644):
        link = zipfile.ZipInfo("cat/a.png")
        link.external_attr = mode << 16
        yield f"link {mode:o}", zipped((link, b"/etc/passwd"))
    yield "bomb", zipped(("cat/a.png", bytes(40 * 2**20)), method=zipfile.ZIP_DEFLATED)
    yield "picture bomb", zipped(("cat/a.png", png_that_claims(30_000, 30_000)))
    yield "empty", zipped()
    yield "no pictures", zipped(("cat/readme.txt", b"hello"))
    yield "disguised text", zipped(("cat/a.png", b"not a picture"))
    yield "cut picture", zipped(("cat/a.png", good[:60]))
    yield "two classes of one name", zipped(("Cat/a.png", good), ("cat/a.png", good))
    yield "an empty class", zipped(("cat/a.png", good), ("dog/", b""))
    yield "a deep name", zipped(("a/" * 30_000 + "a.png", good))
    yield "a name of many letters", zipped(("a" * 60_000 + "é.png", good))
    yield "no zip at all", b"hello"
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../a.png"))
    yield "tar", tar.getvalue()
    yield from _damaged_archives(good)


def _damaged_archives(good: bytes) -> Iterator[tuple[str, bytes]]:
    whole = zipped(("cat/a.png", good))
    for part in (10, len(whole) // 2, len(whole) - 10):
        yield f"cut after {part}", whole[:part]
    damaged = bytearray(whole)
    damaged[60:90] = bytes(30)
    yield "damaged", bytes(damaged)
    encrypted = bytearray(whole)
    encrypted[6] |= 1
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    yield "encrypted", bytes(encrypted)
    squeezed = bytearray(zipped(("cat/a.png", b"BM" + bytes(5000)), method=zipfile.ZIP_DEFLATED))
    squeezed[45:60] = b"\xff" * 15
    yield "damaged where it is compressed", bytes(squeezed)
    lying = zipped(*((f"cat/{number}.png", good) for number in range(5)))
    entry = struct.pack("<I", len(good))
    sizes = lying.index(b"PK\x01\x02")
    yield "unpacks to 20 GB", lying[:sizes] + lying[sizes:].replace(entry * 2, entry + b"\xf0\xff\xff\xff")
    end = b"PK\x05\x06" + bytes(4) + b"\x01\x00\x01\x00" + struct.pack("<IIH", 65 * 2**20, 0, 0)
    yield "a list without end", bytes(65 * 2**20) + end


def saved(content: object, **options: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)  # type: ignore[arg-type]
    return file.getvalue()


def checkpoints(trap: Path, good: dict[str, torch.Tensor]) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of checkpoints that must not be taken; `trap` appears if their code runs."""
    for old in (False, True):
        form = {"_use_new_zipfile_serialization": not old}
        words = "old form" if old else "zip form"
        yield f"code alone, {words}", saved(Trap(trap), **form)
        yield f"code beside tensors, {words}", saved({"state_dict": good, "x": Trap(trap)}, **form)
        yield f"a whole network, {words}", saved(torch.nn.Linear(2, 2), **form)
        yield f"no tensors, {words}", saved({"epoch": 3}, **form)
    for protocol in range(6):
        yield f"bare pickle, protocol {protocol}", pickle.dumps(Trap(trap), protocol)
    yield "pickle that calls eval", b"cbuiltins\neval\n(V__import__('os').mkdir('x')\ntR."
    yield "pickle without end", b"\x80\x04" + b"(" * 5000
    script = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), script)
    yield "TorchScript", script.getvalue()
    whole = saved(good)
    for part in (1, 100, len(whole) // 2, len(whole) - 30):
        yield f"cut after {part}", whole[:part]
    tensors = safetensors_bytes(good)
    for part in (4, 9, 200, len(tensors) // 2):
        yield f"safetensors cut after {part}", tensors[:part]
    yield "safetensors with a huge header", struct.pack("<Q", 2**62) + b"{" + bytes(50)
    lie = json.dumps({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    yield "safetensors that lies", struct.pack("<Q", len(lie)) + lie
    yield from _misfits(good)
    yield "text", b"hello"
    yield "nothing", b""
    yield "png", encoded(NOISE)
    yield "zip", b"PK\x05\x06" + bytes(18)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(5 * 2**20))
    yield "compressed archive", packed.getvalue()


def _misfits(good: dict[str, torch.Tensor]) -> Iterator[tuple[str, bytes]]:
    first = next(iter(good))
    yield "NaN", saved({**good, first: good[first] * float("nan")})
    yield "infinite", saved({**good, first: torch.full_like(good[first], float("inf"))})
    yield "one tensor missing", saved({name: t for name, t in good.items() if name != first})
    yield "one tensor too many", saved({**good, "surplus": torch.zeros(3)})
    yield "another shape", saved({**good, first: good[first][:1]})
    yield (
        "a tensor that claims more than it holds",
        saved({**good, first: torch.zeros(1).expand(good[first].shape)}),
    )
    yield "on no device", saved({**good, first: good[first].to("meta")})
    yield "complex", saved({**good, first: good[first] * 1j})
    yield "yes and no", saved({**good, first: good[first] > 0})
    endless: dict[str, object] = {str(number): number for number in range(100)}
    for _ in range(3):
        endless = {str(number): endless for number in range(100)}
    yield "dictionaries without end", saved({"state_dict": good, "more": endless})
    yield "sparse", saved({**good, first: good[first].to_sparse()})
    yield "another network", saved({"w": torch.zeros(3, 3)})
