"""Words an unexpected error for users.

Its own message is left out: it may hold a secret, or come from the code that hides secrets.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

log = logging.getLogger("orchestrator.executor")

_FRAMES = 20


def unexpected_error(error: Exception) -> str:
    """Return the error's type and place in this program; the stack goes to this process's log."""
    frames = traceback.extract_tb(error.__traceback__, limit=-_FRAMES)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = f"internal error of the executor: {type(error).__name__}{where}"
    log.error(text, extra={"frames": "".join(traceback.format_list(frames))})
    return text
