"""Where jobs run: worker processes, two lanes per device. Importing this package does not import torch."""

from unlearn_core.engine.cluster import Engine, Look

__all__ = ["Engine", "Look"]
