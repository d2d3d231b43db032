"""Where jobs run: worker processes, two lanes per device. Importing this package does not import torch."""
