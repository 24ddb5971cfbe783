"""Debian's browser, without a screen and without any talk of its own."""

from __future__ import annotations

from playwright.sync_api import Browser, Playwright

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


def launched(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=PROGRAM, args=SWITCHES)
