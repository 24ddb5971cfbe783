"""The table of claims in moto, as `infra/template.yaml` declares it."""

from __future__ import annotations

from typing import Any

from chalicelib.aws.dynamodb import EXPIRES_AT, KEY


def create_claims_table(client: Any, name: str) -> None:
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
    )
    ttl = {"AttributeName": EXPIRES_AT, "Enabled": True}
    client.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
