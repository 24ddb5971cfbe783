"""What a page of another origin, open in the same browser, can do to a local cloud: nothing.

The pages lie on another port of this machine and under host names that lead here, so that no rule
of the browser about local networks stands in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.acceptance.local_cloud import LocalCloud
from tests.browser.chromium import launched, new_context
from tests.support.waiting import eventually

REBOUND = "rebound.example"
MINE = "name: mine\ntasks: [{id: a, command: 'true'}]\n"

# Every way by which a page sends something without asking its user; answers all that it could read.
ATTACK = """
async (bases) => {
  const evil = (name) => `name: evil ${name}\\ntasks: [{id: a, command: 'true'}]\\n`;
  const read = [];
  const attempt = async (name, send) => {
    try {
      // What is let in may be answered with 204, after which a frame never says that it is done.
      const given_up = new Promise((resolve) => { setTimeout(resolve, 2000, ""); });
      const text = await Promise.race([send(), given_up]);
      if (text) read.push(`${name}: ${text}`);
    } catch { /* refused by the browser */ }
  };
  const text = async (url, options) => (await fetch(url, options)).text();
  const submit = (url, enctype, name, value) => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.name = `f${Math.random()}`;
    const form = document.createElement("form");
    Object.assign(form, { action: url, method: "POST", enctype, target: frame.name });
    const field = document.createElement("textarea");
    Object.assign(field, { name, value });
    const key = document.createElement("input");
    Object.assign(key, { name: "key", value: "evil-form.yaml" });
    form.append(key, field);
    document.body.append(frame, form);
    frame.onload = () => resolve("");
    form.submit();
  });
  const load = (tag, url) => new Promise((resolve) => {
    const element = document.createElement(tag);
    element.onload = () => resolve(`${tag} loaded`);
    element.onerror = () => resolve("");
    element.src = url;
    document.body.append(element);
  });
  for (const { s3, api, ws } of bases) {
    const dags = `${s3}/orchestrator-dags`;
    const form = new FormData();
    form.append("key", "evil.yaml");
    form.append("file", new Blob([evil("form")]), "evil.yaml");
    await attempt("PUT", () => text(`${dags}/evil-put.yaml`, { method: "PUT", body: evil("put") }));
    await attempt("DELETE", () => text(`${dags}/mine.yaml`, { method: "DELETE" }));
    await attempt("FormData", () => fetch(dags, { method: "POST", mode: "no-cors", body: form }));
    await attempt("delete", () => fetch(`${dags}?delete`, { method: "POST", mode: "no-cors",
      body: "<Delete><Object><Key>mine.yaml</Key></Object></Delete>" }));
    await attempt("reset", () => fetch(`${s3}/moto-api/reset`,
      { method: "POST", mode: "no-cors" }));
    navigator.sendBeacon(dags, form);
    for (const kind of ["multipart/form-data", "text/plain", "application/x-www-form-urlencoded"]) {
      await attempt(kind, () => submit(dags, kind, "file", evil("frame")));
      await attempt(kind, () => submit(`${api}/api/dags/mine/run`, kind, "note", "evil"));
    }
    await attempt("read S3", () => text(`${dags}/mine.yaml`));
    await attempt("read API", () => text(`${api}/api/dags`));
    await attempt("run", () => text(`${api}/api/dags/mine/run`, { method: "POST",
      headers: { "Content-Type": "application/json" }, body: "{}" }));
    await attempt("run blindly", () => fetch(`${api}/api/dags/mine/run`,
      { method: "POST", mode: "no-cors" }));
    for (const tag of ["img", "script"]) {
      await attempt(tag, () => load(tag, `${dags}/picture.svg`));
      await attempt(tag, () => load(tag, `${api}/static/x/app.js`));
    }
    for (const url of [`${ws}/orchestrator-dags/mine.yaml`, `${ws}/api/dags`]) {
      await attempt("WebSocket", () => new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve("WebSocket open");
        socket.onerror = () => resolve("");
      }));
    }
  }
  return read.filter((line) => !line.includes("[object Response]"));
}
"""


class _Empty(BaseHTTPRequestHandler):
    """A page without anything on it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of a server that has nothing to do with the local cloud."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def rebinding(playwright: Playwright) -> Iterator[Browser]:
    """A browser that some names lead to this machine, as their owner's DNS server can have it."""
    rules = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP *.nip.io 127.0.0.1"
    browser = launched(playwright, rules)
    yield browser
    browser.close()


@pytest.fixture(params=[(), ("--host", "0.0.0.0")], ids=["loopback", "open"])
def cloud(tmp_path_factory: pytest.TempPathFactory, request: Any) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("attacked"))
    process = cloud.launch("--no-autoreload", *request.param)
    try:
        eventually(lambda: "Serving on" in cloud.said())
        cloud.upload("mine.yaml", MINE)
        cloud.upload("picture.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>')
        yield cloud
    finally:
        process.kill()
        process.wait()


def is_unharmed(cloud: LocalCloud) -> bool:
    listed = cloud.s3().list_objects_v2(Bucket="orchestrator-dags")["Contents"]
    audit = "POST /api/dags/mine/run"
    ran = [line for line in cloud.said().splitlines() if audit in line and '" 403' not in line]
    return [row["Key"] for row in listed] == ["mine.yaml", "picture.svg"] and not ran


def addresses(cloud: LocalCloud, *hosts: str) -> list[dict[str, str]]:
    return [
        {
            "s3": f"http://{host}:{cloud.s3_port}",
            "api": f"http://{host}:{cloud.api_port}",
            "ws": f"ws://{host}:{port}",
        }
        for host in hosts
        for port in (cloud.s3_port, cloud.api_port)
    ]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "evil.localhost", REBOUND])
def test_a_page_of_another_origin_changes_and_reads_nothing(
    rebinding: Browser, cloud: LocalCloud, elsewhere: int, host: str
) -> None:
    page = new_context(rebinding).new_page()
    page.goto(f"http://{host}:{elsewhere}/")
    bases = addresses(cloud, "127.0.0.1", "localhost", "evil.localhost", "0.0.0.0")
    assert page.evaluate(ATTACK, bases) == []
    page.close()
    assert is_unharmed(cloud)
    assert "Traceback" not in cloud.said()


SAME_ORIGIN = """
async (asked) => {
  const statuses = [];
  for (const [method, path, body] of asked) {
    statuses.push((await fetch(path, { method, body })).status);
  }
  return statuses;
}
"""


@pytest.mark.parametrize("host", [REBOUND, "127.0.0.1.nip.io"])
def test_a_host_name_that_was_let_resolve_to_this_machine_opens_nothing(
    rebinding: Browser, cloud: LocalCloud, host: str
) -> None:
    asked = [
        ["GET", "/orchestrator-dags/mine.yaml", None],
        ["PUT", "/orchestrator-dags/evil.yaml", MINE],
        ["DELETE", "/orchestrator-dags/mine.yaml", None],
        ["GET", "/api/dags", None],
        ["POST", "/api/dags/mine/run", None],
        ["GET", "/", None],
    ]
    page = new_context(rebinding).new_page()
    for port in (cloud.s3_port, cloud.api_port):
        answer = page.goto(f"http://{host}:{port}/")
        assert answer is not None
        assert answer.status == 403
        assert page.evaluate(SAME_ORIGIN, asked) == [403] * len(asked)
    page.close()
    assert is_unharmed(cloud)


def typed(page: Page, address: str) -> int:
    answer = page.goto(address)
    assert answer is not None
    return answer.status


def test_addresses_that_are_typed_and_the_own_page_work(
    rebinding: Browser, cloud: LocalCloud
) -> None:
    cloud.s3().put_object(
        Bucket="orchestrator-dags", Key="mine.yaml", Body=MINE.encode(), ContentType="text/plain"
    )
    page = new_context(rebinding).new_page()
    for host in ("127.0.0.1", "localhost"):
        assert typed(page, f"http://{host}:{cloud.api_port}/") == 200
        assert page.evaluate(SAME_ORIGIN, [["GET", "/api/health", None]]) == [200]
        assert typed(page, f"http://{host}:{cloud.s3_port}/orchestrator-dags/mine.yaml") == 200
    page.close()


def test_an_object_that_is_opened_in_the_browser_cannot_use_the_port_that_it_came_from(
    rebinding: Browser, cloud: LocalCloud
) -> None:
    put = "fetch('/orchestrator-dags/evil.yaml', {method: 'PUT', body: 'x'})"
    cloud.s3().put_object(
        Bucket="orchestrator-runs",
        Key="report.html",
        Body=f"<p>report</p><script>{put}</script>".encode(),
        ContentType="text/html",
    )
    page = new_context(rebinding).new_page()
    assert typed(page, f"{cloud.endpoint}/orchestrator-runs/report.html") == 200
    assert page.locator("p").text_content() == "report"
    page.close()
    assert is_unharmed(cloud)
