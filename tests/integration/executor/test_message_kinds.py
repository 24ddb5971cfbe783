"""What Slack, Microsoft Teams, PagerDuty and mailboxes receive, checked against what each takes."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws.ses import SesMailer
from chalicelib.errors import NotFound, OrchestratorError, Unavailable
from chalicelib.executor.notifications import webhook
from chalicelib.executor.notifications.smtp import SmtpMailer
from chalicelib.messages import NotificationMessage, NotificationResult, decode_report
from tests.integration.executor.bench_of_one import Bench
from tests.integration.executor.test_notifications import Receiver

KEY = "0123456789abcdef0123456789abcdef"
URL = "https://orchestrator.example/#/runs/orders__1?task=load"
FAILURE = {
    "event": "failure",
    "installation": "dags",
    "dag_id": "orders",
    "dag_name": "Nightly <orders> & more",
    "run_id": "orders__1",
    "run_type": "scheduled",
    "logical_date": "2026-11-01T06:00:00Z",
    "at": "2026-11-01T06:02:00Z",
    "state": "failed",
    "task_id": None,
    "failed_task": "load",
    "failed_tasks": 1,
    "headline": "Nightly <orders> & more failed",
    "cause": "load: exit code 1: ValueError: *bad* row <3>",
    "title": "Nightly <orders> & more failed",
    "text": "load: exit code 1: ValueError: *bad* row <3>",
    "url": URL,
}
SUCCESS = {**FAILURE, "event": "success", "title": "Nightly <orders> & more succeeded", "text": ""}


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


class Stores:
    """Stores of secrets with these."""

    def __init__(self, **secrets: str) -> None:
        self._secrets = secrets

    def get(self, reference: str) -> str:
        name = reference.partition(":")[2].strip("/")
        if name not in self._secrets:
            raise NotFound(f"{reference} does not exist")
        return self._secrets[name]


def delivered(
    kind: str, target: str, payload: dict[str, Any], **options: Any
) -> NotificationResult:
    """What the executor reports of a notification."""
    bench = Bench(allow_private=True, **options)
    message = NotificationMessage(7, kind, target, "orders: failure", payload)
    bench.executor.handle(message.encode(), time_left=lambda: 900.0)
    report = decode_report(bench.results.bodies()[-1])
    assert isinstance(report, NotificationResult)
    return report


def received(receiver: Receiver, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The body that the kind posts."""
    is_pagerduty = kind == "pagerduty"
    target = KEY if is_pagerduty else receiver.url
    options = {"pagerduty_url": f"{receiver.url}/v2/enqueue"} if is_pagerduty else {}
    assert delivered(kind, target, payload, **options).is_delivered
    body: dict[str, Any] = receiver.seen[-1][2]
    return body


def check_blocks(body: dict[str, Any]) -> None:
    """Fail unless Slack takes the message: https://docs.slack.dev/reference/block-kit/blocks."""
    assert set(body) == {"text", "blocks"}
    assert 0 < len(body["text"]) <= 40_000
    assert len(body["blocks"]) <= 50
    for block in body["blocks"]:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert 0 < len(block["text"]["text"]) <= 150
        elif block["type"] == "section":
            assert ("text" in block) != ("fields" in block)
            if "text" in block:
                assert block["text"]["type"] == "mrkdwn"
                assert 0 < len(block["text"]["text"]) <= 3000
            assert len(block.get("fields", [])) <= 10
            assert all(0 < len(field["text"]) <= 2000 for field in block.get("fields", []))
        else:
            assert block["type"] == "context"
            assert 0 < len(block["elements"]) <= 10


def check_card(body: dict[str, Any]) -> None:
    """Fail unless Teams takes the message: an Adaptive Card of version 1.4, of at most 28 KB."""
    assert len(json.dumps(body)) <= 28 * 1024
    assert body["type"] == "message"
    [attachment] = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    for element in card["body"]:
        if element["type"] == "TextBlock":
            assert element["text"]
            assert element.get("color", "Default") in {"Default", "Good", "Warning", "Attention"}
        else:
            assert element["type"] == "FactSet"
            assert all(set(fact) == {"title", "value"} for fact in element["facts"])
    for action in card.get("actions", []):
        assert set(action) == {"type", "title", "url"}
        assert action["type"] == "Action.OpenUrl"


def check_event(body: dict[str, Any]) -> None:
    """Fail unless PagerDuty's Events API v2 takes the event."""
    assert len(json.dumps(body)) <= 512 * 1024
    assert len(body["routing_key"]) == 32
    assert 0 < len(body["dedup_key"]) <= 255
    assert body["event_action"] in {"trigger", "acknowledge", "resolve"}
    if body["event_action"] == "trigger":
        payload = body["payload"]
        assert 0 < len(payload["summary"]) <= 1024
        assert payload["source"]
        assert payload["severity"] in {"critical", "error", "warning", "info"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", payload["timestamp"])
        assert all(set(link) == {"href", "text"} for link in body.get("links", []))


CHECKS = {"slack": check_blocks, "teams": check_card, "pagerduty": check_event}


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize("payload", [FAILURE, SUCCESS], ids=["failure", "success"])
def test_each_service_takes_what_it_is_sent(
    kind: str, payload: dict[str, Any], receiver: Receiver
) -> None:
    CHECKS[kind](received(receiver, kind, payload))


@pytest.mark.parametrize("char", ["x", "&", "\U0001f600", "*", '"'])
@pytest.mark.parametrize("kind", CHECKS)
def test_however_long_the_words_are_the_services_limits_hold(
    kind: str, char: str, receiver: Receiver
) -> None:
    long = dict.fromkeys(("title", "text", "dag_name", "failed_task", "dag_id"), char * 30000)
    CHECKS[kind](received(receiver, kind, {**FAILURE, **long}))


@pytest.mark.parametrize("kind", CHECKS)
def test_a_message_names_dag_task_cause_and_link(kind: str, receiver: Receiver) -> None:
    text = json.dumps(received(receiver, kind, FAILURE), ensure_ascii=False)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\\\\", "")
    for told in ("Nightly <orders> & more", "load", "ValueError: *bad* row <3>", URL):
        assert told in text


def test_slack_is_not_told_to_interpret_what_a_command_wrote(receiver: Receiver) -> None:
    body = received(receiver, "slack", {**FAILURE, "text": "<!channel> & <https://evil|x>"})
    assert "&lt;!channel&gt; &amp; &lt;https://evil|x&gt;" in json.dumps(body)
    assert "<!channel>" not in json.dumps(body)


def test_a_success_resolves_the_incident_that_the_failure_triggered(receiver: Receiver) -> None:
    failure = received(receiver, "pagerduty", FAILURE)
    success = received(receiver, "pagerduty", {**SUCCESS, "run_id": "orders__2"})
    assert (failure["event_action"], success["event_action"]) == ("trigger", "resolve")
    assert failure["dedup_key"] == success["dedup_key"] == "orchestrator/dags/orders"
    assert receiver.seen[-1][0] == "/v2/enqueue"


def test_incidents_differ_by_installation_dag_task_and_mapped_instance(receiver: Receiver) -> None:
    others: list[dict[str, Any]] = [
        {},
        {"installation": "other"},
        {"dag_id": "invoices"},
        {"task_id": "load", "map_index": -1},
        {"task_id": "load", "map_index": 3},
        {"dag_id": "a" * 300},
        {"dag_id": "a" * 301},
    ]
    keys = [received(receiver, "pagerduty", {**FAILURE, **other})["dedup_key"] for other in others]
    assert len(set(keys)) == len(others)


def test_a_target_can_be_kept_in_a_store_of_secrets(receiver: Receiver) -> None:
    secrets = Stores(slack=f"{receiver.url}/services/T0/secret\n")
    assert delivered("slack", "ssm:/slack", FAILURE, secrets=secrets).is_delivered
    assert receiver.seen[-1][0] == "/services/T0/secret"


def test_a_fetched_target_is_never_told_in_a_reason(receiver: Receiver) -> None:
    receiver.statuses = [404]
    host = receiver.url.removeprefix("http://").partition(":")[0]
    report = delivered(
        "slack", "ssm:/slack", FAILURE, secrets=Stores(slack=f"{receiver.url}/services/secret")
    )
    assert report.reason == f"{host} answered 404"
    wrong = delivered("pagerduty", "env:KEY", FAILURE, secrets=Stores(KEY="not-a-key"))
    assert "not-a-key" not in wrong.reason
    assert "env:KEY" in wrong.reason


def test_a_secret_that_is_missing_is_a_reason_to_try_again(receiver: Receiver) -> None:
    report = delivered("teams", "ssm:/teams", FAILURE, secrets=Stores())
    assert report.is_transient
    assert "ssm:/teams does not exist" in report.reason
    assert not receiver.seen


class _Session(socketserver.StreamRequestHandler):
    """One client of the SMTP server."""

    server: MailServer

    def handle(self) -> None:
        self.reply("220 fake ESMTP")
        while line := self.rfile.readline().decode().strip():
            verb = line.upper().partition(" ")[0]
            if verb == "DATA":
                self.reply("354 go on")
                self.server.received.append(self._data())
            elif verb == "RCPT":
                self.server.recipients.append(line)
                if self.server.refusal:
                    self.reply(self.server.refusal)
                    continue
            self.reply("250-fake\r\n250 8BITMIME" if verb == "EHLO" else "250 ok")
            if verb == "QUIT":
                return

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def reply(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """A small SMTP server; `refusal` is its answer to a recipient."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.received: list[bytes] = []
        self.recipients: list[str] = []
        self.refusal = ""

    @property
    def url(self) -> str:
        return "smtp://{}:{}".format(*self.server_address)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def check_mail(data: bytes, sender: str) -> None:
    mail = message_from_bytes(data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert (mail["To"], mail["From"]) == ("team@example.com", sender)
    assert mail["Subject"] == "Nightly <orders> & more failed"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    for told in ("ValueError: *bad* row <3>", "DAG: Nightly <orders> & more", "Task: load", URL):
        assert told in plain.get_content()
    assert "row &lt;3&gt;" in html.get_content()
    assert f'href="{URL}"' in html.get_content().replace("'", '"')


def test_an_email_goes_to_the_mail_server_of_the_settings(mail_server: MailServer) -> None:
    mailer = SmtpMailer(mail_server.url, "")
    assert delivered("email", "team@example.com", FAILURE, mailer=mailer).is_delivered
    check_mail(mail_server.received[0], "orchestrator@localhost")


def test_the_address_of_the_mail_server_can_be_a_secret(mail_server: MailServer) -> None:
    mailer = SmtpMailer("ssm:/smtp", "a@example.com", Stores(smtp=mail_server.url))
    assert delivered("email", "team@example.com", FAILURE, mailer=mailer).is_delivered
    check_mail(mail_server.received[0], "a@example.com")


@pytest.mark.parametrize(
    ("refusal", "is_transient"), [("550 no such mailbox", False), ("451 try later", True)]
)
def test_only_a_refusal_that_may_pass_is_tried_again(
    mail_server: MailServer, refusal: str, *, is_transient: bool
) -> None:
    mail_server.refusal = refusal
    mailer = SmtpMailer(mail_server.url, "")
    report = delivered("email", "team@example.com", FAILURE, mailer=mailer)
    assert report.is_transient is is_transient
    assert f"answered {refusal[:3]}: {refusal[4:]}" in report.reason


def test_no_password_is_sent_without_tls(mail_server: MailServer) -> None:
    url = mail_server.url.replace("smtp://", "smtp://me:secret@")
    report = delivered("email", "team@example.com", FAILURE, mailer=SmtpMailer(url, ""))
    assert report.reason == "the mail server 127.0.0.1 offers no TLS, so no password is sent to it"
    assert not mail_server.received


def test_without_a_mail_server_the_reason_names_the_setting() -> None:
    report = delivered("email", "team@example.com", FAILURE, mailer=SmtpMailer("", ""))
    assert "ORCHESTRATOR_SMTP_URL is not set" in report.reason
    assert not report.is_transient


def test_a_mail_server_that_is_gone_is_tried_again(mail_server: MailServer) -> None:
    mail_server.server_close()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 did not answer"):
        SmtpMailer(mail_server.url, "").send("team@example.com", EmailMessage())


@mock_aws
def test_amazon_ses_sends_from_a_verified_address() -> None:
    ses = boto3.client("ses", region_name="eu-central-1")
    mailer = SesMailer("orchestrator@example.com", lambda _: ses)
    refused = delivered("email", "team@example.com", FAILURE, mailer=mailer)
    assert "Amazon SES, from orchestrator@example.com to team@example.com" in refused.reason
    ses.verify_email_identity(EmailAddress="orchestrator@example.com")
    assert delivered("email", "team@example.com", FAILURE, mailer=mailer).is_delivered
    assert ses.get_send_quota()["SentLast24Hours"] > 0


def test_without_a_sender_ses_is_not_asked() -> None:
    with pytest.raises(OrchestratorError, match="--email-from"):
        SesMailer("", lambda _: None).send("team@example.com", EmailMessage())
