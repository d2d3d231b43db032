"""The home that version 0.1.0 left behind, and what is in it; `make_old_home.py` says how it came about."""

import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).with_name("old_home.tar.xz")

CLASSIFIER, IMAGES = "shapes-net", "my shapes"
FIRST, OTHER, SECOND = "c5518cb1", "9156c824", "46862156"
FAILED, INTERRUPTED = "c5ddc287", "88fcbf1f"
CARDS = {
    FIRST: ["100 → 0", "100 → 100", "100 → 100"],
    OTHER: ["100 → 0", "100 → 89.1", "100 → 87.5"],
    SECOND: ["100 → 0", "100 → 58.1", "100 → 56.2"],
}
"""Of each finished run: accuracy before and after on D_f, D_r and D_test."""

STEPS = {FIRST: 3, OTHER: 2, SECOND: 1}
FORGOTTEN = {FIRST: [16, 29, 56], OTHER: [28, 33], SECOND: [42, 49]}
FLIPPED = {FIRST: (0, 0), OTHER: (5, 2), SECOND: (18, 7)}
"""Pictures whose prediction changed, in the retain and in the test set."""

NAMES = {
    FIRST: "first lesson",
    OTHER: "other labels",
    SECOND: "second lesson",
    FAILED: "too fast",
    INTERRUPTED: "power cut",
}
ENDS = {
    FAILED: "The classifier broke at step 2: its outputs are no longer numbers. "
    "Try a smaller learning rate or another method.",
    INTERRUPTED: "The program ended before this run did.",
}


def unpack(folder: Path) -> Path:
    """Unpack it into a folder and return its own."""
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(folder, filter="data")
    return folder / "old_home"
