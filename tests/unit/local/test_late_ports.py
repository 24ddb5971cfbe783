"""Ports that wait for what is behind them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from chalicelib.local.late_ports import Late, LateQueue
from chalicelib.ports import OutgoingMessage
from tests.support.fakes import FakeClock, FakeQueue
from tests.support.waiting import HANG_SECONDS


def test_what_is_sent_before_the_queue_is_there_waits_for_it() -> None:
    late: Late[FakeQueue] = Late()
    queue = FakeQueue(FakeClock())
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(LateQueue(late.get).send, [OutgoingMessage("early")])
        assert not sent.done()
        late.set(queue)
        sent.result(HANG_SECONDS)
    assert queue.bodies() == ["early"]
