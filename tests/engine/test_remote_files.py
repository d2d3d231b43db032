"""What travels between the homes of server and worker, without a cluster."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unlearn_core.catalog.image_sets import Wanted, fingerprint, load_images
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.common.brought import SERVER_HOME
from unlearn_core.engine.additions import TryClassifierRequest
from unlearn_core.engine.looks import ImageTableRequest, LookRequest
from unlearn_core.engine.remote.needs import needs_of_look
from unlearn_core.engine.remote.parcel import changes, is_inside, stamps, write_part
from unlearn_core.store.runs import Store

WANTED = Wanted("mnist-resnet", 1, 28, tuple("0123456789"), ())


def mirrored(source: Path, target: Path, known: dict[str, object]) -> None:
    """Bring what changed in the runs of a home to another one; `known` is what it has already."""
    parcel = changes(source, known, ["runs"])  # type: ignore[arg-type]
    for place, part in parcel.parts.items():
        write_part(target / place, part)
        known[place] = part.stamp
    for place in parcel.gone:
        (target / place).unlink()
        del known[place]


def test_a_folder_is_mirrored_as_it_grows_changes_and_shrinks(tmp_path: Path) -> None:
    source, target, known = tmp_path / "a", tmp_path / "b", dict[str, object]()
    steps, other = source / "runs" / "1" / "steps.jsonl", source / "runs" / "1" / "snapshots" / "3.npz"
    other.parent.mkdir(parents=True)
    steps.write_text("one\n", encoding="utf-8")
    other.write_bytes(b"123")
    mirrored(source, target, known)
    with steps.open("a", encoding="utf-8") as file:
        file.write("two\n")
    other.write_bytes(b"4567")
    part = changes(source, known, ["runs"]).parts["runs/1/steps.jsonl"]  # type: ignore[arg-type]
    assert part.data == b"two\n"
    mirrored(source, target, known)
    assert (target / "runs" / "1" / "steps.jsonl").read_text(encoding="utf-8") == "one\ntwo\n"
    assert (target / "runs" / "1" / "snapshots" / "3.npz").read_bytes() == b"4567"
    # Replaced by another file, which is longer but does not begin with the old one.
    steps.with_name("new").write_text("other\nbeginning\n", encoding="utf-8")
    steps.with_name("new").replace(steps)
    other.unlink()
    mirrored(source, target, known)
    assert (target / "runs" / "1" / "steps.jsonl").read_text(encoding="utf-8") == "other\nbeginning\n"
    assert {place: stamp[:2] for place, stamp in stamps(source, ["runs"]).items()} == {
        place: stamp[:2] for place, stamp in stamps(target, ["runs"]).items()
    }


def test_no_place_leads_out_of_a_home() -> None:
    assert is_inside("runs/1/steps.jsonl")
    for place in ("runs/../../secret", "/etc/passwd", "runs.sqlite", "", "cache/mnist.npy"):
        assert not is_inside(place)


@pytest.mark.parametrize("kind", ["folder", "csv"])
def test_pictures_outside_of_the_home_are_the_same_to_a_worker(
    kind: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = pictures(tmp_path / "theirs", kind)
    known_as, images = fingerprint(name, "mnist-resnet"), load_images(name, WANTED)
    worker = as_a_worker(store, ImageTableRequest("mnist-resnet", name), tmp_path / "worker", monkeypatch)
    for path in (tmp_path / "theirs").rglob("*.png"):
        path.unlink()
    assert (worker / "outside").is_dir()
    assert fingerprint(name, "mnist-resnet") == known_as
    np.testing.assert_array_equal(load_images(name, WANTED).pixels, images.pixels)


def test_a_visitor_of_a_shared_server_brings_nothing_from_outside(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.pth"
    secret.write_text("secret", encoding="utf-8")
    asked = TryClassifierRequest(ClassifierSpecification(source=f"file:{secret}"), "mnist", 0)
    assert secret in needs_of_look(store, asked).files.values()
    monkeypatch.setenv("UNLEARN_SHARED", "1")
    assert secret not in needs_of_look(store, asked).files.values()


def pictures(folder: Path, kind: str) -> str:
    """Write pictures and return the name of the image set."""
    rows = ["path,label"]
    for number in range(4):
        path = folder / str(number % 2) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((28, 28), 50 * number, np.uint8)).save(path)
        rows.append(f"{number % 2}/{number}.png,{number % 2}")
    if kind == "folder":
        return f"folder:{folder}"
    (folder / "table.csv").write_text("\n".join(rows), encoding="utf-8")
    return f"csv:{folder / 'table.csv'}"


def as_a_worker(store: Store, asked: LookRequest[Path], home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fill the home of a worker with what a look needs, and work there from now on."""
    for place, path in needs_of_look(store, asked).files.items():
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_bytes(path.read_bytes())
        os.utime(home / place, ns=(0, path.stat().st_mtime_ns))
    monkeypatch.setenv("UNLEARN_HOME", str(home))
    monkeypatch.setenv(SERVER_HOME, str(store.root))
    return home
