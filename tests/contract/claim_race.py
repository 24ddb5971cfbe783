"""A process that races others for claims.

`python -m tests.contract.claim_race STORE NUMBER ATTEMPTS WHERE` says `ready`, waits for a line,
takes every attempt's claim, and prints a JSON object: for each attempt null if it has won, else the
note of the winner.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3

from chalicelib.aws import S3Bucket
from chalicelib.aws.dynamodb import DynamoClaims
from chalicelib.claims import BucketClaims, Claim, TransitionalClaims
from chalicelib.enums import Claimant
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.messages import Attempt
from chalicelib.ports import Claims
from chalicelib.utils.time import utc_now

NAME = "contract"


def client(service: str, where: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=where,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def in_folder(where: str) -> Claims:
    return BucketClaims(FolderBucket(Path(where)))


def in_s3(where: str) -> Claims:
    s3 = client("s3", where)
    return BucketClaims(S3Bucket(NAME, lambda: s3))


def in_dynamodb(where: str) -> Claims:
    dynamodb = client("dynamodb", where)
    return DynamoClaims(NAME, lambda: dynamodb)


def in_both(where: str) -> Claims:
    until = utc_now() + timedelta(days=1)
    return TransitionalClaims(in_s3(where), in_dynamodb(where), until, utc_now)


STORES: dict[str, Callable[[str], Claims]] = {
    "folder": in_folder,
    "s3": in_s3,
    "dynamodb": in_dynamodb,
    "both": in_both,
}


def attempts(count: int) -> list[Attempt]:
    return [Attempt("dag", "run", "task", index, 1) for index in range(count)]


def main(store: str, number: str, count: str, where: str) -> None:
    claims, answers = STORES[store](where), {}
    print("ready", flush=True)
    sys.stdin.readline()
    for attempt in attempts(int(count)):
        claim = Claim(Claimant.EXECUTOR, float(number), f"process {number}")
        holder = claims.take(attempt, claim)
        answers[attempt.prefix] = None if holder is None else holder.note
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
