"""The wheel, installed into an environment of its own, forgets and opens the app far from any checkout."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

import unlearn_core
from tests.browser.conftest import PATIENCE, App, start_command, stop_server
from tests.browser.steps import settle

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
TEXT_COLOURS: dict[Literal["light", "dark"], str] = {"light": "rgb(11, 14, 20)", "dark": "rgb(238, 240, 244)"}
"""As .streamlit/config.toml has them; without it Streamlit takes others."""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source archive, and the wheel from it."""
    folder = tmp_path_factory.mktemp("distributions")
    _call([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)], ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    _call([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], source)
    return folder


@pytest.fixture(scope="module")
def scripts(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone beside the packages of the test environment; return where its commands lie."""
    environment = tmp_path_factory.mktemp("environment")
    _call([sys.executable, "-m", "venv", "--without-pip", str(environment)], environment)
    paths = sysconfig.get_paths("venv", {"base": str(environment), "platbase": str(environment)})
    seen = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(paths["purelib"]) / "test_environment.pth").write_text("\n".join(seen), encoding="utf-8")
    python = Path(paths["scripts"]) / Path(sys.executable).name
    (wheel,) = distributions.glob("*.whl")
    _call(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        environment,
    )
    return Path(paths["scripts"])


@pytest.fixture
def installed_app(scripts: Path, tmp_path: Path) -> Iterator[App]:
    """Open the app of the installed wheel from an empty folder."""
    command = [str(scripts / "unlearn-lens"), "app"]
    app, process = start_command(command, tmp_path / "home", _empty(tmp_path), _bare_environment())
    yield app
    stop_server(process)


def _call(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env=_bare_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _bare_environment() -> dict[str, str]:
    """Leave out what would let the checkout be found."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_the_wheel_holds_the_core_and_the_app_and_nothing_else(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    information = f"unlearn_lens-{unlearn_core.__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"unlearn_core", "unlearn_lens_app", information}
    tracked = subprocess.run(
        ["git", "ls-files", "unlearn_core", "pages", "app.py"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    wanted = {name if name.startswith("unlearn_core") else f"unlearn_lens_app/{name}" for name in tracked}
    wanted.add("unlearn_lens_app/.streamlit/config.toml")
    assert len(wanted) > 100
    assert wanted <= set(names)
    assert not [name for name in names if re.search(r"__pycache__|\.pyc$|secrets|(^|/)tests/", name)]
    assert "unlearn_core/py.typed" in names


@pytest.mark.slow
def test_the_installed_command_forgets_four_digits(scripts: Path, own_home: Path, tmp_path: Path) -> None:
    command = [str(scripts / "unlearn-lens"), "forget", "--pick", "hardest:4", "--json"]
    result = json.loads(_call(command, _empty(tmp_path)))
    assert result["classifier"] == "mnist-resnet"
    assert result["accuracy"]["forget"]["after"] == 0.0
    assert (own_home / "runs" / result["run"]).is_dir()


def test_the_installed_library_is_the_one_of_the_wheel(scripts: Path, tmp_path: Path) -> None:
    program = "import unlearn_core; print(unlearn_core.__file__, unlearn_core.__version__)"
    python = scripts / Path(sys.executable).name
    file, version = _call([str(python), "-c", program], _empty(tmp_path)).split()
    assert Path(file).is_relative_to(scripts.parent)
    assert version == unlearn_core.__version__


@pytest.mark.slow
def test_the_installed_app_opens_with_its_own_settings(installed_app: App, browser: Browser) -> None:
    for scheme, colour in TEXT_COLOURS.items():
        page = browser.new_page(color_scheme=scheme)
        page.set_default_timeout(PATIENCE)
        page.goto(installed_app.url)
        settle(page)
        expect(page.locator(".cell")).to_have_count(1000)
        app = page.get_by_test_id("stApp")
        assert app.evaluate("element => getComputedStyle(element).color") == colour
        page.close()
    # With `server.address` of config.toml there is one address; without it Streamlit prints three.
    printed = installed_app.log.read_text(encoding="utf-8")
    assert "URL: http://localhost:" in printed
    assert "Network URL" not in printed
