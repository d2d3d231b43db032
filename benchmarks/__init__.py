"""Reproduces the numbers of the README."""

import os

from unlearn_core.common.threads import patient_threads

# Before torch is loaded, as the command line and the workers of the app have it.
os.environ.update(patient_threads(os.environ))
