"""The command line: python -m unlearn_core."""

import sys

from unlearn_core.commands.main import main

sys.exit(main())
