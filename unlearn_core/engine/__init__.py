"""Where jobs run: worker processes with two lanes a device. Importing this imports no torch."""

from unlearn_core.engine.cluster import Engine, Look

__all__ = ["Engine", "Look"]
