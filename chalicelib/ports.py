"""What the rooms need of the outside world: buckets, queues and claims, and for commands secrets, a
role's credentials and ways to notify people.

The contracts are here; `chalicelib/aws` implements them on S3 and SQS, `chalicelib/local` wraps
those with a disk, and `tests/contract` runs one suite against every implementation, the tests'
own fakes included. An implementation raises `chalicelib.errors.Unavailable` when the
service does not answer after its own retries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from chalicelib.claims import Claim
from chalicelib.messages import Attempt

if TYPE_CHECKING:
    from email.message import EmailMessage  # imported where e-mail is sent, and nowhere else

Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime in UTC."""


PIECE_BYTES = 1024 * 1024
"""The longest piece that a bucket's `download` yields."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One row of a listing. `etag` is without quotation marks; `size` in bytes."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that was read. `metadata` is what its uploader said about it, by names in lower
    case."""

    key: str
    etag: str
    body: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)


class Bucket(Protocol):
    """A flat store of named byte strings, read-after-write consistent, as S3 is."""

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        """The object, or None. With `limit`, at most that many bytes of it. Raises
        UnreadableObject where the fault is this one object's."""

    def put(self, key: str, body: bytes) -> None:
        """Store, replacing what was there. Durable when it returns."""

    def create(self, key: str, body: bytes) -> bool:
        """Store only if there is nothing by that key: True for exactly one caller, ever."""

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        """Store what `chunks` yields, replacing what was there, with only a few MiB of it in memory
        at once. The object appears whole or not at all, and is durable when this returns. What
        `chunks` raises comes out here, and then nothing of the object is left behind."""

    def download(self, key: str) -> Iterator[bytes] | None:
        """The object in pieces of at most PIECE_BYTES, or None. The iterator raises Unavailable
        where the object can no longer be read to its end; pieces that it has yielded count."""

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        """The first `limit` objects whose keys begin with `prefix` and sort after `start_after`:
        fewer only where there are no more."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove the objects; one that is not there is no error."""


class EditableBucket(Protocol):
    """A bucket whose objects several people edit."""

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        """As `Bucket.get`."""

    def replace(self, key: str, body: bytes, etag: str | None) -> str | None:
        """Store if the object still has this ETag or, for None, if there is nothing by that key.
        Returns the new ETag; None, and nothing stored, if it has changed meanwhile. Of several
        callers at once with the same ETag, one stores."""


class Commits(Protocol):
    """Tells that something was committed in this process. `count` is how often."""

    count: int

    def wait_beyond(self, count: int, seconds: float) -> None:
        """Return once there were more than `count` commits, or after so many seconds."""


class DownloadLinks(Protocol):
    """Links with which anybody who has one can fetch an object of the runs bucket."""

    def link(self, key: str, file_name: str, seconds: int) -> str:
        """A URL that gives the object as a download called `file_name`, for `seconds`; or a path
        of it, where it is served beside the API. Whether the object is there is not asked."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """`delay` in whole seconds, 0 to 900; `group` is the unit of fairness (a dag_id) or None."""

    body: str
    delay: int = 0
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """`receipt` is good for `delete` and `hide` until the visibility timeout; `receive_count`
    starts at 1."""

    body: str
    message_id: str
    receipt: str
    receive_count: int


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Approximate number of messages in a queue.

    Attributes:
        visible: Waiting to be received.
        delayed: Not yet due.
        in_flight: Received but not yet deleted.
    """

    visible: int
    delayed: int
    in_flight: int


class Queue(Protocol):
    """At-least-once delivery in no particular order, as SQS's standard queues."""

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        """Send all, in batches. Raises Unavailable if any may not have been accepted."""

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        """Up to `limit` (1 to 10) messages; waits up to `wait` seconds (0 to 20) for the first."""

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        """Acknowledge; one that is gone already is no error."""

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        """Keep received messages from others for `seconds` (0 to 43,200) from now; one that is
        gone already is no error."""

    def depth(self) -> QueueDepth:
        """Approximate counts."""


class Claims(Protocol):
    """Who may start an attempt's command, and whether it is to be stopped."""

    def take(self, attempt: Attempt, claim: Claim) -> Claim | None:
        """Claim the attempt: None for exactly one caller, ever, also where its answer was lost and
        it asks again; for all others the claim that stands. Durable when it returns. Raises
        Unavailable where it is not known who has the claim, UnreadableClaim where one stands that
        says nothing; then the command must not be started."""

    def is_taken(self, attempt: Attempt) -> bool:
        """Whether anybody has claimed the attempt."""

    def request_cancel(self, attempt: Attempt, at: float) -> None:
        """Ask the attempt's executor to stop it; `at` in seconds since the epoch. Asking twice is
        harmless. Durable when it returns."""

    def is_cancel_requested(self, attempt: Attempt) -> bool:
        """Whether the attempt is to be stopped. One request."""


class Secrets(Protocol):
    """The stores that secrets are kept in."""

    def get(self, reference: str) -> str:
        """Return the current value of `ssm:/path`, `secretsmanager:id`, `secretsmanager:id#key` (a
        key of a secret that is a JSON object) or `env:NAME`. Raises OrchestratorError; the message
        names the reference and the reason, and never holds a secret."""


class Credentials(Protocol):
    """The role that commands act as."""

    def environ(self, seconds: float) -> Mapping[str, str]:
        """The environment variables that make a command act as the role, good for at least
        `seconds` where the role's sessions last so long. Raises OrchestratorError."""


class Notifier(Protocol):
    """Topics that people subscribe to."""

    def publish(self, topic: str, subject: str, body: str) -> None:
        """Publish to `topic`, an ARN. A subject that is too long or holds characters that topics
        do not take is adapted. Raises OrchestratorError."""


class Mailer(Protocol):
    """Sends e-mail from the installation's own address."""

    def send(self, to: str, message: EmailMessage) -> None:
        """Send `message`, which has no sender yet, to one mailbox. Raises Unavailable where
        sending it later may succeed, else OrchestratorError."""
