"""The package as others install it: built, installed and used away from the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.browser.conftest import free_port
from tests.engine.test_cluster import wait_until

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone into a new environment that sees the packages of the tests'; return its bin."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (packages,) = folder.rglob("site-packages")
    (packages / "tests.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    target = ["--target", str(packages), "--no-deps", "--no-index", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "install", *target, str(wheel)], check=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def test_the_wheel_holds_the_package_and_the_app_in_a_folder_of_its_own(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        about = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "unlearn_core",
        "unlearn_lens_app",
        "unlearn_lens",
    }
    for needed in (
        "unlearn_core/py.typed",
        "unlearn_core/catalog/shipped/weights/mnist-resnet.safetensors",
        "unlearn_lens_app/app.py",
        "unlearn_lens_app/pages/forget/gallery.js",
        "unlearn_lens_app/.streamlit/config.toml",
    ):
        assert needed in names
    assert not [name for name in names if "__pycache__" in name]
    assert "Requires-Dist: torch>=" in about
    assert "Provides-Extra: dev" in about


def test_it_forgets_four_digits_away_from_the_checkout(
    installed: Path, own_home: Path, tmp_path: Path
) -> None:
    code = "import sys; from unlearn_core.__main__ import run; sys.exit(run())"
    command = [str(installed / "python"), "-c", code, "forget", "--pick", "hardest:4", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["accuracy"]["forget"]["after"] == 0
    assert (result["classifier"], result["images"], result["method"]) == ("mnist-resnet", "mnist", "anchor")


def test_it_opens_the_app_away_from_the_checkout(installed: Path, own_home: Path, tmp_path: Path) -> None:
    code = "import sys; from unlearn_core.__main__ import run; sys.exit(run())"
    port = free_port()
    command = [str(installed / "python"), "-c", code, "app", "--port", str(port), "--"]
    command += ["--server.headless", "true"]
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as output:
        app = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=output)

    def answers() -> bool:
        assert app.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health") as answer:
                return bool(answer.status == 200)
        except URLError:
            return False

    try:
        wait_until(answers)
    finally:
        app.terminate()
        app.wait(60)
    # The settings beside app.py hold wherever it is started: this computer alone is served.
    said = log.read_text(encoding="utf-8")
    assert f"http://localhost:{port}" in said
    assert "Network URL" not in said
