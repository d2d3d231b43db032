"""Where jobs run: worker processes, two lanes per device. Importing this package does not import torch."""

from unlearn_core.engine.engine import Engine, Look

__all__ = ["Engine", "Look"]
