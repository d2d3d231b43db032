"""The files for operators agree with the program, as far as that can be checked without starting them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from unlearn_core.common.brought import SERVER_HOME
from unlearn_core.common.quotas import QUOTAS

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def test_every_environment_variable_is_in_the_guide() -> None:
    sources = [*(ROOT / "unlearn_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    used = {
        name for file in sources for name in re.findall(r"UNLEARN_[A-Z_]+", file.read_text(encoding="utf-8"))
    }
    assert {quota.variable for quota in QUOTAS} < used
    # The program itself sets this one.
    used.remove(SERVER_HOME)
    assert [name for name in sorted(used) if f"| `{name}` |" not in GUIDE] == []
    for quota in QUOTAS:
        assert f"| `{quota.variable}` | {quota.default:,} |" in GUIDE


def test_the_image_gets_all_that_the_package_is_built_from(tmp_path: Path) -> None:
    for line in re.findall(r"^COPY (.+)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / target)
            else:
                (tmp_path / target).mkdir(exist_ok=True)
                shutil.copy(ROOT / source, tmp_path / target)
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(built, cwd=tmp_path, check=True, capture_output=True)
    assert list((tmp_path / "dist").glob("unlearn_lens-*.whl"))


def test_compose_names_files_that_exist_and_publishes_only_the_proxy() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert (DEPLOY / services["lens"]["build"]["context"] / services["lens"]["build"]["dockerfile"]).is_file()
    assert "ports" not in services["lens"]
    assert (DEPLOY / services["proxy"]["volumes"][0].partition(":")[0]).is_file()
    assert set(yaml.safe_load((DEPLOY / "compose.cuda.yaml").read_text(encoding="utf-8"))["services"]) <= set(
        services
    )
    (argument,) = services["lens"]["build"]["args"]
    assert f"ARG {argument}=" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "unlearn-lens.service").read_text(encoding="utf-8")
    started = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit, flags=re.MULTILINE)
    (tmp_path / "unlearn-lens.service").write_text(started, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "unlearn-lens.service")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
