"""Debian's browser, without a screen and without any talk of its own."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from tests.support.waiting import HANG_SECONDS

expect.set_options(timeout=HANG_SECONDS * 1000)

PROGRAM = "/usr/bin/chromium"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launched(playwright: Playwright, *switches: str) -> Browser:
    return playwright.chromium.launch(
        executable_path=PROGRAM, args=[*SWITCHES, *switches], timeout=HANG_SECONDS * 1000
    )


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Waits for anything as long as the tests do."""
    context = browser.new_context(**options)
    context.set_default_timeout(HANG_SECONDS * 1000)
    return context
