"""Which requests come from this machine and the server's own page, and which from elsewhere."""

from __future__ import annotations

import pytest

from chalicelib.web import cross_site
from tests.support.foreign_requests import FOREIGN, OWN, Sent, filled


def refusal(sent: Sent) -> str | None:
    sent = filled(sent, 8000)
    pairs = [header.partition(": ")[::2] for header in sent.headers]
    return cross_site.refusal(pairs, target=sent.target and f"{sent.target}/x")


@pytest.mark.parametrize("sent", OWN, ids=lambda sent: sent.who)
def test_programs_and_the_own_page_are_let_in(sent: Sent) -> None:
    assert refusal(sent) is None


@pytest.mark.parametrize("sent", FOREIGN, ids=lambda sent: sent.who)
def test_other_pages_and_other_names_are_kept_out_and_told_why(sent: Sent) -> None:
    assert refusal(sent)


def test_a_server_may_know_more_hosts_than_loopback() -> None:
    def knows(name: str) -> bool:
        return name == "buildbox"

    own = [("Host", "BuildBox:8000"), ("Origin", "http://buildbox:8000")]
    assert cross_site.refusal(own, knows) is None
    assert cross_site.refusal([("Host", "buildbox.evil.example")], knows)
    assert cross_site.refusal([("Host", "buildbox:8000"), ("Origin", "null")], knows)


def test_what_is_told_is_short_and_printable() -> None:
    reason = cross_site.refusal([("Host", "\x1b[2J" + "a" * 10_000)])
    assert reason is not None
    assert len(reason) < 300
    assert reason.isprintable()
