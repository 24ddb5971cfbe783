"""The IAM policy of each function. Pure.

No action has a wildcard. Every statement names the stage's own resources wherever IAM allows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.claims import CANCEL, CLAIM
from chalicelib.dag_files import PREFIX as FILES
from chalicelib.dag_files import SUFFIXES as DAG_FILE_SUFFIXES
from chalicelib.enums import PlaceKind
from chalicelib.messages import ARTIFACTS, SELF_TEST_DAG_ID, TASK_MESSAGE
from chalicelib.notification_kinds import KINDS
from chalicelib.places import DEFAULT_FUNCTION, LAUNCH_FUNCTION
from infra.functions import (
    CLAIMS_ON_S3_UNTIL,
    WORKER_QUEUES,
    Function,
    functions_of,
    further_places,
)
from infra.names import ADMIN_FUNCTION, APP, Location, Stage

Statement = dict[str, Any]

TAKE = ("sqs:ReceiveMessage", "sqs:DeleteMessage")
# Lambda itself needs these, under the function's role, to poll the function's queue.
CONSUME = (*TAKE, "sqs:GetQueueAttributes")
HIDE = "sqs:ChangeMessageVisibility"
SEND = ("sqs:SendMessage", "sqs:GetQueueUrl")
DEPTH = ("sqs:GetQueueAttributes", "sqs:GetQueueUrl")
# Without it, S3 answers 403 instead of 404 to requests for objects that do not exist.
LIST = "s3:ListBucket"
READ = ("s3:GetObject",)
PUT_AND_DELETE = (LIST, "s3:PutObject", "s3:DeleteObject")
FULL = (*PUT_AND_DELETE, *READ)

# Whoever loses a claim learns of the winner from the same request.
CLAIM_OR_CANCEL = ("dynamodb:UpdateItem",)
LOOK_AT_CLAIMS = ("dynamodb:GetItem",)

# Lambda itself needs these, under the function's role, to connect a function to a VPC.
NETWORK_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)

ASSUME_TASK_ROLE = "AssumeTaskRole"

TASK_QUEUES = ["TasksQueue"]

QUEUES: dict[str, dict[str, tuple[str, ...]]] = {
    "api_handler": {
        **dict.fromkeys(TASK_QUEUES, (*SEND, *DEPTH)),
        "ResultsQueue": (*SEND, *DEPTH),
        "TasksDeadQueue": DEPTH,
    },
    "register": {**dict.fromkeys(TASK_QUEUES, SEND), "ResultsQueue": SEND},
    "tick": {
        **dict.fromkeys(TASK_QUEUES, SEND),
        "ResultsQueue": SEND,
        "TasksDeadQueue": (*TAKE, "sqs:GetQueueUrl"),
    },
    "apply": {**dict.fromkeys(TASK_QUEUES, SEND), "ResultsQueue": (*SEND, *CONSUME)},
    DEFAULT_FUNCTION: {"TasksQueue": CONSUME, "ResultsQueue": SEND},
    "backup": {},
    "admin": {"TasksQueue": SEND},  # the self-test's task
}

SCHEDULING = ("api_handler", "register", "tick", "apply")
"""The functions that send tasks to where they run."""

BUCKETS: dict[str, dict[str, tuple[str, ...]]] = {
    "api_handler": {"RunsBucket": (LIST, *READ)},  # logs are found by listing
    "register": {"DagsBucket": (LIST, *READ)},
    "tick": {"DagsBucket": (LIST, *READ), "RunsBucket": (LIST, "s3:DeleteObject")},
    "apply": {},
    DEFAULT_FUNCTION: {},  # see `_execution`
    "backup": {"BackupsBucket": PUT_AND_DELETE},
    "admin": {"BackupsBucket": FULL},
}


FILES_OF_DAGS: dict[str, tuple[str, ...]] = {
    "register": ("s3:PutObject",),
    "tick": ("s3:GetObject", "s3:PutObject"),  # to store them again in time
}
"""What who registers DAG files may do with the files beside them."""

CLAIMS: dict[str, tuple[str, ...]] = {
    "api_handler": CLAIM_OR_CANCEL,
    "register": CLAIM_OR_CANCEL,
    "tick": CLAIM_OR_CANCEL,
    "apply": CLAIM_OR_CANCEL,
    DEFAULT_FUNCTION: (*CLAIM_OR_CANCEL, *LOOK_AT_CLAIMS),
}


@dataclass(frozen=True, slots=True)
class Installation:
    """What policies refer to: a stage, its location, and the outputs of its stack."""

    stage: Stage
    location: Location
    outputs: Mapping[str, str]

    def bucket(self, output: str) -> str:
        return self.location.bucket_arn(self.outputs[output])

    def queue(self, output: str) -> str:
        return self.queue_named(self.outputs[output])

    def queue_named(self, name: str) -> str:
        return self.location.arn("sqs", name)

    @property
    def worker_queues(self) -> list[str]:
        """The ARNs of the queues that workers of this stage receive tasks from."""
        names = filter(None, self.outputs.get(WORKER_QUEUES, "").split(","))
        return [self.location.arn("sqs", self.stage.worker_queue(name)) for name in names]

    @property
    def claims(self) -> str:
        return self.location.arn("dynamodb", f"table/{self.outputs['ClaimsTable']}")

    @property
    def has_claims_on_s3(self) -> bool:
        """Whether claims that an older version made in the runs bucket still count."""
        return bool(self.outputs.get(CLAIMS_ON_S3_UNTIL))


def policies(installation: Installation) -> dict[str, dict[str, Any]]:
    """Returns policy documents by the functions' short names."""
    functions = functions_of(installation.outputs)
    return {function.name: policy(installation, function) for function in functions}


def policy(installation: Installation, function: Function) -> dict[str, Any]:
    statements = [
        _logs(installation, function),
        *_queues(installation, function),
        *_worker_queues(installation, function),
        *_queues_of_places(installation, function),
        *_buckets(installation, function),
        *_files_of_dags(installation, FILES_OF_DAGS.get(function.name, ())),
        *_editor(installation, function),
        *_claims(installation, _on_claims(function)),
    ]
    if function.name == ADMIN_FUNCTION:
        statements += _self_test(installation)
    if function.has_database:
        statements += _database(installation, function)
    elif function.runs_commands:
        statements += _execution(installation)
    else:
        statements += launch_policy(installation)
    return {"Version": "2012-10-17", "Statement": statements}


def allow(sid: str, actions: tuple[str, ...], *resources: str, **more: Any) -> Statement:
    unique = sorted(set(actions))
    return {"Sid": sid, "Effect": "Allow", "Action": unique, "Resource": [*resources], **more}


def _logs(installation: Installation, function: Function) -> Statement:
    group = f"log-group:/aws/lambda/{installation.stage.function(function.name)}:*"
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    return allow("Logs", actions, installation.location.arn("logs", group))


def _queues(installation: Installation, function: Function) -> list[Statement]:
    return [
        allow(output, actions, installation.queue(output))
        for output, actions in QUEUES.get(function.name, {}).items()
    ]


def _worker_queues(installation: Installation, function: Function) -> Iterator[Statement]:
    """Allows what the function may do with the default queue of tasks."""
    actions = QUEUES.get(function.name, {}).get("TasksQueue", ())
    if installation.worker_queues and function.name in SCHEDULING:
        yield allow("WorkerQueues", actions, *installation.worker_queues)


def _queues_of_places(installation: Installation, function: Function) -> Iterator[Statement]:
    """Allows the queues of the places that not every installation has: the functions that decide
    send to all, and the function of a place consumes its own."""
    rows = [row for row in further_places(installation.outputs) if row.function]
    if rows and function.name in SCHEDULING:
        queues = [installation.queue_named(row.queue) for row in rows]
        yield allow("QueuesOfPlaces", QUEUES[function.name]["TasksQueue"], *queues)
    for row in rows:
        if row.function == function.name:
            extra = (HIDE,) if row.kind is PlaceKind.FARGATE else ()
            actions = (*CONSUME, "sqs:GetQueueUrl", *extra)
            yield allow("OwnQueue", actions, installation.queue_named(row.queue))
            yield allow("ResultsQueue", SEND, installation.queue("ResultsQueue"))


def _buckets(installation: Installation, function: Function) -> Iterator[Statement]:
    for output, actions in BUCKETS.get(function.name, {}).items():
        bucket = installation.bucket(output)
        if LIST in actions:
            yield allow(f"List{output}", (LIST,), bucket)
        of_objects = tuple(action for action in actions if action != LIST)
        yield allow(f"ObjectsOf{output}", of_objects, f"{bucket}/*")


def _files_of_dags(installation: Installation, actions: tuple[str, ...]) -> Iterator[Statement]:
    if actions:
        yield allow("FilesOfDags", actions, f"{installation.bucket('RunsBucket')}/{FILES}*")


def _editor(installation: Installation, function: Function) -> Iterator[Statement]:
    """Allows the API to read and write DAG files, and nothing else in their bucket, where the
    installation has an editor."""
    if function.name == "api_handler" and installation.outputs.get("Editor") == "yes":
        bucket = installation.bucket("DagsBucket")
        files = [f"{bucket}/*{suffix}" for suffix in DAG_FILE_SUFFIXES]
        yield allow("ListDagFiles", (LIST,), bucket)
        yield allow("EditDagFiles", ("s3:GetObject", "s3:PutObject"), *files)


def _on_claims(function: Function) -> tuple[str, ...]:
    if function.name == LAUNCH_FUNCTION:
        return CLAIM_OR_CANCEL + LOOK_AT_CLAIMS
    return CLAIMS.get(DEFAULT_FUNCTION if function.runs_commands else function.name, ())


def _claims(installation: Installation, actions: tuple[str, ...]) -> Iterator[Statement]:
    if not actions:
        return
    yield allow("Claims", actions, installation.claims)
    if installation.has_claims_on_s3:
        runs = installation.bucket("RunsBucket")
        objects = [f"{runs}/*/{CLAIM}", f"{runs}/*/{CANCEL}"]
        yield allow("ClaimsOnS3", ("s3:GetObject", "s3:PutObject"), *objects)


def _database(installation: Installation, function: Function) -> list[Statement]:
    mount = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
    by_access_point = {
        "StringEquals": {"elasticfilesystem:AccessPointArn": installation.outputs["AccessPointArn"]}
    }
    own_arn = installation.location.arn(
        "lambda", f"function:{installation.stage.function(function.name)}"
    )
    return [
        allow("Mount", mount, installation.outputs["FileSystemArn"], Condition=by_access_point),
        # Lambda checks these permissions before the interfaces exist, so no resource can be named.
        allow("ConnectToVpc", NETWORK_INTERFACES, "*"),
        # Only Lambda may use them, not the code in the function.
        {
            "Sid": "DenyToTheCode",
            "Effect": "Deny",
            "Action": list(NETWORK_INTERFACES),
            "Resource": ["*"],
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [own_arn]}},
        },
    ]


def _self_test(installation: Installation) -> list[Statement]:
    """Allows the self-test to look at its claim, to read its log and to delete its objects."""
    runs = installation.bucket("RunsBucket")
    of_the_test = {"StringLike": {"s3:prefix": f"{SELF_TEST_DAG_ID}/*"}}
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{SELF_TEST_DAG_ID}/*"]}}
    return [
        allow("ClaimOfTheSelfTest", LOOK_AT_CLAIMS, installation.claims, Condition=keys),
        allow("ListTheSelfTest", (LIST,), runs, Condition=of_the_test),
        allow("SelfTest", ("s3:GetObject", "s3:DeleteObject"), f"{runs}/{SELF_TEST_DAG_ID}/*"),
    ]


def _execution(installation: Installation) -> list[Statement]:
    runs = installation.bucket("RunsBucket")
    # The executor looks for a cancel mark, which usually does not exist.
    listing = [allow("ListRuns", (LIST,), runs)] if installation.has_claims_on_s3 else []
    return [
        *listing,
        # A stored artifact is never deleted by an executor: only the parts of an unfinished one.
        allow(
            "Artifacts",
            ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
            f"{runs}/*/{ARTIFACTS}/*",
        ),
        allow("ReadFilesOfDags", READ, f"{runs}/{FILES}*"),
        # A deleted claim could be taken twice, so only logs may be deleted.
        allow("WriteAndDeleteLogs", ("s3:PutObject", "s3:DeleteObject"), f"{runs}/*/log/*"),
        *_secrets(installation),
        *_notifications(installation),
        allow(ASSUME_TASK_ROLE, ("sts:AssumeRole",), installation.outputs["TaskRoleArn"]),
    ]


def _notifications(installation: Installation) -> Iterator[Statement]:
    """Allows what each kind of notification needs."""
    for kind in KINDS.values():
        for number, permission in enumerate(kind.permissions):
            name = permission.resource.format(stack=installation.stage.stack)
            arn = installation.location.arn(permission.service, name)
            yield allow(
                f"NotifyBy{kind.name.capitalize()}{number or ''}", (permission.action,), arn
            )


def launch_policy(installation: Installation) -> list[Statement]:
    """Allows `launch` to start containers on Fargate, and to hand them their permissions."""
    stage, location = installation.stage, installation.location
    of_the_cluster = {"ArnEquals": {"ecs:cluster": location.arn("ecs", f"cluster/{stage.stack}")}}
    definitions = location.arn("ecs", f"task-definition/{stage.stack}-task-*:*")
    to_fargate = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    runs = installation.bucket("RunsBucket")
    own = location.arn("lambda", f"function:{stage.function(LAUNCH_FUNCTION)}")
    return [
        allow("WriteTaskMessages", ("s3:PutObject",), f"{runs}/*/{TASK_MESSAGE}"),
        # ECS knows no resources for these two.
        allow("DefineTasks", ("ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"), "*"),
        allow("RunTasks", ("ecs:RunTask",), definitions, Condition=of_the_cluster),
        allow("LookAtTasks", ("ecs:DescribeTasks",), location.arn("ecs", f"task/{stage.stack}/*")),
        allow(
            "PassRoles",
            ("iam:PassRole",),
            installation.outputs["TaskRoleArn"],
            location.role_arn(stage.role("fargate-pull")),
            Condition=to_fargate,
        ),
        allow("AssumeSidecarRole", ("sts:AssumeRole",), location.role_arn(stage.role("sidecar"))),
        allow("FindOwnCode", ("lambda:GetFunction",), own),
    ]


def sidecar_policy(installation: Installation) -> dict[str, Any]:
    """Returns the policy of the container beside a command: that of `execute`, without its queue.
    Each session of it is limited to one run's objects. It may ask `launch` for the next session."""
    stage, location = installation.stage, installation.location
    own = location.arn("lambda", f"function:{stage.function(LAUNCH_FUNCTION)}")
    runs = installation.bucket("RunsBucket")
    statements = [
        allow("ResultsQueue", SEND, installation.queue("ResultsQueue")),
        *_claims(installation, CLAIMS[DEFAULT_FUNCTION]),
        *(s for s in _execution(installation) if s["Sid"] != ASSUME_TASK_ROLE),
        allow("ReadTaskMessages", READ, f"{runs}/*/{TASK_MESSAGE}"),
        allow("RenewSession", ("lambda:InvokeFunction",), own),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _secrets(installation: Installation) -> list[Statement]:
    """Allows the secrets that DAGs may name, and the user's own KMS keys that encrypt them."""
    location, below = installation.location, f"{APP}/{installation.stage.name}/*"
    of_the_stage = {
        # A key's ARN does not contain its name, so the condition is on its alias.
        "ForAnyValue:StringLike": {"kms:ResourceAliases": f"alias/{below}"},
        "StringEquals": {
            "kms:ViaService": [
                f"ssm.{location.region}.{location.dns_suffix}",
                f"secretsmanager.{location.region}.{location.dns_suffix}",
            ]
        },
    }
    parameters, secrets = (
        location.arn("ssm", f"parameter/{below}"),
        location.arn("secretsmanager", f"secret:{below}"),
    )
    return [
        allow("NamedParameters", ("ssm:GetParameter",), parameters),
        allow("NamedSecrets", ("secretsmanager:GetSecretValue",), secrets),
        allow(
            "KeysOfNamedSecrets",
            ("kms:Decrypt",),
            location.arn("kms", "key/*"),
            Condition=of_the_stage,
        ),
    ]
