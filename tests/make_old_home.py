"""Makes `old_home.tar.xz`: an `UNLEARN_HOME` as somebody has it who used the app for a while.

The archive was made with version 0.1.0 and is kept as it is, so that every later version is held to reading
it (`test_old_home.py`, `test_old_home_read.py`). Making it anew would prove nothing: do so only beside it,
under another name.

    OMP_NUM_THREADS=1 python tests/make_old_home.py ARCHIVE.tar.xz

It goes the ways that people go, the command line and the pages, and imports nothing of the project.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import timm
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]
CLASSES = ("cross", "disc", "square", "triangle")
FOLDERS = ("cross", "disc", "square", "three corners")
"""The image set calls one class by another name than the classifier: that is what its match is mended for."""

ARCHITECTURE = "test_efficientnet"
SIDE, TRAIN, TEST = 32, 12, 4
GONE = Path("/pictures/pets")
"""Where an image set lay whose folder is no longer there; the path is kept in its record."""

QUICK = ("--option", "examples=16", "--option", "inversions=0", "--option", "learning_rate=0.0003")
NEUTRAL_OWNER = "classroom/4711/1760000000.00"
DROPPED = ("cache", "data", "previews", "incoming")
"""Folders that are made anew when they are needed, and too large to keep."""

MOST_TABLE = 2**20
"""Bytes: that of all digits is larger."""


def draw(name: str, random: np.random.Generator) -> Image.Image:
    """Return one small picture of a class, in any colours, anywhere."""
    dark, light = random.integers(0, 90, 3), random.integers(150, 256, 3)
    picture = Image.new("RGB", (SIDE, SIDE), tuple(dark.tolist()))
    pen = ImageDraw.Draw(picture)
    half = int(random.integers(6, 11))
    x, y = (int(one) for one in random.integers(half + 1, SIDE - half - 1, 2))
    box, colour = (x - half, y - half, x + half, y + half), tuple(light.tolist())
    if name == "disc":
        pen.ellipse(box, colour)
    elif name == "square":
        pen.rectangle(box, colour)
    elif name == "cross":
        pen.rectangle((x - half, y - 2, x + half, y + 2), colour)
        pen.rectangle((x - 2, y - half, x + 2, y + half), colour)
    else:
        pen.polygon([(x, y - half), (x - half, y + half), (x + half, y + half)], colour)
    return picture


def png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def pack_pictures(path: Path) -> None:
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, count in (("train", TRAIN), ("test", TEST)):
            for name, folder in zip(CLASSES, FOLDERS, strict=True):
                for number in range(count):
                    archive.writestr(f"{part}/{folder}/{number:02d}.png", png(draw(name, random)))


def train_checkpoint(path: Path) -> None:
    """Train a tiny network on shapes of its own and write it as a checkpoint."""
    torch.manual_seed(0)
    random = np.random.default_rng(1)
    network = timm.create_model(ARCHITECTURE, num_classes=len(CLASSES))
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    for _ in range(400):
        labels = random.integers(0, len(CLASSES), 64)
        drawn = [np.asarray(draw(CLASSES[label], random)) for label in labels]
        pixels: NDArray[np.uint8] = np.stack(drawn)
        inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        loss = F.cross_entropy(network((inputs - 0.5) / 0.5), torch.from_numpy(labels))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    print(f"trained to a loss of {loss.item():.3f}")
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)


def call(*arguments: str) -> str:
    command = [sys.executable, "-m", "unlearn_core", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    print("$", *arguments, "\n", done.stdout, done.stderr[-300:])
    return done.stdout


def open_app(page: str, **link: str) -> AppTest:
    (file,) = ROOT.glob(f"pages/**/{page}.py")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    for name, value in link.items():
        app.query_params[name] = value
    app.run()
    if page != "forget":
        app.switch_page(str(file.relative_to(ROOT)))
        for name, value in link.items():
            app.query_params[name] = value
        app.run()
    assert not app.exception, app.exception
    assert not app.error, app.error
    return app


def bring(made: Path) -> None:
    """Add the classifier, the pictures, an image set whose folder goes away later, a match and a photo."""
    train_checkpoint(made / "shapes-net.safetensors")
    (made / "names.txt").write_text("\n".join(CLASSES), encoding="utf-8")
    call(
        *("add", "classifier", f"file:{made / 'shapes-net.safetensors'}"),
        *("--architecture", f"timm:{ARCHITECTURE}", "--input-size", str(SIDE)),
        *("--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5", "--class-names", str(made / "names.txt")),
    )
    pack_pictures(made / "shapes.zip")
    app = open_app("add", add_what="Pictures")
    app.file_uploader(key="add_zip").set_value(
        ("shapes.zip", (made / "shapes.zip").read_bytes(), "application/zip")
    )
    app.text_input(key="add_images_name").set_value("my shapes")
    app.button[0].click().run()
    assert "my shapes" in app.success[0].value
    for name in ("cat", "dog"):
        (GONE / name).mkdir(parents=True)
        (GONE / name / "1.png").write_bytes(png(draw("disc", np.random.default_rng(2))))
    call("add", "images", str(GONE), "--name", "pets")
    shutil.rmtree(GONE.parent)
    call("match", "--classifier", "shapes-net", "--images", "my shapes", "--set", "three corners=triangle")
    app = open_app("forget", classifier="shapes-net", images="photos")
    picture = Image.effect_noise((48, 32), 40).convert("RGB")
    app.file_uploader(key="upload_0").set_value(("Holiday 1.png", png(picture), "image/png")).run()
    app.button(key="upload_add").click().run()
    assert not app.exception
    assert not app.error


def forget(name: str, *arguments: str) -> None:
    call("forget", "--classifier", "shapes-net", "--images", "my shapes", "--name", name, *arguments)


def run_id(name: str) -> str:
    with sqlite3.connect(Path(os.environ["UNLEARN_HOME"]) / "runs.sqlite") as sql:
        (found,) = sql.execute("SELECT id FROM run WHERE name = ?", (name,)).fetchone()
    return str(found)


def make_runs() -> None:
    """Make three finished runs, one that failed and one that was killed.

    SalUn moves few weights, so that its files pack well.
    """
    few = ("--method", "salun", "--retained", "20", "--option", "saliency=0.03")
    forget("first lesson", "--pick", "hardest:3", *QUICK)
    forget("other labels", "--pick", "ids:28,33", "--goal", "relabel", "--new-label", "28=2", *few)
    forget("second lesson", "--pick", "class:square:2", "--after", run_id("first lesson"), *few)
    wild = ("--goal", "relabel", "--method", "npo", "--option", "learning_rate=1")
    forget("too fast", "--pick", "hardest:3", *wild)
    interrupt("power cut")


def interrupt(name: str) -> None:
    """Kill a run while it looks for adversarial examples; the next command finds it so."""
    arguments = (
        "forget",
        "--pick",
        "ids:3,14",
        "--method",
        "adv",
        "--option",
        "examples=1000",
        "--name",
        name,
    )
    process = subprocess.Popen([sys.executable, "-m", "unlearn_core", *arguments], cwd=ROOT)
    with sqlite3.connect(Path(os.environ["UNLEARN_HOME"]) / "runs.sqlite") as sql:
        while sql.execute("SELECT phase FROM run WHERE name = ?", (name,)).fetchone() != ("attack",):
            assert process.poll() is None
            time.sleep(0.1)
    process.kill()
    process.wait()
    call("runs", "list")


def look_around() -> None:
    """Open what leaves measurements in the home."""
    for name in ("first lesson", "other labels", "second lesson"):
        link = {"run": run_id(name)}
        open_app("forget", **link).segmented_control(key="show_as").set_value("map").run()
        app = open_app("before_after", **link)
        for look in ("map", "layers"):
            app.segmented_control(key="look").set_value(look).run()
        app = open_app("weights", **link)
        if name == "other labels":
            app.toggle(key="contrast").set_value(True).run()
        app.segmented_control(key="filters").set_value("one filter").run()
        app = open_app("attributions", **link)
        app.toggle(key="trust").set_value(True).run()
        app.toggle(key="neighbours").set_value(True).run()
        open_app("replay", **link).segmented_control(key="view").set_value("dial").run()
    open_app("compare", run=run_id("first lesson"))


def make_neutral(home: Path) -> None:
    """Take out what names this machine, and what is made anew anyway."""
    with sqlite3.connect(home / "runs.sqlite") as sql:
        sql.execute("UPDATE run SET owner = ?", (NEUTRAL_OWNER,))
    sql = sqlite3.connect(home / "runs.sqlite")
    # What was overwritten leaves the file only so.
    sql.execute("VACUUM")
    sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sql.close()
    for name in DROPPED:
        shutil.rmtree(home / name, ignore_errors=True)
    for table in (home / "tables").iterdir():
        if table.stat().st_size > MOST_TABLE:
            table.unlink()


def neutral(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if member.name.endswith(("-wal", "-shm")):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 1_760_000_000
    return member


def main(archive: Path) -> None:
    """Make the home in a temporary folder and pack it."""
    with tempfile.TemporaryDirectory() as folder:
        home, made = Path(folder) / "old_home", Path(folder) / "made"
        made.mkdir()
        os.environ["UNLEARN_HOME"] = str(home)
        bring(made)
        make_runs()
        look_around()
        make_neutral(home)
        with tarfile.open(archive, "w:xz", preset=9) as packed:
            packed.add(home, home.name, filter=neutral)
    print(f"{archive}: {archive.stat().st_size / 2**20:.2f} MB")


# The pages start worker processes, which run this file again under another name.
if __name__ == "__main__":
    main(Path(sys.argv[1]))
