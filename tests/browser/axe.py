"""What keeps people out, as axe-core finds it: in contexts that are made with `bypass_csp` only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")


def serious(page: Page, **options: Any) -> list[str]:
    """What axe finds that keeps people out."""
    found = page.evaluate(
        "(options) => axe.run({resultTypes: ['violations'], ...options}).then((r) => r.violations)",
        options,
    )
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def serious_in_dark(page: Page) -> list[str]:
    """Return serious findings in dark; only contrast depends on the colours."""
    page.emulate_media(color_scheme="dark")
    return serious(page, runOnly=["color-contrast"])
