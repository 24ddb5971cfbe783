"""E-mail by Amazon SES."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from chalicelib.aws.clients import client, translated_for_users
from chalicelib.errors import InvalidRequest


class SesMailer:
    """Implements `chalicelib.ports.Mailer`. `sender` is an address that SES has verified, in the
    installation's region. `get_client` is called at each use."""

    def __init__(self, sender: str, get_client: Callable[[str], Any] = client) -> None:
        self._sender = sender
        self._get_client = get_client

    def send(self, to: str, message: EmailMessage) -> None:
        if not self._sender:
            raise InvalidRequest(
                "ORCHESTRATOR_EMAIL_FROM is not set: deploy with --email-from and an address that"
                " Amazon SES has verified"
            )
        message["From"] = self._sender
        with translated_for_users(f"Amazon SES, from {self._sender} to {to}"):
            self._get_client("ses").send_raw_email(
                Source=self._sender, Destinations=[to], RawMessage={"Data": message.as_bytes()}
            )
