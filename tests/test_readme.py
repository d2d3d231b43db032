"""What the README shows runs as it stands there."""

import re
from pathlib import Path
from typing import Any

from tests.forgetting.tiny import tiny_task
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.registry import method_entry, methods, register

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_method_of_the_readme_forgets(monkeypatch: Any) -> None:
    (block,) = (one for one in blocks("python") if "class Gentle" in one)
    names: dict[str, Any] = {"__name__": "gentle"}
    exec(compile(block, "README.md", "exec"), names)
    monkeypatch.setattr("unlearn_core.forgetting.registry._registered", [])
    gentle = register(names["Gentle"])
    assert method_entry("gentle") in methods()
    method = gentle(method_entry("gentle").complete({"learning_rate": 0.01}))
    loop = ForgettingLoop(method, tiny_task(k=2), 200)
    for _ in loop:
        pass
    assert loop.stopped == "forgotten"


def test_every_python_block_compiles() -> None:
    assert len(blocks("python")) >= 2
    for block in blocks("python"):
        compile(block, "README.md", "exec")
