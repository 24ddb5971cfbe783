"""Sources and the editor: colours, copying, suggestions, checks, saving, two people at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib import bootstrap
from chalicelib.scheduler.registration import register
from tests.browser.axe import AXE, serious, serious_in_dark
from tests.browser.chromium import new_context
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.fakes import FakeBucket

SOURCE = """\
# Sales of the night.
name: Nightly
schedule: "0 2 * * *"
tasks:
  - id: load
    command: |
      if true; then
        echo "$PRICE"
      fi
"""
KEY = "sales/nightly.yaml"


class Registering(FakeBucket):
    """Registers what is stored, as the events of a real bucket do."""

    def replace(self, key: str, body: bytes, etag: str | None) -> str | None:
        new = super().replace(key, body, etag)
        if new is not None:
            register(bootstrap.scheduler(), [key])
        return new


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path)
    api.dags = Registering()
    api.configure()
    assert api.dags.replace(KEY, SOURCE.encode(), None)
    yield api
    api.close()


@pytest.fixture
def site(api: Api) -> Iterator[str]:
    with served(api) as url:
        yield url


def editor(page: Page, site: str, key: str = KEY) -> None:
    page.goto(f"{site}#/edit?key={key}")
    is_ready(page)
    expect(page.locator("#check")).to_contain_text("No problems")


def type_at_end(page: Page, text: str) -> None:
    page.locator("#editor .cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def test_a_source_has_colours_and_can_be_copied_and_downloaded(still_page: Page, site: str) -> None:
    page = still_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}#/dags/nightly?tab=source")
    source = page.get_by_label("Source", exact=True)
    expect(source.locator(".hljs-comment")).to_have_text("# Sales of the night.")
    expect(source.locator(".line")).to_have_text(SOURCE.rstrip("\n").split("\n"))
    page.get_by_role("button", name="Copy nightly.yaml").click()
    expect(page.locator("#message")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == SOURCE
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "nightly.yaml"
    assert Path(download.value.path()).read_text() == SOURCE


def test_a_file_is_edited_checked_compared_and_saved(still_page: Page, api: Api, site: str) -> None:
    page = still_page
    page.goto(f"{site}#/dags/nightly?tab=source")
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.locator("#check")).to_have_text("No problems. Nightly: 1 task.")
    # A mistake shows at its line and in words, while it is typed.
    type_at_end(page, "    retris: 2")
    expect(page.locator(".problems li")).to_contain_text("retris")
    expect(page.locator("#editor .cm-lint-marker-error")).to_have_count(1)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Not saved")).to_be_visible()
    assert api.dags.objects[KEY] == SOURCE.encode()
    # The right word is suggested from the schema.
    type_at_end(page, "")
    page.keyboard.press("Shift+Home")
    page.keyboard.press("Delete")  # all but the indentation
    page.keyboard.type("retri")
    option = page.locator("#editor .cm-tooltip-autocomplete li", has_text="retries").first
    expect(option).to_be_visible()
    option.click()
    page.keyboard.type("2")
    expect(page.locator("#check")).to_have_text("No problems. Nightly: 1 task.")
    page.get_by_role("button", name="Show changes").click()
    expect(page.get_by_label("Changes", exact=True).locator(".added")).to_have_text(
        "    retries: 2"
    )
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/#/dags/nightly?tab=source")
    expect(page.get_by_label("Source", exact=True)).to_contain_text("retries: 2")
    assert api.get("/api/dags/nightly").json["version"] == 2
    assert api.get("/api/audit").json["audit"][0]["target"] == KEY


def test_of_two_who_edit_a_file_neither_overwrites_the_other(
    still_page: Page, api: Api, site: str
) -> None:
    page = still_page
    editor(page, site)
    type_at_end(page, "# mine\n")
    theirs = SOURCE.replace("Nightly", "Theirs").encode()
    api.dags.put(KEY, theirs)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Somebody else")).to_be_visible()
    assert api.dags.objects[KEY] == theirs
    page.get_by_role("button", name="Compare with theirs").click()
    changes = page.get_by_label("Changes", exact=True)
    expect(changes.locator(".removed").first).to_have_text("name: Theirs")
    page.get_by_role("button", name="Replace theirs with mine").click()
    page.wait_for_url("**/#/dags/nightly?tab=source")
    assert api.dags.objects[KEY] == f"{SOURCE}# mine\n".encode()


def test_what_was_typed_survives_leaving_and_reloading_the_page(
    still_page: Page, site: str
) -> None:
    page = still_page
    editor(page, site)
    type_at_end(page, "# unsaved\n")
    page.goto(f"{site}#/dags")
    is_ready(page)
    page.goto(f"{site}#/edit?key={KEY}")
    page.reload()
    expect(page.locator(".notice")).to_contain_text("Your unsaved changes were restored.")
    expect(page.locator("#editor .cm-content")).to_contain_text("# unsaved")
    page.get_by_role("button", name="Discard them").click()
    expect(page.locator("#editor .cm-content")).not_to_contain_text("# unsaved")
    expect(page.locator(".notice")).to_have_count(0)


def test_a_first_dag_is_created_on_the_page(still_page: Page, api: Api, site: str) -> None:
    page = still_page
    page.goto(f"{site}#/edit")
    expect(page.locator("#check")).to_have_text("No problems. Hello: 2 tasks.")
    page.get_by_label("File name").fill(KEY)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#file-name-error")).to_have_text(
        "The bucket has a file of this name already."
    )
    page.get_by_label("File name").fill("../hello.yaml")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#file-name-error")).to_contain_text("not a usable name")
    page.get_by_label("File name").fill("team/hello")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/#/dags/hello?tab=source")
    assert "team/hello.yaml" in api.dags.objects


def test_who_may_not_edit_is_told_why(still_page: Page, api: Api, site: str) -> None:
    api.configure(editable_dags=None)
    page = still_page
    page.goto(f"{site}#/dags/nightly?tab=source")
    expect(page.get_by_role("button", name="Download")).to_be_visible()
    expect(page.get_by_role("link", name="Edit", exact=True)).to_have_count(0)
    page.goto(f"{site}#/edit?key={KEY}")
    expect(page.locator("main")).to_contain_text("switched off (ORCHESTRATOR_EDITOR)")


def test_the_keyboard_shortcuts_of_the_page_do_nothing_in_the_editor(
    still_page: Page, site: str
) -> None:
    page = still_page
    editor(page, site)
    type_at_end(page, "# ? gd /jk\n")
    expect(page.locator("#editor .cm-content")).to_contain_text("# ? gd /jk")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # a keyboard gets out of the editor, too
    assert page.evaluate("document.activeElement.id") != "editor"


def test_the_editor_is_accessible_in_light_and_dark_and_fits_a_phone(
    browser: Browser, site: str
) -> None:
    context = new_context(browser, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{site}#/edit?key={KEY}")
    expect(page.locator("#check")).to_contain_text("No problems")
    page.add_script_tag(content=AXE)
    assert serious(page) == []
    assert serious_in_dark(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    box = page.get_by_role("button", name="Save").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 844
    context.close()
