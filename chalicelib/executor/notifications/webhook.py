"""Notifications by an HTTP POST to an address that a DAG's author chose.

A private address is refused (see `public_hosts`), and a redirect is an answer like any other.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from typing import Any

from chalicelib.executor.notifications.sender import NotDelivered, SenderContext
from chalicelib.executor.public_hosts import (
    BUSY,
    HttpTarget,
    PrivateAddress,
    connected,
    words_of,
)
from chalicelib.messages import NotificationMessage

TIMEOUT = 10.0
"""Seconds for one try, from the connection to the answer's head."""
PAUSES = (1.0, 3.0)
"""Seconds before the second and the third try."""


class WebhookFailed(Exception):
    """The text says why, and names the host at most: the rest of a webhook's URL is a secret.
    `is_transient`: the same post may succeed later."""

    def __init__(self, text: str, *, is_transient: bool = False) -> None:
        super().__init__(text)
        self.is_transient = is_transient


class WebhookSender:
    """Posts the facts as JSON, with a key by which a receiver recognises one that comes twice."""

    def __init__(self, context: SenderContext) -> None:
        self._context = context

    def send(self, notification: NotificationMessage) -> None:
        post_json(self._context, notification, notification.target, notification.payload)


def post_json(
    context: SenderContext, notification: NotificationMessage, url: str, body: dict[str, Any]
) -> None:
    """Post `body` to `url` as the content of the notification. Raises NotDelivered."""
    try:
        webhook = Webhook(url, allow_private=context.allow_private)
        key = f"notification-{notification.id}"
        webhook.post(json.dumps(body).encode(), key=key, pause=context.running.wait)
    except WebhookFailed as error:
        raise NotDelivered(str(error), is_transient=error.is_transient) from error


class _TryAgain(Exception):
    """The try failed; the next may not."""


class Webhook:
    """A URL that takes JSON. Raises WebhookFailed for one that cannot be used."""

    def __init__(self, url: str, *, allow_private: bool = False) -> None:
        try:
            self._target = HttpTarget.parse(url)
        except ValueError:
            raise WebhookFailed("the webhook is not a URL") from None
        if not self._target.is_http:
            raise WebhookFailed("a webhook is a URL that begins with https:// or http://")
        if self._target.has_credentials:
            raise WebhookFailed("a webhook's URL cannot hold a user or password")
        self._name = self._target.name
        self._allow_private = allow_private

    def post(self, body: bytes, *, key: str, pause: Callable[[float], bool]) -> None:
        """Send it, again after a pause where the other side was busy or silent. `key` tells the
        receiver which of its posts are the same. `pause` waits, and answers whether to give up.
        Raises WebhookFailed."""
        for seconds in (*PAUSES, None):
            try:
                self._try(body, key)
                return
            except _TryAgain as error:
                if seconds is None or pause(seconds):
                    text = f"{error}; tried {len(PAUSES) + 1} times"
                    raise WebhookFailed(text, is_transient=True) from error

    def _try(self, body: bytes, key: str) -> None:
        try:
            status = self._ask(body, key)
        except ssl.SSLCertVerificationError as error:
            # Not at once, but before the day is over somebody may have renewed it.
            text = f"{self._name}: {error.verify_message}"
            raise WebhookFailed(text, is_transient=True) from error
        except PrivateAddress as error:
            raise WebhookFailed(
                f"{self._name} has a private address; a webhook may only go to public ones"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _TryAgain(f"{self._name} did not answer: {words_of(error)}") from error
        if 200 <= status < 300:
            return
        if status >= 500 or status in BUSY:
            raise _TryAgain(f"{self._name} answered {status}")
        hint = "; redirects are not followed, give the last URL" if 300 <= status < 400 else ""
        raise WebhookFailed(f"{self._name} answered {status}{hint}")

    def _ask(self, body: bytes, key: str) -> int:
        headers = {
            "Host": self._target.host_header,
            "Content-Type": "application/json",
            "User-Agent": "orchestrator",
            "Idempotency-Key": key,
            "Connection": "close",
        }
        with connected(self._target, TIMEOUT, allow_private=self._allow_private) as sock:
            connection = http.client.HTTPConnection(self._name, self._target.port)
            connection.sock = sock
            connection.request("POST", self._target.path, body, headers)
            return connection.getresponse().status
