"""`python -m tests.checkov`: has checkov read the templates and holds what it finds against
`infra/accepted_findings.yaml`. Nothing is asked of checkov's own servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from chalicelib.local.python_versions import RUNNING
from infra.names import PROJECT
from infra.permissions import TEMPLATES
from tests.checkov.findings import accepted_in, differences, found_in
from tests.support.environments import python_with

ACCEPTED = PROJECT / "infra" / "accepted_findings.yaml"
OFFLINE = ("--skip-download", "--download-external-modules", "false")


def main() -> int:
    """0 if what is found is what was accepted."""
    accepted = accepted_in(yaml.safe_load(ACCEPTED.read_text(encoding="utf-8")))
    found = found_in(report_on(*TEMPLATES))
    lines = list(differences(found, accepted))
    for line in lines:
        print(line)
    names = ", ".join(template.name for template in TEMPLATES)
    print(f"checkov: {names}: {len(found)} findings, {len(accepted)} accepted")
    return 1 if lines else 0


def report_on(*templates: Path) -> Mapping[str, Any]:
    """What checkov says of them, in its own words."""
    python = python_with(
        Path(sys.executable), f"checkov-py{RUNNING}", Path(__file__).with_name("requirements.txt")
    )
    files = [word for template in templates for word in ("--file", str(template))]
    shape = ("--framework", "cloudformation", "--compact", "--quiet", "--output", "json")
    # checkov reads settings from its environment, too.
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [python.with_name("checkov"), *files, *shape, *OFFLINE],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        report: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(
            f"checkov failed ({done.returncode}):\n{done.stdout}{done.stderr}"
        ) from None
    return report


if __name__ == "__main__":
    sys.exit(main())
