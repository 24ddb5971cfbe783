"""Delivering notifications: what arrives, what is tried again, and where a webhook may not go."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.notifications import command, webhook
from chalicelib.messages import NotificationMessage, NotificationResult, decode_report
from tests.integration.executor.bench_of_one import Bench
from tests.support.certificates import certificate

PAYLOAD = {"dag_id": "d", "state": "failed", "note": 'é " $(x)'}


class Receiver:
    """A web server that answers with `statuses`, one after the other, the last one for ever."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.seen: list[tuple[str, dict[str, str], Any]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append((self.path, dict(self.headers), json.loads(body)))
                left = receiver.statuses
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                self.send_header("Location", f"{receiver.url}/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        return Handler


class FakeNotifier:
    def __init__(self) -> None:
        self.published: list[tuple[str, str, str]] = []
        self.refusal = ""

    def publish(self, topic: str, subject: str, body: str) -> None:
        if self.refusal:
            raise OrchestratorError(self.refusal)
        self.published.append((topic, subject, body))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PAUSES", (0.01, 0.01))


def reported(
    bench: Bench, how: str, target: str, *, env: dict[str, str] | None = None
) -> NotificationResult:
    """What the executor reports of a notification."""
    message = NotificationMessage(7, how, target, "d failed", PAYLOAD, env or {})
    bench.executor.handle(message.encode(), time_left=lambda: 900.0)
    report = decode_report(bench.results.bodies()[-1])
    assert isinstance(report, NotificationResult)
    assert report.id == 7
    return report


def test_a_webhook_gets_the_payload_as_json_with_a_key(receiver: Receiver) -> None:
    report = reported(Bench(allow_private=True), "webhook", f"{receiver.url}/hook/a?b=c d")
    assert report == NotificationResult(7, is_delivered=True)
    [(path, headers, body)] = receiver.seen
    assert (path, body) == ("/hook/a?b=c%20d", PAYLOAD)
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "notification-7"
    assert headers["Host"] == receiver.url.removeprefix("http://")


def test_a_webhook_that_is_busy_is_tried_again(receiver: Receiver) -> None:
    receiver.statuses = [503, 429, 204]
    assert reported(Bench(allow_private=True), "webhook", receiver.url).is_delivered
    assert len(receiver.seen) == 3
    assert len({headers["Idempotency-Key"] for _, headers, _ in receiver.seen}) == 1


def test_a_webhook_that_stays_busy_is_given_up(receiver: Receiver) -> None:
    receiver.statuses = [500]
    report = reported(Bench(allow_private=True), "webhook", f"{receiver.url}/a-token")
    assert report.reason == "127.0.0.1 answered 500; tried 3 times"
    assert len(receiver.seen) == 3


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_webhook_that_refuses_is_not_asked_again(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    report = reported(Bench(allow_private=True), "webhook", receiver.url)
    assert report.reason == f"127.0.0.1 answered {status}"
    assert len(receiver.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    report = reported(Bench(allow_private=True), "webhook", receiver.url)
    assert report.reason == (
        f"127.0.0.1 answered {status}; redirects are not followed, give the last URL"
    )
    assert [path for path, _, _ in receiver.seen] == ["/"]


def test_a_webhook_may_not_go_to_a_private_address(receiver: Receiver) -> None:
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0"):
        url = receiver.url.replace("127.0.0.1", host)
        report = reported(Bench(), "webhook", f"{url}/a-token")
        assert "has a private address; a webhook may only go to public ones" in report.reason
        assert "a-token" not in report.reason
    assert receiver.seen == []


def test_a_host_of_which_one_address_is_private_is_refused(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("8.8.8.8", port)), (*kind, ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    report = reported(Bench(), "webhook", receiver.url.replace("127.0.0.1", "both.example"))
    assert report.reason.startswith("both.example has a private address")


def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def once(host: str, port: int, *args: Any, **named: Any) -> Any:
        asked.append(host)
        return resolve("127.0.0.1" if host == "rebind.example" else host, port, *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    url = receiver.url.replace("127.0.0.1", "rebind.example")
    assert reported(Bench(allow_private=True), "webhook", url).is_delivered
    assert asked.count("rebind.example") == 1
    assert receiver.seen[0][1]["Host"].startswith("rebind.example:")


def test_a_webhook_that_trickles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT", 0.4)
    done = threading.Event()

    def trickle() -> None:
        while not done.is_set():
            peer, _ = listener.accept()
            with peer:
                try:
                    peer.sendall(b"HTTP/1.1 ")
                    while not done.wait(0.05):
                        peer.sendall(b"2")
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=trickle, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        report = reported(Bench(allow_private=True), "webhook", url)
        done.set()
    assert "127.0.0.1 did not answer" in report.reason


def test_a_webhook_that_nobody_serves_is_tried_and_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    report = reported(Bench(allow_private=True), "webhook", f"http://127.0.0.1:{port}/x")
    assert report.reason == "127.0.0.1 did not answer: Connection refused; tried 3 times"


def test_a_server_that_does_not_speak_tls_is_no_https(receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "https:")
    report = reported(Bench(allow_private=True), "webhook", url)
    assert not report.is_delivered
    assert receiver.seen == []


def serve_tls(receiver: Receiver, certified: Path) -> str:
    """Serve TLS from now on; return the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    return f"https://localhost:{receiver.server.server_port}/x"


def test_a_webhook_over_tls_is_reported(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certified))
    url = serve_tls(receiver, certified)
    assert reported(Bench(allow_private=True), "webhook", url) == NotificationResult(
        7, is_delivered=True
    )


def test_a_certificate_that_nobody_vouches_for_is_refused(
    receiver: Receiver, tmp_path: Path
) -> None:
    url = serve_tls(receiver, certificate(tmp_path, "localhost"))
    report = reported(Bench(allow_private=True), "webhook", url)
    assert report.reason == "localhost: self-signed certificate"
    assert receiver.seen == []


def test_a_certificate_for_another_name_is_refused(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = certificate(tmp_path, "other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certified))
    report = reported(Bench(allow_private=True), "webhook", serve_tls(receiver, certified))
    assert "is not valid for 'localhost'" in report.reason
    assert receiver.seen == []


@pytest.mark.parametrize(
    "url", ["ftp://x/", "file:///etc/passwd", "", "http://", "https://u:p@x/", "http://x:99999/"]
)
def test_what_is_no_webhook_is_refused(url: str) -> None:
    report = reported(Bench(), "webhook", url)
    assert not report.is_delivered
    assert "URL" in report.reason


def test_a_topic_gets_the_subject_and_the_payload() -> None:
    notifier = FakeNotifier()
    assert reported(Bench(notifier=notifier), "sns", "arn:x").is_delivered
    [(topic, subject, body)] = notifier.published
    assert (topic, subject, json.loads(body)) == ("arn:x", "d failed", PAYLOAD)


def test_a_topic_that_refuses_is_given_up_with_its_reason() -> None:
    notifier = FakeNotifier()
    notifier.refusal = "SNS topic `arn:x`: Publish answered NotFound"
    assert reported(Bench(notifier=notifier), "sns", "arn:x").reason == notifier.refusal


def test_without_a_way_to_topics_it_says_so() -> None:
    assert reported(Bench(), "sns", "arn:x").reason == "this executor has no access to topics"


def test_a_kind_that_is_not_known_is_tried_again() -> None:
    assert reported(Bench(), "pigeon", "x") == NotificationResult(
        7, False, "the notification kind `pigeon` is unknown to this executor", is_transient=True
    )


def test_a_command_runs_with_the_variables_it_is_given(tmp_path: Path) -> None:
    text = f'echo noise; printf "%s" "$STATE$ORCHESTRATOR_X" > {tmp_path}/delivered'
    bench = Bench({"PATH": os.environ["PATH"]})
    assert reported(bench, "command", text, env={"STATE": "$(failed)"}).is_delivered
    assert (tmp_path / "delivered").read_text() == "$(failed)"
    assert bench.runs.objects == {}


def test_a_command_that_fails_has_not_delivered() -> None:
    assert reported(Bench(), "command", "exit 3") == NotificationResult(
        7, False, "exit code 3", True
    )


def nobody_there() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/x"


PASSES = {
    "a webhook where nobody listens": ("webhook", nobody_there()),
    "a webhook of a name that is not known": ("webhook", "http://nowhere.invalid/x"),
    "a command that cannot reach anybody": ("command", "exit 7"),
    "a command that was killed": ("command", "kill -9 $$"),
    "a topic that is busy": ("sns", "busy"),
}
STAYS = {
    "no URL": ("webhook", "http://x:99999/"),
    "a scheme that is none": ("webhook", "ftp://x/"),
    "a command that is missing": ("command", "nosuchprogram"),
    "a file that is no command": ("command", "/etc/passwd"),
    "a topic that is gone": ("sns", "gone"),
}


class MoodyNotifier:
    def publish(self, topic: str, subject: str, body: str) -> None:
        raise (Unavailable if topic == "busy" else OrchestratorError)(topic)


@pytest.mark.parametrize(("how", "target"), PASSES.values(), ids=PASSES.keys())
def test_what_may_pass_is_to_be_sent_again(how: str, target: str) -> None:
    report = reported(Bench(notifier=MoodyNotifier(), allow_private=True), how, target)
    assert (report.is_delivered, report.is_transient) == (False, True)
    assert report.reason


@pytest.mark.parametrize(("how", "target"), STAYS.values(), ids=STAYS.keys())
def test_what_stays_as_it_is_has_failed_at_once(how: str, target: str) -> None:
    report = reported(Bench(notifier=MoodyNotifier(), allow_private=True), how, target)
    assert (report.is_delivered, report.is_transient) == (False, False)
    assert report.reason


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_an_answer_that_may_pass_is_to_be_sent_again(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    assert reported(Bench(allow_private=True), "webhook", receiver.url).is_transient


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 413, 422])
def test_an_answer_that_will_not_change_has_failed_at_once(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    assert not reported(Bench(allow_private=True), "webhook", receiver.url).is_transient


def test_a_private_address_has_failed_at_once(receiver: Receiver) -> None:
    assert not reported(Bench(), "webhook", receiver.url).is_transient


def test_a_command_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "COMMAND_SECONDS", 0.3)
    report = reported(Bench(), "command", "sleep 60")
    assert report == NotificationResult(
        7, False, "its command was stopped after 0.3 s", is_transient=True
    )


def test_a_notification_for_which_no_time_is_left_goes_back_to_the_queue() -> None:
    bench = Bench()
    with pytest.raises(Unavailable, match="only 60 s are left"):
        bench.executor.handle(
            NotificationMessage(7, "command", "true", "", {}).encode(), time_left=lambda: 60.0
        )
    assert bench.results.bodies() == []


def test_an_executor_that_is_stopped_reports_no_notification() -> None:
    bench = Bench()
    bench.executor.stop()
    with pytest.raises(Unavailable, match="being stopped"):
        reported(bench, "command", "true")
    assert bench.results.bodies() == []
