"""The worker processes of an engine: two lanes per device, one that forgets and one that looks."""

import os
from pathlib import Path
from typing import Any

from distributed import Nanny, Security

from unlearn_core.common.sharing import is_shared

LANES = ("forget", "look")


def lanes(root: Path, security: Security) -> dict[str, Any]:
    """Return the specification of two workers per device."""
    specification = {}
    for number, device in enumerate(_devices()):
        environment = {"UNLEARN_HOME": str(root)}
        if is_shared():
            # Visitors download weights anonymously, not with the token of the server's operator.
            environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
        if device is not None:
            environment["CUDA_VISIBLE_DEVICES"] = device
        for lane in LANES:
            name = f"{lane}-{number}"
            specification[name] = {
                "cls": Nanny,
                "options": {
                    "name": name,
                    "protocol": "tls",
                    "security": security,
                    "nthreads": 1,
                    "resources": {lane: 1},
                    "env": environment,
                    "memory_limit": 0,
                    # By default in the temporary folder, which a container may not have.
                    "local_directory": str(root / "workers"),
                    "dashboard": False,
                    "host": "127.0.0.1",
                    "silence_logs": 40,
                },
            }
    return specification


def _devices() -> list[str | None]:
    """Return the visible CUDA devices, or [None]; without torch, which the server never imports."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [part.strip() for part in chosen.split(",") if part.strip()] or [None]
    cards = Path("/proc/driver/nvidia/gpus")
    count = len(list(cards.iterdir())) if cards.is_dir() else 0
    return [str(number) for number in range(count)] or [None]
