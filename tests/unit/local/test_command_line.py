"""Which process of which chalice command starts the local cloud."""

from __future__ import annotations

import chalice.cli  # noqa: F401 - in a chalice command it is loaded
import pytest

from chalicelib.local.command_line import ServeOptions, serve_options

WORKER = {"CHALICE_WORKER": "true"}


def served(line: str, environ: dict[str, str] | None = None) -> ServeOptions | None:
    return serve_options(["/bin/chalice", *line.split()], environ or {})


def test_without_a_reloader_the_one_process_serves() -> None:
    assert served("local --no-autoreload") == ServeOptions("127.0.0.1", 8000, reloaded=False)


def test_under_the_reloader_only_the_worker_serves() -> None:
    assert served("local") is None
    assert served("local", WORKER) == ServeOptions("127.0.0.1", 8000, reloaded=True)


@pytest.mark.parametrize(
    "line",
    [
        "--project-dir /srv/a local --stage prod --port 9000 --host 127.0.0.2",
        "--debug --project-dir=/srv/a local --host=127.0.0.2 --port=9000",
    ],
)
def test_options_are_read_wherever_they_stand(line: str) -> None:
    assert served(line, WORKER) == ServeOptions("127.0.0.2", 9000, reloaded=True)


@pytest.mark.parametrize(
    "line",
    [
        "deploy",
        "deploy --stage local",
        "--project-dir local deploy",
        "package local",
        "delete",
        "invoke -n local",
        "dev plan",
        "gen-policy",
        "",
        "no-such-command",
        "--no-such-option local",
    ],
)
def test_no_other_command_serves(line: str) -> None:
    assert served(line, WORKER) is None


def test_the_address_of_ip_version_6_stands_in_brackets() -> None:
    assert ServeOptions("::1", 8000, reloaded=False).url == "http://[::1]:8000"
