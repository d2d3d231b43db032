"""How long image sets of many small files take: to add, to read, to list.

    python -m benchmarks.sources [--pictures 20000] [--json]

The files are made in a temporary folder: JPEGs of 32 × 32 of noise in ten class folders, the same in a .zip,
and a thousand of them named by a CSV file of 100,000 lines; and a folder laid out like ImageNet, 1,000 ids
below train/ and val/, with hard links to one photo. Adding is what the command line does, with the process
that reads new files already started; reading is `load_images` of the added set, per picture.
"""

import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from benchmarks.running import Case, Result, arguments, carry_out, markdown
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.catalog.sources.resolve_source import image_source, source_fingerprint
from unlearn_core.catalog.untrusted.guard import PICTURE, guarded

CLASSES = 10
GOALS = {"folder": 20.0, "zip": 20.0, "csv": 3.0, "imagenet": 10.0}
GOAL_READ = 1.0


def jpegs(n: int, size: int = 32) -> Iterator[tuple[str, bytes]]:
    """Yield names below class folders and contents of n different pictures."""
    random = np.random.default_rng(0)
    for number in range(n):
        file = BytesIO()
        Image.fromarray(random.integers(0, 256, (size, size, 3), np.uint8)).save(file, "JPEG")
        yield f"class {number % CLASSES}/{number:06}.jpg", file.getvalue()


def make_folder(path: Path, n: int) -> Path:
    """Write n pictures below class folders; return the folder."""
    for number in range(CLASSES):
        (path / f"class {number}").mkdir(parents=True, exist_ok=True)
    for name, data in jpegs(n):
        (path / name).write_bytes(data)
    return path


def make_zip(path: Path, n: int) -> Path:
    """Write an archive of n pictures below class folders; return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in jpegs(n):
            archive.writestr(name, data)
    return path


def make_table(folder: Path, n: int, rows: int) -> Path:
    """Write n pictures, and a CSV file with this many rows that name them; return its path."""
    make_folder(folder, n)
    lines = (
        f"class {number % n % CLASSES}/{number % n:06}.jpg,{number % CLASSES}\n" for number in range(rows)
    )
    (folder / "table.csv").write_text("path,label\n" + "".join(lines), encoding="utf-8")
    return folder / "table.csv"


def make_imagenet(path: Path, n: int) -> Path:
    """Write n links to one picture, laid out like ImageNet: 1,000 WordNet ids below train/ and val/."""
    ids = [f"n{number:08}" for number in range(1000)]
    path.mkdir(parents=True)
    (path / "one.txt").write_bytes(next(jpegs(1, 224))[1])
    for part in ("train", "val"):
        for wordnet_id in ids:
            (path / part / wordnet_id).mkdir(parents=True)
    for number in range(n):
        part = "val" if number % 25 == 0 else "train"
        os.link(path / "one.txt", path / part / ids[number % len(ids)] / f"{number}.JPEG")
    return path


@contextmanager
def own_home() -> Iterator[Path]:
    """Yield an empty folder, whose `home` is `UNLEARN_HOME` meanwhile."""
    with TemporaryDirectory(prefix="unlearn-sources-") as folder:
        (Path(folder) / "home").mkdir()
        os.environ["UNLEARN_HOME"] = str(Path(folder) / "home")
        yield Path(folder)


def measure(case: Case) -> Result:
    """Make the files of a case and return the seconds of each part, and how many pictures were found."""
    what, n = case["what"], case["pictures"]
    with own_home() as folder:
        # So that the process that reads new files runs already.
        guarded("nothing", PICTURE, len, "")
        if what in ("folder", "zip"):
            place = make_folder(folder / "set", n) if what == "folder" else make_zip(folder / "set.zip", n)
            return _added(folder, f"folder:{place}")
        name = (
            f"csv:{make_table(folder / 'set', 1000, n)}"
            if what == "csv"
            else f"folder:{make_imagenet(folder / 'set', n)}"
        )
        start = time.perf_counter()
        found = image_source(name)
        listed = time.perf_counter() - start
        source_fingerprint(name)
        return {
            "pictures": len(found.ids),
            "classes": len(found.class_names),
            "seconds": listed,
            "fingerprint_seconds": time.perf_counter() - start - listed,
        }


def _added(folder: Path, source: str) -> Result:
    start = time.perf_counter()
    record = add_image_set(folder / "home", "many", source)
    added = time.perf_counter() - start
    images = load_images("many", Wanted("any", 3, 32, record.class_names, ()))
    return {
        "pictures": len(images.ids),
        "classes": len(record.class_names),
        "seconds": added,
        "read_milliseconds": 1000 * (time.perf_counter() - start - added) / len(images.ids),
    }


def table(results: list[Result]) -> str:
    """Return the results as Markdown."""
    rows = [
        [
            result["case"]["what"],
            f"{result['pictures']:,}",
            f"{result['seconds']:.2f}",
            f"{GOALS[result['case']['what']]:.0f}",
            f"{result['read_milliseconds']:.3f}" if "read_milliseconds" in result else "–",
            f"{result['fingerprint_seconds']:.2f}" if "fingerprint_seconds" in result else "–",
        ]
        for result in results
    ]
    head = [
        "source",
        "pictures",
        "added or listed, s",
        "goal, s",
        f"read, ms a picture (goal {GOAL_READ:.0f})",
        "fingerprint, s",
    ]
    return markdown(head, rows)


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "sources")
    parser.add_argument("--pictures", type=int, default=20_000, help="in the folder and the .zip")
    asked = parser.parse_args()
    sizes = {"folder": asked.pictures, "zip": asked.pictures, "csv": 99_999, "imagenet": 50_000}
    carry_out(asked, [{"what": what, "pictures": n} for what, n in sizes.items()], measure, table)


if __name__ == "__main__":
    main()
