"""Results that survive an interrupted benchmark: one JSON file, one entry a case."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


class ResultsFile:
    """The measured cases of one benchmark, by the case's key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cases: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def add(self, key: str, result: dict[str, Any]) -> None:
        """Keep a case's result at once; a kill in between leaves the file of before."""
        self.cases[key] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        half = self.path.with_suffix(".half")
        half.write_text(json.dumps(self.cases, indent=1) + "\n")
        half.replace(self.path)
