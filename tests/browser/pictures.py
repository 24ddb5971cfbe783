"""The pictures of the page in the documents, taken again: `python -m tests.browser.pictures`.

The data and the clock are always the same; the fonts are the machine's.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launched, new_context
from tests.browser.png import with_palette
from tests.browser.scenery import NOW, build
from tests.browser.serving import served
from tests.support.api import Api

FOLDER = Path(__file__).parents[2] / ".github"
WIDTH = 1280


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        api = Api(Path(folder))
        run_id = build(api)
        places = {
            "home": ("", 930),
            "page": (f"runs/{run_id}", 800),
            "grid": ("dags/nightly_sales", 700),
        }
        browser = launched(playwright)
        with served(api) as url:
            for name, (place, height) in places.items():
                picture = taken(browser, f"{url}#/{place}", height)
                (FOLDER / f"{name}.png").write_bytes(with_palette(picture))
        browser.close()
        api.close()


def opened(
    browser: Browser, url: str, *, scheme: str = "light", width: int = WIDTH, height: int = 840
) -> Page:
    """The page at the moment of the scenery, when all of it is there."""
    context = new_context(
        browser,
        viewport={"width": width, "height": height},
        timezone_id="Europe/Berlin",
        locale="en-GB",
        color_scheme=scheme,
    )
    page = context.new_page()
    page.clock.install(time=NOW)
    page.goto(url)
    page.locator("main h1").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    return page


def taken(browser: Browser, url: str, height: int) -> bytes:
    page = opened(browser, url, height=height)
    picture = page.screenshot(animations="disabled")
    page.context.close()
    return picture


if __name__ == "__main__":
    main()
