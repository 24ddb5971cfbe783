"""The template as AWS's own linter sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.deploying import TEMPLATE


def test_cfn_lint_has_neither_errors_nor_warnings() -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, TEMPLATE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
