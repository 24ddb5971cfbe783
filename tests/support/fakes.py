"""The ports in memory, under the names that the tests use. The contract suite runs against them as
it runs against S3 and SQS."""

from __future__ import annotations

from chalicelib.simulation.memory_bucket import MemoryBucket as FakeBucket
from chalicelib.simulation.memory_claims import MemoryClaims as FakeClaims
from chalicelib.simulation.memory_queue import MemoryQueue as FakeQueue
from chalicelib.simulation.virtual_clock import VirtualClock as FakeClock

__all__ = ["FakeBucket", "FakeClaims", "FakeClock", "FakeQueue"]
