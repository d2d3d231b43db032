"""The layers of docs/architecture.md: the server never imports torch, the core never imports streamlit."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "torchvision", "captum", "timm")
SERVER_MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in (ROOT / "pages").rglob("*.py")
    if file.stem != file.parent.name
)


def imported_after(statement: str) -> set[str]:
    """Return the names of all modules loaded by a fresh interpreter that ran `statement`."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_the_modules_of_the_server_import_nothing_heavy() -> None:
    assert len(SERVER_MODULES) > 5
    statement = "import app, pages.shared.navigation, unlearn_core.engine, unlearn_core.store.runs\n"
    loaded = imported_after(statement + "\n".join(f"import {name}" for name in SERVER_MODULES))
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "page",
    sorted(file for file in (ROOT / "pages").glob("*/*.py") if file.stem == file.parent.name),
    ids=lambda page: page.stem,
)
def test_what_a_page_imports_imports_nothing_heavy(page: Path) -> None:
    own = [name for name in imports_of(page) if name.split(".")[0] in ("pages", "unlearn_core")]
    assert own
    loaded = imported_after("\n".join(f"import {name}" for name in own))
    assert loaded.isdisjoint(HEAVY)


def test_a_server_answers_before_it_has_imported_what_pages_need() -> None:
    # The browser then loads at the same time.
    assert imported_after("import app").isdisjoint({"distributed", "sqlmodel", "pandas"})


def test_the_first_picture_needs_neither_pandas_nor_dask(tmp_path: Path) -> None:
    statement = f"""
import os
os.environ["UNLEARN_HOME"] = {str(tmp_path)!r}
from pages.shared import app_state
app_state._SECONDS_TO_WORKERS = 600.0
from streamlit.testing.v1 import AppTest
shown = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=300).run()
assert not shown.exception
"""
    loaded = imported_after(statement)
    assert "pages.forget.gallery" in loaded
    assert loaded.isdisjoint({"pandas", "distributed"})


def test_workers_load_no_timm_for_the_shipped_networks() -> None:
    statement = """
from unlearn_core.engine.tasks import warm
warm()
from unlearn_core.catalog.classifiers import load_classifier
load_classifier("mnist-resnet"), load_classifier("cifar10-resnet20")
"""
    loaded = imported_after(statement)
    assert "unlearn_core.jobs.carry_out" in loaded
    assert loaded.isdisjoint({"timm", "torchvision", "torch._dynamo", "streamlit"})


def test_a_worker_that_forgets_is_ready_for_an_optimiser() -> None:
    before = "from unlearn_core.engine.tasks import warm, warm_optimiser\nwarm()\nwarm_optimiser()\n"
    loaded = imported_after(before)
    optimiser = "import torch\ntorch.optim.Adam([torch.zeros(1, requires_grad=True)])\n"
    assert imported_after(before + optimiser) == loaded
    assert "torch._dynamo" in loaded


def test_importing_the_library_or_its_command_line_imports_no_torch() -> None:
    assert imported_after("import unlearn_core, unlearn_core.commands.main").isdisjoint(HEAVY)


def test_the_core_never_imports_the_screen() -> None:
    files = list((ROOT / "unlearn_core").rglob("*.py"))
    assert len(files) > 20
    for file in files:
        assert not any(name.split(".")[0] in ("streamlit", "pages", "app") for name in imports_of(file)), file


def test_no_file_reads_pickles() -> None:
    for file in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "unlearn_core").rglob("*.py")]:
        assert not set(imports_of(file)) & {"pickle", "joblib", "dill", "cloudpickle"}, file
        text = file.read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text, file
        assert "weights_only=False" not in text, file


def test_no_test_file_imports_another() -> None:
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert len(files) > 50
    for file in files:
        assert not [name for name in imports_of(file) if ".test_" in f".{name}"], file
