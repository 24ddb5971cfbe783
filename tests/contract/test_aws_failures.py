"""What S3 and SQS may answer beside "yes", and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

from chalicelib.aws import S3Bucket, SqsQueue, clients
from chalicelib.aws.dynamodb import CLAIM_DAYS, DynamoClaims
from chalicelib.aws.sqs import BYTES_AT_ONCE, batches
from chalicelib.claims import Claim, UnreadableClaim
from chalicelib.enums import Claimant
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.messages import Attempt
from chalicelib.ports import OutgoingMessage, ReceivedMessage
from tests.contract.implementations import REGION


class ScriptedClient:
    """Answers each call with the next of its answers, or raises it; remembers the calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append(arguments)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def error(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


def failed(row: str, code: str, *, sender: bool = False) -> dict[str, Any]:
    return {"Failed": [{"Id": row, "Code": code, "SenderFault": sender}]}


URL = {"QueueUrl": "http://queue"}


def queue(*answers: Any) -> tuple[SqsQueue, ScriptedClient]:
    client = ScriptedClient(URL, *answers)
    return SqsQueue("q", lambda: client), client


@pytest.fixture
def nobody_answers() -> Any:
    """A client of a port at which nobody listens."""
    config = Config(connect_timeout=1, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": REGION}

    def make(service: str) -> Any:
        return boto3.client(service, endpoint_url="http://127.0.0.1:9", config=config, **keys)

    return make


@pytest.fixture
def empty_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        clients.forget_clients()
        yield
    clients.forget_clients()


def test_a_service_that_cannot_be_reached_is_unavailable(nobody_answers: Any) -> None:
    with pytest.raises(Unavailable, match="S3 bucket `b` does not answer"):
        S3Bucket("b", lambda: nobody_answers("s3")).get("key")
    with pytest.raises(Unavailable, match="SQS queue `q` does not answer"):
        SqsQueue("q", lambda: nobody_answers("sqs")).depth()


@pytest.mark.usefixtures("empty_aws")
def test_a_bucket_or_queue_that_does_not_exist_is_named_with_the_remedy() -> None:
    with pytest.raises(OrchestratorError, match=r"`nowhere`.*NoSuchBucket.*Check that it exists"):
        S3Bucket("nowhere").put("key", b"")
    with pytest.raises(OrchestratorError, match=r"`nowhere`.*Check that it exists"):
        SqsQueue("nowhere").send([OutgoingMessage("x")])


@pytest.mark.usefixtures("empty_aws")
def test_a_client_is_made_once() -> None:
    assert clients.client("s3") is clients.client("s3")


BUSY = [
    ("SlowDown", 503),
    ("Throttling", 400),
    ("ThrottlingException", 400),
    ("KMSThrottlingException", 400),
    ("Throttled", 400),
    ("TooManyRequestsException", 400),
    ("RequestLimitExceeded", 400),
    ("RequestTimeout", 400),
    ("X", 429),
    ("X", 500),
]


@pytest.mark.parametrize(("code", "status"), BUSY)
def test_a_busy_service_is_unavailable(code: str, status: int) -> None:
    client = ScriptedClient(error(code, status))
    with pytest.raises(Unavailable, match=code):
        S3Bucket("b", lambda: client).put("key", b"")


def test_without_credentials_a_service_is_not_taken_for_a_busy_one() -> None:
    with pytest.raises(OrchestratorError) as caught, clients.translated("it"):
        raise NoCredentialsError
    assert not isinstance(caught.value, Unavailable)


def test_a_refusal_is_not_taken_for_a_busy_service() -> None:
    client = ScriptedClient(error("AccessDenied", 403))
    with pytest.raises(OrchestratorError) as caught:
        S3Bucket("b", lambda: client).put("key", b"")
    assert not isinstance(caught.value, Unavailable)


def test_two_creations_that_meet_are_tried_again() -> None:
    conflict = error("ConditionalRequestConflict", 409)
    client = ScriptedClient(conflict, conflict, {})
    assert S3Bucket("b", lambda: client).create("key", b"") is True
    client = ScriptedClient(conflict, error("PreconditionFailed", 412))
    assert S3Bucket("b", lambda: client).create("key", b"") is False


def test_creations_that_never_cease_to_meet_are_unavailable() -> None:
    client = ScriptedClient(*[error("ConditionalRequestConflict", 409)] * 5)
    with pytest.raises(Unavailable, match="`key`"):
        S3Bucket("b", lambda: client).create("key", b"")


def test_an_object_that_s3_could_not_delete_is_unavailable() -> None:
    client = ScriptedClient({"Errors": [{"Key": "k", "Code": "InternalError"}]})
    with pytest.raises(Unavailable, match="`k`"):
        S3Bucket("b", lambda: client).delete(["k"])


def test_of_a_batch_only_what_failed_is_sent_again() -> None:
    subject, client = queue(failed("1", "InternalError"), {})
    subject.send([OutgoingMessage("a"), OutgoingMessage("b")])
    assert [entry["MessageBody"] for entry in client.calls[-1]["Entries"]] == ["b"]


def test_a_batch_that_keeps_failing_is_unavailable() -> None:
    subject, _ = queue(*[failed("0", "InternalError")] * 3)
    with pytest.raises(Unavailable, match="1 of 1 failed: InternalError"):
        subject.send([OutgoingMessage("a")])


def test_a_message_that_sqs_will_never_take_is_not_sent_again() -> None:
    subject, client = queue(failed("0", "InvalidMessageContents", sender=True))
    with pytest.raises(OrchestratorError, match="InvalidMessageContents"):
        subject.send([OutgoingMessage("a")])
    assert client.answers == []


def test_an_acknowledgement_that_comes_too_late_is_no_error() -> None:
    subject, client = queue(failed("0", "ReceiptHandleIsInvalid", sender=True))
    subject.delete([ReceivedMessage("body", "id", "receipt", 1)])
    assert client.answers == []


def test_the_queues_url_is_asked_for_once() -> None:
    subject, client = queue({}, {})
    subject.send([OutgoingMessage("a")])
    subject.send([OutgoingMessage("b")])
    assert [call for call in client.calls if "QueueName" in call] == [{"QueueName": "q"}]


def test_batches_hold_to_sqs_limits_in_number_and_bytes() -> None:
    small = [OutgoingMessage("x")] * 21
    assert [len(batch) for batch in batches(small)] == [10, 10, 1]
    half = OutgoingMessage("é" * (BYTES_AT_ONCE // 4))
    assert [len(batch) for batch in batches([half] * 5)] == [2, 2, 1]
    huge = OutgoingMessage("x" * (BYTES_AT_ONCE + 1))
    assert [len(batch) for batch in batches([half, huge, half])] == [1, 1, 1]


ATTEMPT = Attempt("dag", "run", "task", -1, 1)
CLAIM = Claim(Claimant.EXECUTOR, 1000.5, "me")


def refused(item: dict[str, Any] | None) -> ClientError:
    """DynamoDB's answer to a lost condition."""
    answer = error("ConditionalCheckFailedException", 400)
    if item is not None:
        answer.response["Item"] = item
    return answer


def claims(*answers: Any) -> tuple[DynamoClaims, ScriptedClient]:
    client = ScriptedClient(*answers)
    return DynamoClaims("claims", lambda: client), client


def test_a_claim_whose_answer_from_dynamodb_was_lost_is_known_again_by_its_token() -> None:
    subject, _ = claims(refused({"claim": {"S": CLAIM.encode()}}))
    assert subject.take(ATTEMPT, CLAIM) is None


def test_losing_a_claim_takes_one_request() -> None:
    first = Claim(Claimant.SCHEDULER, 1.0, "lost")
    subject, client = claims(refused({"claim": {"S": first.encode()}}))
    assert subject.take(ATTEMPT, CLAIM) == first
    assert len(client.calls) == 1


@pytest.mark.parametrize(
    "item", [None, {}, {"claim": {"N": "1"}}, {"claim": {"S": "x"}}, {"cancel_at": {"N": "1"}}]
)
def test_a_claim_that_dynamodb_cannot_show_is_nobodys(item: dict[str, Any] | None) -> None:
    subject, _ = claims(refused(item))
    with pytest.raises(UnreadableClaim, match=f"`{ATTEMPT.prefix}`"):
        subject.take(ATTEMPT, CLAIM)


BUSY_TABLE = [
    ("ThrottlingException", 400),
    ("ProvisionedThroughputExceededException", 400),
    ("RequestLimitExceeded", 400),
    ("InternalServerError", 500),
    ("ServiceUnavailable", 503),
]


@pytest.mark.parametrize(("code", "status"), BUSY_TABLE)
def test_while_dynamodb_is_busy_nobody_knows_who_has_the_claim(code: str, status: int) -> None:
    subject, _ = claims(error(code, status))
    with pytest.raises(Unavailable, match=code):
        subject.take(ATTEMPT, CLAIM)


def test_while_dynamodb_cannot_be_reached_nobody_knows_who_has_the_claim(
    nobody_answers: Any,
) -> None:
    with pytest.raises(Unavailable, match="DynamoDB table `claims` does not answer"):
        DynamoClaims("claims", lambda: nobody_answers("dynamodb")).take(ATTEMPT, CLAIM)


def test_a_refusal_of_dynamodb_is_not_taken_for_a_lost_claim() -> None:
    subject, _ = claims(error("AccessDeniedException", 400))
    with pytest.raises(OrchestratorError) as caught:
        subject.take(ATTEMPT, CLAIM)
    assert not isinstance(caught.value, Unavailable)


def test_what_is_read_of_dynamodb_is_never_stale() -> None:
    subject, client = claims({}, {"Item": {"cancel_at": {"N": "1"}}})
    assert not subject.is_taken(ATTEMPT)
    assert subject.is_cancel_requested(ATTEMPT)
    assert [call["ConsistentRead"] for call in client.calls] == [True, True]


def test_a_claim_and_a_cancel_mark_expire_long_after_they_are_made() -> None:
    subject, client = claims({}, {})
    subject.take(ATTEMPT, CLAIM)
    subject.request_cancel(ATTEMPT, 2000.0)
    expiry = [call["ExpressionAttributeValues"][":expires_at"] for call in client.calls]
    days = CLAIM_DAYS * 86_400
    assert expiry == [{"N": str(1000 + days)}, {"N": str(2000 + days)}]
