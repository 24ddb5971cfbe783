"""`doc_md` is shown as Markdown, and whatever an author writes in it, nothing of it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.serving import served
from tests.support.api import Api

GOOD = """\
# Nightly sales

Loads **yesterday's** orders. See [the wiki](https://wiki.example.com/sales), [the runs](#/runs)
or <mailto:data@example.com>.

| step | owner |
| --- | --- |
| load | *ann* |

- [x] documented
- [ ] finished

```sh
psql -f load.sql
```
"""
CODE = "window.hacked = 1"
HOSTILE = f"""\
<script>{CODE}</script>
<img src=x onerror="{CODE}"> and <b onclick="{CODE}">in a line <img src=x onerror="{CODE}">
<svg onload="{CODE}"><style><img src=x onerror="{CODE}"></style></svg>

<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=1&gt;">

<iframe srcdoc="<script>parent.{CODE}</script>" src="javascript:{CODE}"></iframe>

<form action="javascript:{CODE}"><input name="attributes" autofocus onfocus="{CODE}"></form>

<a href="javascript:{CODE}">one</a> <a href="https://example.com" target="_self">two</a>

[seven](javascript:{CODE}) [eight](data:text/html;base64,PHNjcmlwdD4=) ![nine](javascript:{CODE})
[ten](JaVa&#x09;Script:alert) [eleven](&#14;javascript:alert) [twelve](//evil.example.com)
[thirteen](https://example.com/"onmouseover="x) ![e" onerror="x](https://example.com/x"y="z)
[fourteen][r] <javascript:alert> [fifteen](vbscript:x) [sixteen](file:///etc/passwd)

[r]: javascript:alert "title \" onclick=\"x"

<div id="main" class="message" style="position:fixed;inset:0" onclick="{CODE}">text</div>

<base href="https://evil.example.com/"><meta http-equiv="refresh" content="0;url=//evil">

<details open ontoggle="{CODE}"><summary>more</summary>inside</details>

<template><script>{CODE}</script></template><noscript><p title="</noscript><img src=x>">

```"><script>{CODE}</script>
</code></pre><script>{CODE}</script>
```

`</code><script>{CODE}</script>`

| a<script>{CODE}</script> | b |
| --- | --- |
| <img src=x onerror={CODE}> | [x](javascript:alert) |

# <img src=x onerror={CODE}>
"""


ELEMENTS = """
() => [...document.querySelectorAll(".markdown *")].map(({ localName, attributes }) => ({
  tag: localName,
  attributes: Object.fromEntries([...attributes].map(({ name, value }) => [name, value])),
}))
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path)
    yield api
    api.close()


def documentation(page: Page, api: Api, url: str, text: str) -> None:
    api.rows.dag("a", doc_md=text)
    page.goto(f"{url}#/dags/a")
    page.get_by_text("Documentation", exact=True).click()
    expect(page.locator(".markdown")).not_to_contain_text("Loading")


def test_markdown_is_shown_as_what_it_means(still_page: Page, api: Api) -> None:
    page = still_page
    with served(api) as url:
        documentation(page, api, url, GOOD)
        text = page.locator(".markdown")
        expect(text.get_by_role("heading", level=3)).to_have_text("Nightly sales")
        expect(text.locator("strong")).to_have_text("yesterday's")
        expect(text.get_by_role("cell", name="ann")).to_be_visible()
        expect(text.locator("pre code")).to_have_text("psql -f load.sql\n")
        expect(text.get_by_role("listitem")).to_have_text(["☑ documented", "☐ finished"])
        wiki = text.get_by_role("link", name="the wiki")
        assert wiki.get_attribute("target") == "_blank"
        assert wiki.get_attribute("rel") == "noopener noreferrer"
        runs = text.get_by_role("link", name="the runs")
        assert runs.get_attribute("target") is None
        runs.click()
        expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()


def test_nothing_of_a_hostile_text_runs_or_leaves_its_place(still_page: Page, api: Api) -> None:
    page = still_page
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    with served(api) as url:
        documentation(page, api, url, HOSTILE)
        for link in page.locator(".markdown a").all():
            link.dispatch_event("mouseover")
        assert page.evaluate("window.hacked") is None
        assert [other for other in requests if not other.startswith(url)] == []
        left = page.evaluate(ELEMENTS)
        tags = {element["tag"] for element in left}
        assert tags <= {"a", "code", "h3", "p", "pre", "table", "tbody", "td", "th", "thead", "tr"}
        attributes = [element["attributes"] for element in left]
        assert {name for each in attributes for name in each} <= {"href", "target", "rel", "title"}
        links = [each for each in attributes if "href" in each]
        assert {each["href"].split("/")[2] for each in links} == {"example.com"}
        assert all(each["rel"] == "noopener noreferrer" for each in links)
        expect(page.locator(".markdown")).to_contain_text(f"<script>{CODE}</script>")


def test_a_text_that_takes_long_to_read_does_not_stop_the_page(still_page: Page, api: Api) -> None:
    page = still_page
    with served(api) as url:
        documentation(page, api, url, "*a_" * 3000 + "[" * 3000 + "> " * 1000 + "`" * 3000)
        expect(page.locator(".markdown")).to_contain_text("a_")
