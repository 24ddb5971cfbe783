"""How the files of the page are served, and what their headers promise."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.app import Chalice
from chalice.test import Client

from chalicelib.web import page_files
from tests.acceptance.test_api_gateway import LambdaContext, event


@pytest.fixture
def app() -> Chalice:
    app = Chalice(app_name="page", configure_logs=False)
    page_files.register(app)
    return app


@pytest.fixture
def client(app: Chalice) -> Iterator[Client]:
    with Client(app) as client:
        yield client


def own_modules() -> list[Path]:
    return [path for path in page_files.FOLDER.rglob("*.js") if path.parent.name != "vendor"]


def test_the_document_lets_in_no_script_but_its_own_files(client: Client) -> None:
    answer = client.http.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Content-Type"].startswith("text/html")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", answer.body.decode())


def test_every_file_that_the_document_names_is_there_and_kept_for_ever(client: Client) -> None:
    text = client.http.get("/").body.decode()
    names = re.findall(r'(?:href|src)="(static/[^"]+)"', text)
    assert len(set(names)) == 3 + len(page_files.first_modules())
    for name in names:
        answer = client.http.get(f"/{name}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def test_the_first_view_takes_a_hundred_kilobytes_at_most(client: Client) -> None:
    document = client.http.get("/").body
    names = set(re.findall(r'(?:href|src)="static/[^/]+/([^"]+)"', document.decode()))
    named = {"app.js", "views/home.js", "lib/dom.js", "widgets/timeline.js", "style.css"}
    assert named <= names
    files = [document, *((page_files.FOLDER / name).read_bytes() for name in names)]
    assert sum(len(gzip.compress(body, 6)) for body in files) <= 100 * 1024


def test_a_view_is_fetched_with_all_that_it_imports_at_once(client: Client) -> None:
    first, later = set(page_files.first_modules()), page_files.later_modules()
    for view, modules in later.items():
        assert modules[0] == view
        for module in modules:
            named = {
                path.relative_to(page_files.FOLDER).as_posix() for path in static_imports(module)
            }
            assert named <= first | set(modules), module
    assert "widgets/log-lines.js" in later["views/run.js"]
    told = re.search(r'<meta name="modules" content="([^"]*)">', client.http.get("/").body.decode())
    assert told is not None
    assert [tuple(names.split()) for names in told[1].split("; ")] == list(later.values())


def static_imports(name: str) -> Iterator[Path]:
    module = page_files.FOLDER / name
    for target in re.findall(r"""from\s*"(\.[^"]+)\"""", module.read_text()):
        yield (module.parent / target).resolve()


def test_libraries_are_loaded_when_they_are_needed_only() -> None:
    for name in page_files.first_modules():
        text = (page_files.FOLDER / name).read_text()
        assert not re.search(r"^import .*vendor/", text, re.MULTILINE), name


def test_every_folder_of_the_page_is_served(client: Client) -> None:
    files = [path for path in page_files.FOLDER.rglob("*") if path.suffix == ".js"]
    folders = {path.parent.relative_to(page_files.FOLDER).as_posix() for path in files}
    assert folders == {".", *page_files.SUBFOLDERS}
    for path in files:
        name = path.relative_to(page_files.FOLDER).as_posix()
        assert client.http.get(f"/static/any/{name}").body == path.read_bytes(), name


@pytest.mark.parametrize("path", ["/", "/static/any/app.js", "/static/any/vendor/dagre.js"])
def test_every_file_of_the_page_carries_the_policy(client: Client, path: str) -> None:
    headers = client.http.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == policy.pop("form-action") == "'none'"
    assert policy.pop("frame-ancestors") == "'none'"
    assert policy.pop("img-src") == "'self' data:"  # data: cannot say anything to anybody
    assert set(policy.values()) == {"'self'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_no_address_in_the_page_is_absolute(client: Client) -> None:
    document = client.http.get("/").body.decode()
    assert not re.search(r'(?:href|src)="(?!static/|#|/")[^"]*"', document)
    for module in own_modules():
        found = re.findall(r"""["'`](?:https?:)?//?(?:api|static)\b""", module.read_text())
        assert not found, module.name


def test_a_page_of_an_older_deployment_gets_what_there_is_and_may_not_keep_it(
    client: Client,
) -> None:
    answer = client.http.get("/static/older/app.js")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


def test_a_file_that_is_known_is_not_sent_again(client: Client) -> None:
    first = client.http.get("/")
    again = client.http.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.body) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fpages.py", "index.html"])
def test_nothing_but_the_files_of_the_page_is_served(client: Client, name: str) -> None:
    assert client.http.get(f"/static/{page_files.version()}/{name}").status_code == 404


def base_of(app: Chalice, path: str) -> str:
    asked = event("GET", "/")
    asked["requestContext"]["path"] = path
    body: Any = app(asked, LambdaContext())["body"]
    found = re.search(r'<base href="([^"]*)">', body)
    assert found is not None
    return found[1]


def test_links_hold_below_a_stage_with_and_without_the_slash_at_the_end(app: Chalice) -> None:
    assert base_of(app, "/api/") == "/api/"
    assert base_of(app, "/api") == "/api/"
    assert base_of(app, "/") == "/"


def test_a_path_cannot_lead_the_links_to_another_host(app: Chalice) -> None:
    assert base_of(app, '//evil.example/"><script>') == ("/evil.example/&quot;&gt;&lt;script&gt;/")


def imports_of(module: Path) -> Iterator[Path]:
    """The modules that it imports, statically or when a function is called."""
    text = module.read_text()
    for name in re.findall(r"""(?:from|import\()\s*"(\.[^"]+)\"""", text):
        yield (module.parent / name).resolve()
    for name in re.findall(
        r"""(?:list|item|module): "(views/[^"]+)"|loadModule\("([^"]+)"\)""", text
    ):
        yield page_files.FOLDER / "".join(name)


def test_every_import_of_a_module_names_a_file_that_is_there() -> None:
    for module in own_modules():
        for imported in imports_of(module):
            assert imported.is_file(), f"{module.name} imports {imported}"


MAY_IMPORT = {
    "page": {"views", "widgets", "lib"},
    "views": {"views", "widgets", "lib"},
    "widgets": {"widgets", "lib", "vendor"},
    "lib": {"lib", "vendor"},
}


def test_a_module_imports_from_its_own_layer_and_from_those_below_it() -> None:
    for module in own_modules():
        for imported in imports_of(module):
            layer = module.parent.name
            assert imported.parent.name in MAY_IMPORT[layer], f"{module.name}: {imported.name}"


def test_no_module_is_left_that_nothing_imports() -> None:
    imported = {path for module in own_modules() for path in imports_of(module)}
    workers = {page_files.FOLDER / "lib" / "graph-layout-worker.js"}
    entry = {page_files.FOLDER / "app.js"}
    assert set(own_modules()) - imported == workers | entry


def test_no_value_becomes_markup_anywhere_in_the_page() -> None:
    forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(")
    for module in own_modules():
        assert not forbidden.search(module.read_text()), module.name


def test_modules_are_short_enough_to_be_read() -> None:
    for module in own_modules():
        assert len(module.read_text().splitlines()) < 350, module.name


def test_libraries_stand_with_their_licence_and_version() -> None:
    for library in (page_files.FOLDER / "vendor").glob("*.js"):
        licence = library.with_suffix(".LICENSE.txt").read_text()
        assert re.match(r"\S+ \d+\.\d+\.\d+, from npm", licence)
