"""Claims in a DynamoDB table: one item for each attempt, which holds its claim and its cancel mark.

An item expires CLAIM_DAYS after its last change, which is never too early: a message is sent for
the last time six hours after its attempt was due (`scheduler/repair.py`), the queue keeps it for
four days, and no executor starts an attempt that was due a week ago (`executor/executor.py`). The
rest of the time is for backups: restoring one of the last weeks starts no attempt a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import answer_of, client, translated
from chalicelib.claims import Claim, UnreadableClaim
from chalicelib.messages import Attempt

CLAIM_DAYS = 30

KEY = "attempt"
"""The table's partition key: the prefix of the attempt's objects in the runs bucket. The template
declares it and, as the attribute that DynamoDB removes items by, EXPIRES_AT."""
EXPIRES_AT = "expires_at"

_CLAIM = "claim"
_CANCEL_AT = "cancel_at"
_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoClaims:
    """Implements `chalicelib.ports.Claims`. `get_client` is called at each use."""

    def __init__(
        self, table: str, get_client: Callable[[], Any] = lambda: client("dynamodb")
    ) -> None:
        self._table = table
        self._get_client = get_client
        self._what = f"DynamoDB table `{table}`"

    def take(self, attempt: Attempt, claim: Claim) -> Claim | None:
        """Claim the attempt. The answer to a lost condition holds the item, so losing takes one
        request, too."""
        # Not PutItem, which would remove a cancel mark that is there already.
        condition = {
            "ConditionExpression": f"attribute_not_exists({_CLAIM})",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            self._set(attempt, _CLAIM, {"S": claim.encode()}, claim.claimed_at, **condition)
        except _Refused as refused:
            standing = _read(attempt, refused.item)
            # The claim may have been stored and its answer lost; asked again, DynamoDB refuses it.
            return None if standing.token == claim.token else standing
        return None

    def is_taken(self, attempt: Attempt) -> bool:
        return _CLAIM in self._item(attempt, _CLAIM)

    def request_cancel(self, attempt: Attempt, at: float) -> None:
        self._set(attempt, _CANCEL_AT, {"N": str(at)}, at)

    def is_cancel_requested(self, attempt: Attempt) -> bool:
        return _CANCEL_AT in self._item(attempt, _CANCEL_AT)

    def _set(
        self, attempt: Attempt, name: str, value: dict[str, str], at: float, **condition: str
    ) -> None:
        """Set an attribute of the attempt's item, and when the item expires."""
        expires_at = int(at) + CLAIM_DAYS * 24 * 3600
        with translated(self._what):
            try:
                self._get_client().update_item(
                    TableName=self._table,
                    Key=_key(attempt),
                    UpdateExpression=f"SET {name} = :value, {EXPIRES_AT} = :expires_at",
                    ExpressionAttributeValues={
                        ":value": value,
                        ":expires_at": {"N": str(expires_at)},
                    },
                    **condition,
                )
            except ClientError as error:
                if answer_of(error)[1] != _CONDITION_FAILED:
                    raise
                item: dict[str, Any] = error.response.get("Item", {})
                raise _Refused(item) from None

    def _item(self, attempt: Attempt, attribute: str) -> dict[str, Any]:
        with translated(self._what):
            answer = self._get_client().get_item(
                TableName=self._table,
                Key=_key(attempt),
                ConsistentRead=True,
                ProjectionExpression=attribute,
            )
        item: dict[str, Any] = answer.get("Item", {})
        return item


class _Refused(Exception):
    """The condition does not hold; `item` is what stands."""

    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__("the condition does not hold")
        self.item = item


def _read(attempt: Attempt, item: dict[str, Any]) -> Claim:
    try:
        return Claim.decode(item[_CLAIM]["S"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableClaim(attempt.prefix) from error


def _key(attempt: Attempt) -> dict[str, dict[str, str]]:
    return {KEY: {"S": attempt.prefix}}
