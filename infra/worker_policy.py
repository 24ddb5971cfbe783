"""The IAM policy that a worker needs, and its settings. Pure.

A worker may receive the tasks of its queue, report to the results queue, and claim, log and hand on
files for the attempts of the DAGs that it is for. Attempts' keys begin with the id of their DAG.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.claims import CANCEL, CLAIM
from chalicelib.config import PREFIX
from chalicelib.dag_files import PREFIX as FILES
from chalicelib.messages import ARTIFACTS
from infra.policies import CLAIM_OR_CANCEL, LIST, LOOK_AT_CLAIMS, SEND, TAKE, Installation, allow

ANY_DAG = "*"


def worker_policy(
    installation: Installation, queue: str, dags: Sequence[str] = (ANY_DAG,)
) -> dict[str, Any]:
    """Returns the policy document. `dags` are ids, or patterns with `*`."""
    tasks = installation.location.arn("sqs", installation.stage.worker_queue(queue))
    runs = installation.bucket("RunsBucket")
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{dag}/*" for dag in dags]}}

    def objects(below: str) -> list[str]:
        return [f"{runs}/{dag}/*/{below}" for dag in dags]

    statements = [
        allow("Tasks", (*TAKE, "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl"), tasks),
        allow("Results", SEND, installation.queue("ResultsQueue")),
        allow("Claims", (*CLAIM_OR_CANCEL, *LOOK_AT_CLAIMS), installation.claims, Condition=keys),
        allow("Logs", ("s3:PutObject", "s3:DeleteObject"), *objects("log/*")),
        allow(
            "Artifacts",
            ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
            *objects(f"{ARTIFACTS}/*"),
        ),
        allow("ReadFilesOfDags", ("s3:GetObject",), f"{runs}/{FILES}*"),
    ]
    if installation.has_claims_on_s3:
        claims = [*objects(CLAIM), *objects(CANCEL)]
        statements.append(allow("ClaimsOnS3", ("s3:GetObject", "s3:PutObject"), *claims))
        statements.append(allow("ListRuns", (LIST,), runs))
    return {"Version": "2012-10-17", "Statement": statements}


def worker_settings(installation: Installation) -> dict[str, str]:
    """Returns the environment variables of a worker, but for its credentials."""
    outputs = installation.outputs
    return {
        "AWS_REGION": installation.location.region,
        f"{PREFIX}TASKS_QUEUE": outputs["TasksQueue"],
        f"{PREFIX}RESULTS_QUEUE": outputs["ResultsQueue"],
        f"{PREFIX}RUNS_BUCKET": outputs["RunsBucket"],
        f"{PREFIX}CLAIMS_TABLE": outputs["ClaimsTable"],
    }
