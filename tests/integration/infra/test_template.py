"""The template as AWS's own linter sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.permissions import TEMPLATES


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_has_neither_errors_nor_warnings(template: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, template], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
