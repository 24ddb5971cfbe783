"""An error that nobody planned, in words that can be shown.

What it says itself is not: it may hold a secret, and it may come from the code that hides them.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

log = logging.getLogger("orchestrator.executor")

_FRAMES = 20


def internal_error(error: Exception) -> str:
    """What happened and where in this program; the way there goes into this process's own log."""
    frames = traceback.extract_tb(error.__traceback__, limit=-_FRAMES)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = f"internal error of the executor: {type(error).__name__}{where}"
    log.error(text, extra={"frames": "".join(traceback.format_list(frames))})
    return text
