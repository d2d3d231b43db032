"""Check the subject of a commit message: a commit-msg hook calls `python .ci/commit_subject.py FILE`."""

import sys
from pathlib import Path

MOST = 72


def complaint(message: str) -> str | None:
    """Return what is wrong with the subject line of a commit message, or None."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject = lines[0] if lines else ""
    if not subject.strip():
        return "The commit message has no subject."
    if len(subject) >= MOST:
        return f"The subject has {len(subject)} characters; keep it under {MOST}."
    if len(lines) > 1 and lines[1].strip():
        return "The second line of a commit message stays empty."
    return None


if __name__ == "__main__":
    found = complaint(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if found:
        sys.exit(found)
