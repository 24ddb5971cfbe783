"""`python -m chalicelib.cli`, for where the command `orchestrator` is not installed."""

import sys

from chalicelib.cli.main import main

sys.exit(main())
