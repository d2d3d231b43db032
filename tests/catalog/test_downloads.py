"""torchvision's downloads, from a server on this machine that stands for the internet."""

import hashlib
import pickle
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from pages.shared.image_tables import wait_for
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.on_disk import download
from unlearn_core.catalog.sources.base import CatalogImageSet, ImageSetEntry, ImageSource
from unlearn_core.catalog.sources.registry import register
from unlearn_core.catalog.sources.resolve_source import image_source
from unlearn_core.engine.pending import Look
from unlearn_core.errors import UserError

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ANY = Wanted("any", 3, 32, NAMES, ())


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve the folder `tmp_path / "internet"`."""
    (tmp_path / "internet").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "internet")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def archive(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an archive of the same form as CIFAR-10's there, with ten pictures a part."""
    monkeypatch.setenv("UNLEARN_DATA_DIR", str(tmp_path / "data"))
    pixels = np.random.default_rng(0).integers(256, size=(10, 3072), dtype=np.uint8)
    parts: dict[str, Any] = {
        name: {"data": pixels, "labels": list(range(10))}
        for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
    }
    parts["batches.meta"] = {"label_names": list(NAMES)}
    path, sums = tmp_path / "internet" / "cifar-10-python.tar.gz", {}
    with tarfile.open(path, "w:gz") as file:
        for name, part in parts.items():
            data = pickle.dumps(part)
            sums[name] = hashlib.md5(data).hexdigest()
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(data)
            file.addfile(entry, BytesIO(data))
    monkeypatch.setattr(CIFAR10, "url", f"{address}/{path.name}")
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(path.read_bytes()).hexdigest())
    lists = [[name, sums[name]] for name in parts if name.startswith("data")]
    monkeypatch.setattr(CIFAR10, "train_list", lists)
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    return path


def test_an_image_set_is_fetched_once_and_then_read_from_the_disk(archive: Path) -> None:
    assert download("cifar10") == (0.0, 170.5)
    images = load_images("cifar10", ANY)
    assert images.pixels.shape == (60, 32, 32, 3)
    assert images.labels[:10].tolist() == list(range(10))
    assert images.is_test.sum() == 10
    assert download("cifar10")[0] == archive.stat().st_size / 1e6
    archive.unlink()
    assert len(image_source("cifar10").ids) == 60


def test_a_download_that_is_not_what_it_should_be_is_one_sentence(archive: Path) -> None:
    archive.write_bytes(b"something else")
    with pytest.raises(UserError, match=r"cifar10 is not in .* and cannot be downloaded"):
        image_source("cifar10")


class Downloading(Look[Path]):
    """A look whose pictures arrive half a MB at a time, and are there after the third."""

    def __init__(self, archive: Path) -> None:
        self.archive, self.times = archive, 0

    def wait(self, seconds: float) -> bool:
        if self.times == 3:
            return True
        self.times += 1
        self.archive.parent.mkdir(exist_ok=True)
        self.archive.write_bytes(bytes(500_000 * (self.times - 1)))
        return False

    def result(self) -> Path:
        return Path("table.npz")


def test_waiting_tells_how_much_of_a_download_has_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARN_DATA_DIR", str(tmp_path / "data"))
    arrivals: list[tuple[float, float]] = []
    look = Downloading(tmp_path / "data" / "stl10_binary.tar.gz")
    found = wait_for(look, "stl10", lambda arrived, size: arrivals.append((arrived, size)))
    assert found == Path("table.npz")
    assert arrivals == [(0.5, 2640.4), (1.0, 2640.4)]


class Elsewhere(CatalogImageSet):
    """An image set of another package, a quarter of it downloaded."""

    entry = ImageSetEntry("elsewhere", "Elsewhere", "A test.", (), "none", "package elsewhere", megabytes=2.0)

    def read(self) -> ImageSource:
        raise UserError("It is not whole yet.")

    def arrived(self) -> float:
        return 0.5


def test_an_image_set_of_another_package_tells_its_download_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlearn_core.catalog.sources.registry._registered", {})
    register(Elsewhere)
    assert download("elsewhere") == (0.5, 2.0)
    assert download("nowhere") == (0.0, 0.0)
