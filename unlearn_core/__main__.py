"""The command line: python -m unlearn_core."""

import sys

from unlearn_core.command_line import main

sys.exit(main())
