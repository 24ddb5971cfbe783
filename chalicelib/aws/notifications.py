"""Topics on SNS."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chalicelib.aws.clients import client, translated_for_users
from chalicelib.errors import InvalidRequest

SUBJECT_LENGTH = 100
"""SNS's own limit; a subject is also one line of ASCII that begins with a letter or digit."""

_BODY_BYTES = 256 * 1024
_TOPIC = re.compile(r"arn:[a-z-]+:sns:(?P<region>[a-z0-9-]+):\d{12}:[A-Za-z0-9_.-]+")


class SnsNotifier:
    """Implements `chalicelib.ports.Notifier`. `get_client` is called at each use, with the topic's
    region: SNS answers only for topics of its own."""

    def __init__(self, get_client: Callable[[str, str], Any] = client) -> None:
        self._get_client = get_client

    def publish(self, topic: str, subject: str, body: str) -> None:
        match = _TOPIC.fullmatch(topic)
        if match is None:
            raise InvalidRequest(f"`{topic}` is not the ARN of an SNS topic")
        message = body.encode()[:_BODY_BYTES].decode(errors="ignore")
        with translated_for_users(f"SNS topic `{topic}`"):
            self._get_client("sns", match["region"]).publish(
                TopicArn=topic, Subject=subject_line(subject), Message=message
            )


def subject_line(text: str) -> str:
    """`text` as SNS takes it."""
    line = re.sub(r"\s+", " ", text).encode("ascii", "replace").decode()
    line = re.sub(r"[\x00-\x1f\x7f]", "?", line).strip()
    if not line[:1].isalnum():
        line = f"DAG {line}".strip()
    return line if len(line) <= SUBJECT_LENGTH else f"{line[: SUBJECT_LENGTH - 3]}..."
