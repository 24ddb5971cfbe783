"""A real Prometheus scrapes the local cloud, with what `examples/monitoring` holds for it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.names import PROJECT
from tests.acceptance.local_cloud import LocalCloud, free_port
from tests.support.waiting import HANG_SECONDS, eventually

EXAMPLES = PROJECT / "examples" / "monitoring"
PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")

SLEEPER = """
name: Sleeper
tasks:
  - {id: wait, command: sleep 600, pool: database}
"""
_METRIC = re.compile(r"orchestrator_\w+")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def dashboard_queries() -> list[str]:
    """Return the dashboard's queries, its variables filled in."""
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [text.replace("$__rate_interval", "5m").replace("$dag", ".*") for text in found]


def alert_queries() -> list[str]:
    return re.findall(r"^ +expr: (.+)$", (EXAMPLES / "alerts.rules").read_text(), re.MULTILINE)


class Server:
    """Prometheus on `port`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=HANG_SECONDS) as response:
            reply = json.load(response)
        assert reply["status"] == "success", reply
        return reply["data"]

    def values(self, query: str) -> list[float]:
        try:
            return [float(row["value"][1]) for row in self.get("query", query=query)["result"]]
        except OSError:
            return []


@contextmanager
def prometheus(folder: Path, target_port: int) -> Iterator[Server]:
    """Run the example's configuration with this target, scraped every second."""
    folder.mkdir()
    config = (EXAMPLES / "prometheus.conf").read_text()
    config = config.replace("127.0.0.1:8000", f"127.0.0.1:{target_port}")
    config = config.replace("scrape_interval: 30s", "scrape_interval: 1s")
    (folder / "prometheus.conf").write_text(config)
    shutil.copy(EXAMPLES / "alerts.rules", folder)
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(PROMETHEUS),
                f"--config.file={folder / 'prometheus.conf'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield Server(port)
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)


@pytest.mark.skipif(PROMETHEUS is None, reason="Prometheus is not installed")
def test_prometheus_scrapes_the_local_cloud_and_the_examples_work(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path)
    (cloud.dags_dir / "sleeper.yaml").write_text(SLEEPER)
    (cloud.dags_dir / "broken.yaml").write_text("name: Broken\ntasks: []\n")
    with cloud.running():
        eventually(lambda: "sleeper" in cloud.dag_ids())
        cloud.call("PUT", "/pools/database", {"slots": 1})
        cloud.run("sleeper")
        with prometheus(tmp_path / "prometheus", cloud.api_port) as server:
            eventually(lambda: server.values('up{job="orchestrator"}') == [1.0])
            running = 'orchestrator_active_tasks{dag_id="sleeper", state="running"}'
            eventually(lambda: server.values(running) == [1.0])
            eventually(lambda: server.values("orchestrator_import_errors") == [1.0])
            assert server.values('orchestrator_pool_used_slots{pool="database"}') == [1.0]
            rules = server.get("rules")["groups"][0]["rules"]
            assert len(rules) == len(alert_queries())
            for query in (*dashboard_queries(), *alert_queries()):
                server.get("query", query=query)
            known = set(server.get("targets/metadata", match_target='{job="orchestrator"}')[0])
            assert known  # metadata has entries
            names = {row["metric"] for row in server.get("targets/metadata")}
        used = {
            name for q in (*dashboard_queries(), *alert_queries()) for name in _METRIC.findall(q)
        }
        unknown = {n for n in used if n not in names and _SUFFIX.sub("", n) not in names}
        assert unknown == set()
        check_format(cloud)


def check_format(cloud: LocalCloud) -> None:
    """Let Prometheus's own tools judge the text and the rules."""
    url = f"http://127.0.0.1:{cloud.api_port}/api/metrics"
    with urllib.request.urlopen(url, timeout=HANG_SECONDS) as response:
        text = response.read()
    for command, given in (
        (["check", "metrics"], text),
        (["check", "rules", str(EXAMPLES / "alerts.rules")], b""),
    ):
        done = subprocess.run([str(PROMTOOL), *command], input=given, capture_output=True)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()


def test_the_dashboard_is_one_that_grafana_can_import() -> None:
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(panel["targets"] and panel["title"] for panel in dashboard["panels"])
    assert {v["name"] for v in dashboard["templating"]["list"]} == {"datasource", "dag"}
